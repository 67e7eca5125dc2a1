import { readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { type Distribution, LOGIN, noDistribution, startDistribution } from '#test/support/distribution.ts';
import { BUSYBOX_CONFIG, busyboxEntries } from '#test/support/embedded.ts';
import { listen } from '#test/support/ports.ts';
import { testUser } from '#test/support/user.ts';
import { removeContainers, removeImages, succeed, wherry } from '#test/support/wherry.ts';

let registry: Distribution;
const layers = () => [busyboxEntries('/bin/busybox'), [{ name: 'greeting', content: 'hello\n' }]];

afterEach(async () => {
  await removeContainers();
  await removeImages();
});

describe.skipIf(noDistribution !== undefined)(`with a registry (${noDistribution ?? 'here'})`, () => {
  beforeAll(async () => {
    registry = await startDistribution();
    await registry.push('test/box:1', { layers: layers(), config: BUSYBOX_CONFIG });
    await registry.push('test/zstd:1', { layers: layers(), config: BUSYBOX_CONFIG, compression: 'zstd' });
  });
  afterAll(() => registry.close());

  test('run pulls what is missing, says so, and does not pull again', async () => {
    const image = `${registry.host}/test/box:1`;
    const first = await wherry(['run', '--rm', '--network', 'none', image, 'cat', '/greeting']);
    expect(first).toMatchObject({ status: 0, stdout: 'hello\n' });
    expect(first.stderr).toContain(`Unable to find image '${image}' locally`);
    const second = await wherry(['run', '--rm', '--network', 'none', image, 'cat', '/greeting']);
    expect(second).toMatchObject({ status: 0, stdout: 'hello\n', stderr: '' });
  });

  test('pull, tag, images and rmi speak as Docker does', async () => {
    const image = `${registry.host}/test/box:1`;
    const pulled = await succeed('pull', image);
    expect(pulled).toMatch(/^1: Pulling from test\/box\n/);
    expect(pulled).toMatch(
      /Digest: sha256:[0-9a-f]{64}\nStatus: Downloaded newer image for .*test\/box:1\n.*test\/box:1$/,
    );
    expect(await succeed('pull', image)).toContain(`Status: Image is up to date for ${image}`);
    expect(await succeed('pull', '-q', image)).toBe(image);
    await succeed('tag', image, 'box:mine');
    expect((await succeed('images', '--format', '{{.Repository}}:{{.Tag}}')).split('\n').sort()).toEqual(
      ['box:mine', image].sort(),
    );
    expect(await succeed('rmi', 'box:mine')).toBe('Untagged: box:mine');
    expect(await succeed('rmi', image)).toMatch(
      /^Untagged: .*test\/box:1\nUntagged: .*test\/box@sha256:.*\nDeleted: sha256:/,
    );
    expect(await succeed('images', '-q')).toBe('');
  });

  test('layers compressed by zstd are read as well', async () => {
    expect(await succeed('run', '--rm', '--network', 'none', `${registry.host}/test/zstd:1`, 'cat', '/greeting')).toBe(
      'hello',
    );
  });

  test('an image in use stays', async () => {
    const image = `${registry.host}/test/box:1`;
    await succeed('create', '--name', 'user', '--network', 'none', image, 'true').catch(() => undefined);
    const refused = await wherry(['rmi', image]);
    expect(refused.status).toBe(1);
    expect(refused.stderr).toMatch(
      /conflict: unable to remove repository reference .* \(must force\) - container [0-9a-f]{12} is using its referenced image [0-9a-f]{12}/,
    );
  });

  test('what the registry does not have is named', async () => {
    const done = await wherry(['pull', `${registry.host}/test/box:none`]);
    expect(done.status).toBe(1);
    expect(done.stderr).toMatch(/manifest for .*test\/box:none not found: manifest unknown/);
  });

  test('ten pulls of one image at once all succeed', async () => {
    const image = `${registry.host}/test/box:1`;
    const done = await Promise.all(Array.from({ length: 10 }, () => wherry(['pull', '-q', image])));
    expect(done.map(({ status, stderr }) => `${status}${stderr}`)).toEqual(Array(10).fill('0'));
    expect(await succeed('run', '--rm', '--network', 'none', image, 'cat', '/greeting')).toBe('hello');
  });
});

test.skipIf(noDistribution !== undefined)('a private registry is used after login, and not after logout', async () => {
  const locked = await startDistribution({ isPrivate: true });
  const image = await locked.push('secret/box:1', { layers: layers(), config: BUSYBOX_CONFIG });
  expect((await wherry(['pull', image])).status).toBe(1);
  const wrong = await wherry(['login', '-u', LOGIN.user, '--password-stdin', locked.host], { input: 'wrong' });
  expect(wrong.status).toBe(1);
  expect(wrong.stderr).toMatch(/unauthorized/i);
  const right = await wherry(['login', '-u', LOGIN.user, '--password-stdin', locked.host], { input: LOGIN.password });
  expect(right).toMatchObject({ status: 0, stdout: expect.stringContaining('Login Succeeded') });
  const config = JSON.parse(readFileSync(join(testUser().home, '.docker/config.json'), 'utf8'));
  expect(Object.keys(config.auths)).toContain(locked.host);
  await succeed('pull', '-q', image);
  expect(await succeed('logout', locked.host)).toBe(`Removing login credentials for ${locked.host}`);
  await wherry(['rmi', image]);
  expect((await wherry(['pull', image])).status).toBe(1);
  await locked.close();
});

test('a registry that lies about a blob is caught, and nothing of it stays', async () => {
  const answer = Buffer.from('{"not": "what was asked for"}');
  const server = createServer((request, response) => {
    if (request.url === '/v2/') return response.end('{}');
    response.setHeader('content-type', 'application/vnd.oci.image.manifest.v1+json');
    response.setHeader('docker-content-digest', `sha256:${'0'.repeat(64)}`);
    return response.end(answer);
  });
  const port = await listen(server);
  const done = await wherry(['pull', `127.0.0.1:${port}/liar@sha256:${'0'.repeat(64)}`]);
  server.close();
  expect(done.status).toBe(1);
  expect(done.stderr.trim().split('\n')).toHaveLength(done.stderr.includes('hint: ') ? 2 : 1);
  expect(await succeed('images', '-q')).toBe('');
});

test('load takes an archive, and refuses what is none', async () => {
  const file = join(testUser().home, 'broken.tar');
  writeFileSync(file, 'no archive', { mode: 0o644 });
  const done = await wherry(['load', '-i', file]);
  expect(done.status).toBe(1);
  expect(done.stderr).not.toMatch(/\n\s+at /);
});
