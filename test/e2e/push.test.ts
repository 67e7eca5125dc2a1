import { execFileSync } from 'node:child_process';
import { createServer, request as forward, type IncomingMessage } from 'node:http';
import { afterAll, afterEach, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { type Distribution, LOGIN, noDistribution, startDistribution } from '#test/support/distribution.ts';
import { BUSYBOX_CONFIG, busyboxEntries } from '#test/support/embedded.ts';
import { listen } from '#test/support/ports.ts';
import { removeImages, succeed, wherry } from '#test/support/wherry.ts';

let registry: Distribution;
let other: Distribution;

/** What does not shrink, so that it takes its time. */
const noise = () => {
  let state = 1;
  const bytes = Buffer.alloc(24 * 1024 * 1024);
  for (let at = 0; at < bytes.length; at += 4) {
    state = Math.imul(state ^ (state >>> 15), 0x2c1b3c6d) + 0x9e3779b9;
    bytes.writeInt32LE(state | 0, at);
  }
  return bytes;
};
const layers = () => [
  busyboxEntries('/bin/busybox'),
  [{ name: 'noise', content: noise() }],
  [{ name: 'x', content: 'x' }],
];

/** The bytes of a manifest, as another tool gets them. */
const raw = (reference: string, ...credentials: string[]) =>
  execFileSync('skopeo', ['inspect', '--tls-verify=false', ...credentials, '--raw', `docker://${reference}`]);

/** Everything that another tool gets for a name is whole and right: skopeo checks each digest. */
const copies = (reference: string) =>
  execFileSync('skopeo', [
    'copy',
    '-q',
    '--insecure-policy',
    '--src-tls-verify=false',
    `docker://${reference}`,
    'dir:/dev/shm/wherry-push-test',
  ]);

afterEach(removeImages);

describe.skipIf(noDistribution !== undefined)(`with a registry (${noDistribution ?? 'here'})`, () => {
  beforeAll(async () => {
    [registry, other] = [await startDistribution(), await startDistribution()];
    await registry.push('test/box:1', { layers: layers(), config: BUSYBOX_CONFIG });
    await registry.push('test/zstd:1', { layers: layers(), config: BUSYBOX_CONFIG, compression: 'zstd' });
  });
  afterAll(async () => {
    await registry.close();
    await other.close();
    execFileSync('rm', ['-rf', '/dev/shm/wherry-push-test']);
  });

  test.each(['box', 'zstd'])('what was pulled is pushed as the same bytes, here and elsewhere (%s)', async (name) => {
    const image = `${registry.host}/test/${name}:1`;
    await succeed('pull', '-q', image);
    for (const target of [`${registry.host}/copy/${name}:2`, `${other.host}/copy/${name}:2`]) {
      await succeed('tag', image, target);
      const said = await succeed('push', target);
      expect(said).toMatch(/^The push refers to repository \[[^\]]*\]\n(?:[0-9a-f]{12}: Preparing\n){3}/);
      expect(said.match(/: Mounted from test\/\w+$/gm) ?? []).toHaveLength(target.startsWith(other.host) ? 0 : 3);
      expect(said).toMatch(/\n2: digest: sha256:[0-9a-f]{64} size: \d+$/);
      expect(raw(target).equals(raw(image))).toBe(true);
      copies(target);
      expect((await succeed('push', target)).match(/: Layer already exists$/gm)).toHaveLength(3);
      expect(await succeed('images', '--digests', '--format', '{{.Digest}}', target.replace(/:2$/, ''))).toMatch(
        /^sha256:[0-9a-f]{64}$/,
      );
    }
  });

  test('all tags go with -a, and -q says the name alone', async () => {
    const repository = `${other.host}/all/box`;
    const image = `${registry.host}/test/box:1`;
    await succeed('pull', '-q', image);
    for (const tag of ['b', 'a']) await succeed('tag', image, `${repository}:${tag}`);
    expect((await succeed('push', '-a', repository)).match(/^\w+: digest/gm)).toEqual(['a: digest', 'b: digest']);
    expect(raw(`${repository}:b`).equals(raw(image))).toBe(true);
    expect(await succeed('push', '--quiet', `${repository}:a`)).toBe(`${repository}:a`);
    expect(await succeed('push', '-q', '-a', repository)).toBe(repository);
  });

  test('a name that is not here, and a registry that is not there, are errors of one line', async () => {
    const image = `${registry.host}/test/box:1`;
    await succeed('pull', '-q', image);
    expect(await wherry(['push', `${registry.host}/nosuch`])).toMatchObject({
      status: 1,
      stderr: `An image does not exist locally with the tag: ${registry.host}/nosuch\n`,
    });
    expect(await wherry(['push', `${registry.host}/test/box:2`])).toMatchObject({
      status: 1,
      stderr: `tag does not exist: ${registry.host}/test/box:2\n`,
    });
    await succeed('tag', image, 'localhost:1/box');
    const absent = await wherry(['push', 'localhost:1/box']);
    expect(absent.status).toBe(1);
    expect(absent.stderr).toMatch(
      /^Get "http:\/\/localhost:1\/v2\/": dial tcp \S+: connect: connection refused\nhint: /,
    );
  });

  test('a private registry wants a login first', async () => {
    const closed = await startDistribution({ isPrivate: true });
    onTestFinished(() => closed.close());
    const target = `${closed.host}/mine/box:1`;
    await succeed('pull', '-q', `${registry.host}/test/box:1`);
    await succeed('tag', `${registry.host}/test/box:1`, target);
    const refused = await wherry(['push', target]);
    expect(refused.status).toBe(1);
    expect(refused.stderr).toMatch(/^no basic auth credentials\nhint: Log in first: wherry login /);
    await succeed('login', '-u', LOGIN.user, '-p', LOGIN.password, closed.host);
    await succeed('push', target);
    await succeed('logout', closed.host);
    const credentials = `--creds=${LOGIN.user}:${LOGIN.password}`;
    expect(raw(target, credentials).equals(raw(`${registry.host}/test/box:1`))).toBe(true);
  });

  test('a line that breaks in the middle of a layer costs nothing but time', async () => {
    const front = await brokenFront(other.host);
    const target = `${front}/broken/box:1`;
    await succeed('pull', '-q', `${registry.host}/test/box:1`);
    await succeed('tag', `${registry.host}/test/box:1`, target);
    await succeed('push', target);
    expect(raw(target.replace(front, other.host)).equals(raw(`${registry.host}/test/box:1`))).toBe(true);
    copies(target.replace(front, other.host));
  });

  test('a list for several platforms is put together, pushed, and found by others', async () => {
    const list = `${registry.host}/test/list:1`;
    const arm = `${registry.host}/arm/box:1`;
    await registry.push('arm/box:1', { layers: [[{ name: 'y', content: 'y' }]], config: {}, architecture: 'arm64' });
    expect(await succeed('manifest', 'create', list, `${registry.host}/test/box:1`, arm)).toBe(
      `Created manifest list ${list}`,
    );
    await succeed('manifest', 'annotate', '--variant', 'v8', list, arm);
    const made = await succeed('manifest', 'inspect', list);
    expect(await succeed('manifest', 'push', '--purge', list)).toMatch(
      /^Pushed ref \S+\/test\/list@sha256:\S+ with digest: \S+\nPushed ref \S+ with digest: \S+\nsha256:[0-9a-f]{64}$/,
    );
    expect(raw(list).toString()).toBe(made);
    expect(JSON.parse(made).manifests.map((one: { platform: object }) => one.platform)).toContainEqual({
      architecture: 'arm64',
      os: 'linux',
      variant: 'v8',
    });
    expect((await wherry(['manifest', 'rm', list])).stderr).toBe(`No such manifest: ${list}\n`);
    expect(await succeed('manifest', 'inspect', list)).toBe(made);
    await succeed('pull', '-q', '--platform', 'linux/arm64', list);
  });
});

/** A proxy before a registry that breaks the first upload of something large, and gives its host. */
async function brokenFront(host: string): Promise<string> {
  const [hostname, port] = host.split(':');
  let isBroken = false;
  const server = createServer((request, response) => {
    const { method, url: path, headers } = request;
    const behind = forward({ hostname, port, method, path, headers }, (answer: IncomingMessage) => {
      response.writeHead(answer.statusCode ?? 500, answer.headers);
      answer.pipe(response);
    });
    behind.on('error', () => response.destroy());
    let count = 0;
    request.on('data', (chunk: Buffer) => {
      count += chunk.length;
      if (isBroken || count < 4_000_000) return;
      isBroken = true;
      request.destroy();
      behind.destroy();
    });
    request.pipe(behind);
  });
  const own = await listen(server);
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return `127.0.0.1:${own}`;
}
