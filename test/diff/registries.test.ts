import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, chownSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { expectSame } from '#test/support/compare.ts';
import { type Distribution, noDistribution, startDistribution } from '#test/support/distribution.ts';
import { besidePodman, noDocker, noPeers } from '#test/support/peers.ts';
import { testUser } from '#test/support/user.ts';
import { wherry } from '#test/support/wherry.ts';

let registry: Distribution;
let directory = '';
let digest = '';
const reason = noPeers ?? noDistribution;

const skopeo = (words: string) => besidePodman(testUser().name, `skopeo ${words}`);

/** Writes a file that both can read. */
function write(path: string, text: string): string {
  const { uid, gid } = testUser();
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, text);
  chmodSync(path, 0o644);
  for (const one of [path, dirname(path), dirname(dirname(path))]) chownSync(one, uid, gid);
  return path;
}

const own = (name: string) => join(testUser().home, '.config/containers', name);

beforeAll(async () => {
  if (reason !== undefined) return;
  registry = await startDistribution();
  directory = mkdtempSync(join(tmpdir(), 'wherry-trust-'));
  chmodSync(directory, 0o777);
  const image = { layers: [[{ name: 'one', content: 'x' }]], config: { Cmd: ['x'] } };
  const name = await registry.push('team/app:1', image);
  const attachments = `docker: {"${registry.host}": {use-sigstore-attachments: true}}\n`;
  write(join(directory, 'registries.d/all.yaml'), attachments);
  write(join(directory, 'passphrase'), 'secret\n');
  for (const key of ['mine', 'other']) {
    const made = skopeo(
      `generate-sigstore-key --output-prefix ${directory}/${key} --passphrase-file ${directory}/passphrase`,
    );
    expect(made).toMatchObject({ status: 0 });
  }
  const sign = `--sign-by-sigstore-private-key ${directory}/mine.private --sign-passphrase-file ${directory}/passphrase`;
  const plain = '--src-tls-verify=false --dest-tls-verify=false';
  const copy = `--insecure-policy --registries.d ${directory}/registries.d copy -q ${plain} ${sign}`;
  for (const tag of ['1', '2']) {
    const target = `docker://${registry.host}/signed/app:${tag}`;
    expect(skopeo(`${copy} docker://${name} ${target}`)).toMatchObject({ status: 0 });
  }
  // The same image by a name that nobody has signed.
  const unsigned = `--insecure-policy copy -q ${plain} docker://${name} docker://${registry.host}/signed/app:3`;
  expect(skopeo(unsigned)).toMatchObject({ status: 0 });
  digest = skopeo(`inspect --tls-verify=false --format '{{.Digest}}' docker://${name}`).stdout.trim();
});
afterAll(async () => {
  await registry?.close();
  rmSync(directory, { recursive: true, force: true });
  for (const name of ['policy.json', 'registries.conf']) rmSync(own(name), { force: true });
});

/** Why it was refused, without who says so. */
function why(stderr: string): string {
  const text = stderr.replaceAll('\\"', '"');
  const refused = /(?:Source image rejected: |invalid policy in "[^"]*": )([^\n]*?)"?$/m.exec(text)?.[1] ?? text;
  // We say a reason once, and where in the file it stands; the words of cryptography differ.
  return refused
    .replace('None of the signatures were accepted, reasons: ', '')
    .replace(/(verification failed: ).*/, '$1')
    .replace(/ (?:in|\() ?(?:the scope )?"[^"]*"?\)?$| in the policy$/, '');
}

describe.skipIf(reason !== undefined)(`a policy lets through what it does for skopeo (${reason ?? 'here'})`, () => {
  const accept = [{ type: 'insecureAcceptAnything' }];
  const reject = [{ type: 'reject' }];
  const by = (key: string, signedIdentity?: object) => [
    { type: 'sigstoreSigned', keyPath: `${directory}/${key}.pub`, ...(signedIdentity ? { signedIdentity } : {}) },
  ];
  const at = (scope: string, requirements: object[]) => ({
    default: reject,
    transports: { docker: { [scope]: requirements } },
  });
  const app = () => `${registry.host}/signed/app`;
  const identity = (type: string, more: object = {}) => at(registry.host, by('mine', { type, ...more }));

  test.each<[string, () => object, () => string]>([
    ['the key', () => at(registry.host, by('mine')), () => `${app()}:1`],
    ['another key', () => at(registry.host, by('other')), () => `${app()}:1`],
    ['a name that was not signed', () => at(registry.host, by('mine')), () => `${app()}:3`],
    ['no signature', () => at(registry.host, by('mine')), () => `${registry.host}/team/app:1`],
    ['a digest', () => at(registry.host, by('mine')), () => `${app()}@${digest}`],
    ['matchExact', () => identity('matchExact'), () => `${app()}:1`],
    ['matchExact by digest', () => identity('matchExact'), () => `${app()}@${digest}`],
    ['matchRepository', () => identity('matchRepository'), () => `${app()}:3`],
    ['exactReference', () => identity('exactReference', { dockerReference: `${app()}:1` }), () => `${app()}:3`],
    [
      'exactReference of another',
      () => identity('exactReference', { dockerReference: 'quay.io/a:1' }),
      () => `${app()}:1`,
    ],
    ['exactRepository', () => identity('exactRepository', { dockerRepository: app() }), () => `${app()}:3`],
    [
      'remapIdentity',
      () => identity('remapIdentity', { prefix: registry.host, signedPrefix: 'quay.io' }),
      () => `${app()}:1`,
    ],
    ['the scope of a tag', () => at(`${app()}:1`, accept), () => `${app()}:1`],
    ['the scope of another tag', () => at(`${app()}:2`, accept), () => `${app()}:1`],
    ['the scope of a part', () => at(`${registry.host}/signed`, accept), () => `${app()}:1`],
    ['the scope of half a word', () => at(`${registry.host}/sign`, accept), () => `${app()}:1`],
    ['the scope of a wildcard', () => at('*.0.0.1', accept), () => `${app()}:1`],
    ['the scope of all', () => at('', accept), () => `${app()}:1`],
    ['two demands', () => ({ default: [...accept, ...reject] }), () => `${app()}:1`],
    ['no demand', () => ({ default: [] }), () => `${app()}:1`],
    ['nothing', () => ({}), () => `${app()}:1`],
    ['an unknown key', () => ({ default: accept, other: 1 }), () => `${app()}:1`],
    ['an unknown key of a demand', () => ({ default: [{ type: 'reject', other: 1 }] }), () => `${app()}:1`],
    ['an unknown type', () => ({ default: [{ type: 'maybe' }] }), () => `${app()}:1`],
    ['an unknown identity', () => identity('maybe'), () => `${app()}:1`],
  ])('%s', async (_, make, image) => {
    const policy = JSON.stringify(make());
    write(own('policy.json'), policy);
    write(join(directory, 'policy.json'), policy);
    const options = `--policy ${directory}/policy.json --registries.d ${directory}/registries.d`;
    const theirs = skopeo(`${options} copy -q --src-tls-verify=false docker://${image()} dir:${directory}/out`);
    const mine = await wherry(['pull', '-q', image()]);
    await wherry(['rmi', image()]);
    rmSync(own('policy.json'));
    expect([mine.status === 0, why(mine.stderr)]).toEqual([theirs.status === 0, why(theirs.stderr)]);
  });
});

describe.skipIf(reason !== undefined)(`registries.conf leads where it leads skopeo (${reason ?? 'here'})`, () => {
  const rule = (lines: string, mirrors: string[] = []) =>
    [`[[registry]]\n${lines}`, ...mirrors.map((mirror) => `[[registry.mirror]]\ninsecure = true\n${mirror}`)].join(
      '\n',
    );
  const here = () => `location = "${registry.host}"`;

  test.each<[string, string, () => string]>([
    ['a location', 'a.test/team/app:1', () => rule(`prefix = "a.test"\ninsecure = true\n${here()}`)],
    [
      'a location with a path',
      'a.test/x/app:1',
      () => rule(`prefix = "a.test/x"\ninsecure = true\nlocation = "${registry.host}/team"`),
    ],
    [
      'the longer prefix',
      'a.test/team/app:1',
      () =>
        `${rule('location = "a.test"\nblocked = true')}\n${rule(`prefix = "a.test/team"\ninsecure = true\nlocation = "${registry.host}/team"`)}`,
    ],
    [
      'half a word',
      'a.test/teams/app:1',
      () => rule(`prefix = "a.test/team"\ninsecure = true\nlocation = "${registry.host}/team"`),
    ],
    ['a wildcard', 'b.a.test/team/app:1', () => rule(`prefix = "*.a.test"\ninsecure = true\n${here()}`)],
    ['a wildcard of another', 'a.test/team/app:1', () => rule(`prefix = "*.a.test"\ninsecure = true\n${here()}`)],
    ['a mirror', 'docker.io/team/app:1', () => rule('location = "docker.io"', [here()])],
    [
      'the second mirror',
      'docker.io/team/app:1',
      () => rule('location = "docker.io"', ['location = "127.0.0.1:1"', here()]),
    ],
    [
      'a mirror for digests, by tag',
      'docker.io/team/app:1',
      () => rule('location = "docker.io"', [`${here()}\npull-from-mirror = "digest-only"`]),
    ],
    [
      'a mirror for tags, by tag',
      'docker.io/team/app:1',
      () => rule('location = "docker.io"', [`${here()}\npull-from-mirror = "tag-only"`]),
    ],
    [
      'a mirror for digests, by digest',
      'docker.io/team/app@DIGEST',
      () => rule('location = "docker.io"\nmirror-by-digest-only = true', [here()]),
    ],
    [
      'a mirror for tags, by digest',
      'docker.io/team/app@DIGEST',
      () => rule('location = "docker.io"', [`${here()}\npull-from-mirror = "tag-only"`]),
    ],
    [
      'a blocked registry with a mirror',
      'a.test/team/app:1',
      () => rule('location = "a.test"\nblocked = true', [here()]),
    ],
    ['a scheme', 'a.test/team/app:1', () => rule(`prefix = "a.test"\nlocation = "http://${registry.host}"`)],
    ['neither prefix nor location', 'a.test/team/app:1', () => rule('insecure = true')],
    ['a wrong type', 'a.test/team/app:1', () => rule('location = "a.test"\ninsecure = "yes"')],
  ])('%s', async (_, name, make) => {
    const image = name.replace('DIGEST', digest);
    const path = write(own('registries.conf'), make());
    const theirs = besidePodman(
      testUser().name,
      `CONTAINERS_REGISTRIES_CONF=${path} skopeo inspect --no-tags --format '{{.Digest}}' docker://${image}`,
    );
    const mine = await wherry(['pull', image]);
    await wherry(['rmi', image]);
    rmSync(path);
    expect([mine.status === 0, /^Digest: (.*)$/m.exec(mine.stdout)?.[1] ?? '']).toEqual([
      theirs.status === 0,
      theirs.stdout.trim(),
    ]);
  });
});

/** A hub of its own process: the test waits for docker without hearing anything. */
const HUB = `
const results = [
  { name: 'nginx', description: 'Official build of Nginx.', star_count: 20000, is_official: true },
  { name: 'a/nginx', description: 'many words '.repeat(8) + '\\nand a second line', star_count: 190 },
  { name: 'b/nginx', description: 'äöü 日本語 '.repeat(8), star_count: 5 },
  { name: 'c/nginx' },
];
const server = require('node:http').createServer((request, response) => {
  if (request.url.startsWith('/v1/_ping')) response.end('true');
  else if (request.url.includes('q=refused')) response.writeHead(500).end();
  else if (request.url.startsWith('/v1/search')) response.end(JSON.stringify({ results }));
  else response.writeHead(404).end();
});
server.listen(0, '127.0.0.1', () => console.log(server.address().port));
`;

describe.skipIf(noDocker !== undefined)(`search speaks as docker's does (${noDocker ?? 'here'})`, () => {
  let hub: ReturnType<typeof spawn>;
  let host = '';

  beforeAll(async () => {
    hub = spawn(process.execPath, ['-e', HUB], { stdio: ['ignore', 'pipe', 'inherit'] });
    const [port] = await once(hub.stdout ?? hub, 'data');
    host = `127.0.0.1:${String(port).trim()}`;
  });
  afterAll(() => void hub?.kill());

  test.each([
    'H/nginx',
    '--no-trunc H/nginx',
    '--limit 2 H/a/b',
    '--limit 101 H/x',
    '-f is-official=true H/x',
    '-f is-official=0 H/x',
    '-f is-official=maybe H/x',
    '-f is-automated=true H/x',
    '-f stars=10 -f stars=300 H/x',
    '-f stars=x H/x',
    '-f colour=red H/x',
    '--format json H/x',
    '--format "{{json .}}" H/x',
    '--format "table {{.Name}}\\t{{.IsOfficial}}" H/x',
    '--format "{{.Colour}}" H/x',
    '--format "{{" H/x',
    'H/refused',
    'http://H/x',
  ])('search %s', async (line) => {
    await expectSame(`search ${line.replace('H/', `${host}/`)}`);
  });
});
