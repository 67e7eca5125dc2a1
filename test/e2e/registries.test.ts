import { spawnSync } from 'node:child_process';
import { chmodSync, chownSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { makeAuthority } from '#test/support/certificates.ts';
import { type Distribution, LOGIN, noDistribution, startDistribution } from '#test/support/distribution.ts';
import { BUSYBOX_CONFIG, busyboxEntries } from '#test/support/embedded.ts';
import { sha256 } from '#test/support/registry.ts';
import { makeSigner, type Signer, signed, statement } from '#test/support/signature.ts';
import { testUser } from '#test/support/user.ts';
import { removeImages, succeed, wherry } from '#test/support/wherry.ts';

let registry: Distribution;
const layers = () => [busyboxEntries('/bin/busybox'), [{ name: 'greeting', content: 'hello\n' }]];

beforeAll(async () => {
  if (noDistribution !== undefined) return;
  registry = await startDistribution();
  await registry.push('copies/box:1', { layers: layers(), config: BUSYBOX_CONFIG });
});
afterAll(() => registry?.close());
afterEach(removeImages);

/** Writes a file of the user's; it goes when the test ends. */
function write(name: string, text: string, mode = 0o644): string {
  const { home, uid, gid } = testUser();
  const path = join(home, name);
  for (let made = dirname(path); made !== home; made = dirname(made)) {
    mkdirSync(made, { recursive: true });
    chownSync(made, uid, gid);
  }
  writeFileSync(path, text);
  chmodSync(path, mode);
  chownSync(path, uid, gid);
  onTestFinished(() => rmSync(path, { force: true }));
  return path;
}

const configure = (text: string) => write('.config/containers/registries.conf', text);

describe.skipIf(noDistribution !== undefined)(`with a registry (${noDistribution ?? 'here'})`, () => {
  test('a mirror of Docker Hub serves what is asked for by its short name', async () => {
    configure(`[[registry]]
prefix = "docker.io/library"
location = "docker.io/library"
[[registry.mirror]]
location = "127.0.0.1:1"
[[registry.mirror]]
location = "${registry.host}/copies"
`);
    const done = await wherry(['run', '--rm', '--network', 'none', 'box:1', 'cat', '/greeting']);
    expect(done).toMatchObject({ status: 0, stdout: 'hello\n' });
    expect(done.stderr).toContain('The mirror 127.0.0.1:1 failed: ');
    expect(await succeed('images', '--format', '{{.Repository}}:{{.Tag}}', '*box')).toBe('box:1');
  });

  test('an alias and a location lead elsewhere; the names stay', async () => {
    configure(`[aliases]
greeter = "${registry.host}/copies/box"
[[registry]]
prefix = "away.test/people"
location = "${registry.host}/copies"
`);
    expect(await succeed('pull', 'greeter:1')).toMatch(/^Resolved "greeter:1" as an alias \(.*registries\.conf\)\n/);
    await succeed('pull', 'away.test/people/box:1');
    const names = (await succeed('images', '--format', '{{.Repository}}:{{.Tag}}')).split('\n').sort();
    expect(names).toEqual(['away.test/people/box:1', 'greeter:1']);
    await succeed('tag', 'greeter:1', 'away.test/people/mine:2');
    await succeed('push', 'away.test/people/mine:2');
    expect(await succeed('search', `${registry.host}/mine`)).toContain(`${registry.host}/copies/mine`);
  });

  test.each([
    ['pull', 'box:1'],
    ['run', 'box:1'],
    ['push', 'box:1'],
    ['search', 'localhost:5000/box'],
    ['login', '-u', 'me', '--password-stdin', 'localhost:5000'],
  ])('what is blocked is not asked by %s', async (...args) => {
    const file = configure(
      '[[registry]]\nlocation = "docker.io"\nblocked = true\n[[registry]]\nlocation = "localhost:5000"\nblocked = true\n',
    );
    if (args[0] === 'push') {
      configure('');
      await succeed('pull', `${registry.host}/copies/box:1`);
      await succeed('tag', `${registry.host}/copies/box:1`, 'box:1');
      writeFileSync(file, '[[registry]]\nlocation = "docker.io"\nblocked = true\n');
    }
    const done = await wherry(args, { input: 'secret' });
    expect(done.status).toBe(args[0] === 'run' ? 125 : 1);
    expect(done.stderr).toMatch(new RegExp(`registry (docker\\.io|localhost:5000) is blocked in ${file}\n`));
  });

  test('a malformed file is one line with its place, for what needs registries alone', async () => {
    const file = configure('[[registry]]\nlocation = "docker.io"\nblockd = true\n');
    const done = await wherry(['pull', '-q', 'box:1']);
    expect(done).toMatchObject({
      status: 1,
      stderr: `Cannot use "${file}", line 3: "blockd" is no key of [[registry]]\n`,
    });
    expect((await wherry(['images'])).status).toBe(0);
  });
});

/** Signs an image at a real registry, as cosign does. */
async function attachTo(host: string, name: string, signer: Signer): Promise<string> {
  const base = `http://${host}/v2/${name}`;
  const accept = { accept: 'application/vnd.oci.image.manifest.v1+json' };
  const bytes = Buffer.from(await (await fetch(`${base}/manifests/1`, { headers: accept })).arrayBuffer());
  const digest = sha256(bytes);
  const { payload, signature } = signed(statement(digest, `${host}/${name}:1`), signer);
  const put = async (blob: Buffer) => {
    const { headers } = await fetch(`${base}/blobs/uploads/`, { method: 'POST' });
    const place = new URL(headers.get('location') ?? '', base);
    place.searchParams.set('digest', sha256(blob));
    await fetch(place, { method: 'PUT', body: new Uint8Array(blob) });
    return { digest: sha256(blob), size: blob.length };
  };
  const mediaType = 'application/vnd.oci.image.manifest.v1+json';
  const annotations = { 'dev.cosignproject.cosign/signature': signature };
  const layer = { mediaType: 'application/vnd.dev.cosign.simplesigning.v1+json', ...(await put(payload)), annotations };
  const config = { mediaType: 'application/vnd.oci.image.config.v1+json', ...(await put(Buffer.from('{}'))) };
  const manifest = JSON.stringify({ schemaVersion: 2, mediaType, config, layers: [layer] });
  const tag = `${digest.replace(':', '-')}.sig`;
  const done = await fetch(`${base}/manifests/${tag}`, {
    method: 'PUT',
    headers: { 'content-type': mediaType },
    body: manifest,
  });
  expect(done.status).toBe(201);
  return digest;
}

describe.skipIf(noDistribution !== undefined)(`trust, with a registry (${noDistribution ?? 'here'})`, () => {
  test('only what the key has signed comes, and nothing of what it has not stays', async () => {
    const [mine, others] = [makeSigner(), makeSigner('ed25519')];
    await registry.push('signed/box:1', { layers: layers(), config: BUSYBOX_CONFIG });
    const image = `${registry.host}/signed/box:1`;
    const [key, other] = [write('mine.pub', mine.pem), write('others.pub', others.pem)];
    const unsigned = await wherry(['pull', '-q', '--verify-key', key, image]);
    expect(unsigned.status).toBe(1);
    expect(unsigned.stderr).toContain('Source image rejected: A signature was required, but no signature exists');
    await attachTo(registry.host, 'signed/box', mine);
    await succeed('pull', '-q', '--verify-key', key, image);
    await succeed('rmi', image);
    const wrong = await wherry(['pull', '-q', '--verify-key', other, image]);
    expect(wrong.stderr).toContain('Source image rejected: cryptographic signature verification failed');
    const docker = { [registry.host]: [{ type: 'sigstoreSigned', keyPath: other }] };
    write('.config/containers/policy.json', JSON.stringify({ default: [{ type: 'reject' }], transports: { docker } }));
    expect((await wherry(['run', '--rm', image, 'true'])).status).toBe(125);
    expect((await wherry(['pull', 'elsewhere.test/box'])).stderr).toContain(
      'Source image rejected: Running image docker://elsewhere.test/box:latest is rejected by policy.',
    );
    expect(await succeed('images', '-q')).toBe('');
  });
});

test.skipIf(noDistribution !== undefined)('a registry that wants to know who asks is shown a certificate', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'wherry-tls-'));
  const authority = makeAuthority(directory);
  const server = authority.issue('server', ['IP:127.0.0.1']);
  const tls = await startDistribution({ tls: { ...server, clients: authority.cert } });
  onTestFinished(() => tls.close());
  const image = `${tls.host}/copies/box:1`;
  const refused = await wherry(['pull', image]);
  expect(refused.status).toBe(1);
  expect(refused.stderr).toMatch(/: remote error: tls: (certificate required|bad certificate)$/m);
  const me = authority.issue('me');
  write(`.config/docker/certs.d/${tls.host}/me.cert`, me.cert);
  expect((await wherry(['pull', image])).stderr).toMatch(/^missing key .*me\.key for client certificate .*me\.cert\./m);
  write(`.config/docker/certs.d/${tls.host}/me.key`, me.key, 0o600);
  expect((await wherry(['pull', image])).stderr).toContain('manifest unknown');
  rmSync(directory, { recursive: true });
});

/** docker-credential-files: keeps each secret in a file. */
const HELPER = `#!/bin/sh
dir=$HOME/secrets; mkdir -p "$dir"
case $1 in
store) input=$(cat); server=$(echo "$input" | sed 's/.*"ServerURL":"\\([^"]*\\)".*/\\1/'); echo "$input" > "$dir/$server" ;;
get) read -r server; cat "$dir/$server" 2>/dev/null || { echo credentials not found in native keychain; exit 1; } ;;
erase) read -r server; rm -f "$dir/$server" ;;
list) echo '{}' ;;
esac
`;

test.skipIf(noDistribution !== undefined)('a credential helper keeps the password from login to logout', async () => {
  const locked = await startDistribution({ isPrivate: true });
  onTestFinished(() => locked.close());
  const image = await locked.push('secret/box:1', { layers: layers(), config: BUSYBOX_CONFIG });
  const helper = write('bin/docker-credential-files', HELPER, 0o755);
  const config = write('dotdocker/config.json', JSON.stringify({ credsStore: 'files' }));
  const env = { DOCKER_CONFIG: dirname(config), PATH: `${dirname(helper)}:${testUser().env().PATH}` };
  const login = ['login', '-u', LOGIN.user, '--password-stdin', locked.host];
  expect(await wherry(login, { env, input: LOGIN.password })).toMatchObject({
    status: 0,
    stdout: 'Login Succeeded\n',
    stderr: '',
  });
  expect(JSON.parse(readFileSync(config, 'utf8'))).toEqual({ auths: { [locked.host]: {} }, credsStore: 'files' });
  expect(await wherry(['pull', '-q', image], { env })).toMatchObject({ status: 0 });
  expect((await wherry(['logout', locked.host], { env })).status).toBe(0);
  await wherry(['rmi', image]);
  expect((await wherry(['pull', '-q', image], { env })).stderr).toContain('no basic auth credentials');

  writeFileSync(config, JSON.stringify({ credsStore: 'absent' }));
  const needed = await wherry(['pull', '-q', image], { env });
  expect(needed.stderr).toContain('exec: "docker-credential-absent": executable file not found in $PATH');
  expect(await wherry(['pull', '-q', `${registry.host}/copies/box:1`], { env })).toMatchObject({
    status: 0,
    stderr: '',
  });
});

const noPass = ['docker-credential-pass', 'pass', 'gpg']
  .filter((program) => spawnSync('sh', ['-c', `command -v ${program}`]).status !== 0)
  .join(', ');

test.skipIf(noDistribution !== undefined || noPass !== '')(
  `pass keeps the password as it does for docker (${noPass || 'here'})`,
  async () => {
    const locked = await startDistribution({ isPrivate: true });
    onTestFinished(() => locked.close());
    const image = await locked.push('secret/box:1', { layers: layers(), config: BUSYBOX_CONFIG });
    const config = write('dotdocker/config.json', JSON.stringify({ credsStore: 'pass' }));
    const home = join(testUser().home, 'pass');
    const env = { HOME: home, DOCKER_CONFIG: dirname(config), PATH: process.env.PATH };
    const key = "gpg --batch --quiet --passphrase '' --quick-gen-key t@example default default never";
    const made = await testUser().run('sh', ['-ec', `mkdir -m 700 ${home}; ${key}; pass init t@example`], { env });
    expect(made).toMatchObject({ status: 0 });
    onTestFinished(async () => {
      await testUser().run('sh', ['-c', `gpgconf --kill gpg-agent; rm -rf ${home}`], { env });
    });
    const login = ['login', '-u', LOGIN.user, '--password-stdin', locked.host];
    expect(await wherry(login, { env, input: LOGIN.password })).toMatchObject({ status: 0 });
    expect(readFileSync(config, 'utf8')).not.toContain('auth"');
    expect(
      await wherry(['pull', '-q', image], {
        env: {
          DOCKER_CONFIG: dirname(config),
          PATH: process.env.PATH,
          PASSWORD_STORE_DIR: `${home}/.password-store`,
          GNUPGHOME: `${home}/.gnupg`,
        },
      }),
    ).toMatchObject({ status: 0 });
    expect(await wherry(['logout', locked.host], { env })).toMatchObject({ status: 0 });
    const listed = await testUser().run('docker-credential-pass', ['list'], { env });
    expect(listed.stdout.trim()).toBe('{}');
  },
);
