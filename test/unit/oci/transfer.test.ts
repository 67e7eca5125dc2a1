import { buffer } from 'node:stream/consumers';
import { expect, test } from 'vitest';
import { parseReference } from '#oci/reference.ts';
import { openRegistry } from '#oci/registry.ts';
import { download, fetchSmall } from '#oci/transfer.ts';
import { type Misbehaviour, refuse, sha256, startRegistry } from '#test/support/registry.ts';

const bytes = Buffer.from(Array.from({ length: 200_000 }, (_, at) => at % 251));
const blob = { mediaType: 'x', digest: sha256(bytes), size: bytes.length };

async function fetch(misbehave: Misbehaviour, descriptor = blob) {
  const server = await startRegistry();
  server.blobs.set(blob.digest, bytes);
  server.misbehave = (request, response) => request.url?.includes('/blobs/') === true && misbehave(request, response);
  const registry = await openRegistry(server.host, { retryDelay: 1 });
  try {
    const got = await buffer(download(registry, parseReference(`${server.host}/a`), descriptor));
    return { got, asked: server.asked.filter((one) => one.path.includes('/blobs/')) };
  } finally {
    await registry.close();
  }
}

test('a blob comes as it is', async () => {
  const { got, asked } = await fetch(() => false);
  expect(got.equals(bytes)).toBe(true);
  expect(asked).toHaveLength(1);
});

test.each([
  ['', false],
  [' though the registry knows no ranges', true],
])('what comes before an offset is not asked for, or does not matter%s', async (_, isOld) => {
  const server = await startRegistry();
  server.blobs.set(blob.digest, bytes);
  if (isOld) server.misbehave = (request) => Boolean(delete request.headers.range) && false;
  const registry = await openRegistry(server.host, { retryDelay: 1 });
  const got = await buffer(download(registry, parseReference(`${server.host}/a`), blob, 150_000));
  expect(got.equals(bytes.subarray(150_000))).toBe(true);
  expect(server.asked.at(-1)?.range).toBe('bytes=150000-');
  await registry.close();
});

test('an empty blob comes, too', async () => {
  const server = await startRegistry();
  const empty = { mediaType: 'x', digest: sha256(Buffer.alloc(0)), size: 0 };
  server.blobs.set(empty.digest, Buffer.alloc(0));
  const registry = await openRegistry(server.host, { retryDelay: 1 });
  expect(await buffer(download(registry, parseReference(`${server.host}/a`), empty))).toHaveLength(0);
  await registry.close();
});

/** Sends the beginning and breaks the connection. */
const broken =
  (upTo: number, from = 0): Misbehaviour =>
  (request, response) => {
    response.writeHead(200, { 'content-length': bytes.length - from });
    response.write(bytes.subarray(from, upTo), () => request.socket.destroy());
    return true;
  };

test('a download that breaks is taken up where it broke', async () => {
  let first = true;
  const { got, asked } = await fetch((request, response) => {
    if (!first) return false;
    first = false;
    return broken(100_000)(request, response);
  });
  expect(got.equals(bytes)).toBe(true);
  expect(asked[1]?.range).toMatch(/^bytes=[1-9][0-9]*-$/);
});

test('a registry that knows no ranges begins again, and nothing comes twice', async () => {
  let times = 0;
  const { got } = await fetch((request, response) => {
    times += 1;
    if (times === 1) return broken(100_000)(request, response);
    response.writeHead(200, { 'content-length': bytes.length }).end(bytes);
    return true;
  });
  expect(got.equals(bytes)).toBe(true);
});

test.each<[string, Misbehaviour, RegExp]>([
  ['always ends early', broken(1000), /ends after 1000 of 200000 bytes/],
  [
    'announces another size',
    (_request, response) => {
      response.writeHead(200, { 'content-length': 5 }).end('short');
      return true;
    },
    /it has 5 bytes, not 200000/,
  ],
  [
    'never ends',
    (_request, response) => {
      const more = () => {
        while (!response.destroyed && response.write(Buffer.alloc(65536)));
      };
      response.on('drain', more);
      more();
      return true;
    },
    /more than the 200000 bytes that were announced/,
  ],
])('a registry that %s is found out', async (_, misbehave, message) => {
  await expect(fetch(misbehave)).rejects.toThrow(
    expect.objectContaining({ kind: 'corrupt', message: expect.stringMatching(message) }),
  );
});

test('a blob that the registry lacks is named', async () => {
  const missing = { ...blob, digest: `sha256:${'0'.repeat(64)}` };
  await expect(fetch(() => false, missing)).rejects.toThrow('blob unknown: blob unknown to registry');
});

test('a token that expires in the middle is renewed once, and the download goes on where it broke', async () => {
  const server = await startRegistry();
  server.blobs.set(blob.digest, bytes);
  let valid = 'first';
  server.misbehave = (request, response) => {
    if (request.url?.startsWith('/token')) {
      response.end(JSON.stringify({ token: valid, expires_in: 60 }));
    } else if (request.url !== '/v2/' && request.headers.authorization !== `Bearer ${valid}`) {
      response.setHeader('WWW-Authenticate', `Bearer realm="http://${server.host}/token",error="invalid_token"`);
      refuse(response, 401, 'UNAUTHORIZED', 'authentication required');
    } else if (request.url?.includes('/blobs/') && valid === 'first') {
      valid = 'second';
      return broken(100_000)(request, response);
    } else return false;
    return true;
  };
  const registry = await openRegistry(server.host, { retryDelay: 1 });
  const got = await buffer(download(registry, parseReference(`${server.host}/a`), blob));
  expect(got.equals(bytes)).toBe(true);
  const asked = server.asked.map(({ path, authorization = '', range = '' }) => [
    path.split('?')[0]?.split('/').at(-1),
    authorization,
    range,
  ]);
  const id = blob.digest;
  expect(asked.slice(1)).toEqual([
    [id, '', ''],
    ['token', '', ''],
    [id, 'Bearer first', ''],
    [id, 'Bearer first', expect.stringMatching(/^bytes=[1-9]/)],
    ['token', '', ''],
    [id, 'Bearer second', expect.stringMatching(/^bytes=[1-9]/)],
  ]);
  await registry.close();
});

test('a token that is refused at once is not asked for for ever', async () => {
  const server = await startRegistry();
  server.auth = { kind: 'bearer', user: 'u', password: 'p' };
  server.blobs.set(blob.digest, bytes);
  const registry = await openRegistry(server.host, { retryDelay: 1 });
  await expect(buffer(download(registry, parseReference(`${server.host}/a`), blob))).rejects.toThrow(
    'pull access denied',
  );
  expect(server.asked.filter(({ path }) => path.startsWith('/token'))).toHaveLength(1);
  await registry.close();
});

test('a small blob comes as its digest says, or not at all', async () => {
  const server = await startRegistry();
  const registry = await openRegistry(server.host, { retryDelay: 1 });
  const get = (options = {}) => fetchSmall(registry, parseReference(`${server.host}/a`), blob, options);
  server.blobs.set(blob.digest, bytes);
  expect((await get()).equals(bytes)).toBe(true);
  server.blobs.set(blob.digest, Buffer.alloc(bytes.length));
  await expect(get({ called: 'recipe' })).rejects.toMatchObject({
    kind: 'corrupt',
    message: `recipe verification failed for digest ${blob.digest}`,
  });
  const asked = server.asked.length;
  await expect(get({ limit: 1000 })).rejects.toMatchObject({
    kind: 'corrupt',
    message: `${blob.digest} has 200000 bytes, at most 1000 can be`,
  });
  expect(server.asked).toHaveLength(asked);
  await registry.close();
});
