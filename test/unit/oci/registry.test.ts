import { createServer } from 'node:net';
import { expect, test } from 'vitest';
import { parseReference } from '#oci/reference.ts';
import { isLoopback, openRegistry } from '#oci/registry.ts';
import { freePort, listen } from '#test/support/ports.ts';
import { refuse, sha256, startRegistry } from '#test/support/registry.ts';

const LOGIN = { username: 'u', password: 'p' };

test.each([
  ['localhost', true],
  ['localhost:5000', true],
  ['127.0.0.1:5000', true],
  ['127.9.8.7', true],
  ['[::1]:80', true],
  ['localhost.example', false],
  ['127.0.0.1.example', false],
  ['10.0.0.1:5000', false],
])('%s is a registry of this machine: %s', (domain, answer) => {
  expect(isLoopback(domain)).toBe(answer);
});

test('a manifest is fetched by tag and by digest', async () => {
  const server = await startRegistry();
  const { manifest } = await server.addImage('a/b:1');
  const registry = await openRegistry(server.host, { retryDelay: 1 });
  const reference = parseReference(`${server.host}/a/b:1`);
  expect((await registry.manifest(reference)).digest).toBe(manifest.digest);
  expect(await registry.manifest(reference, manifest.digest)).toMatchObject({
    digest: manifest.digest,
    mediaType: manifest.mediaType,
  });
  expect(await registry.tags(reference)).toEqual(['1']);
  await registry.close();
});

test('a manifest with another digest than the one asked for is refused', async () => {
  const server = await startRegistry();
  await server.addImage('a/b:1');
  server.misbehave = (request, response) => {
    if (!request.url?.includes('/manifests/')) return false;
    response.end('{"schemaVersion":2}');
    return true;
  };
  const registry = await openRegistry(server.host, { retryDelay: 1 });
  const digest = sha256(Buffer.from('other'));
  await expect(registry.manifest(parseReference(`${server.host}/a/b@${digest}`))).rejects.toThrow(
    expect.objectContaining({ kind: 'corrupt', message: `manifest verification failed for digest ${digest}` }),
  );
  await registry.close();
});

test.each(['basic', 'bearer'] as const)(
  '%s authentication: with the right password, without one, with a wrong one',
  async (kind) => {
    const server = await startRegistry();
    await server.addImage('a/b:1');
    server.auth = { kind, user: 'u', password: 'p' };
    const reference = parseReference(`${server.host}/a/b:1`);
    const fetch = async (credentials?: typeof LOGIN) => {
      const registry = await openRegistry(server.host, { credentials, retryDelay: 1 });
      try {
        return await registry.manifest(reference);
      } finally {
        await registry.close();
      }
    };
    expect((await fetch(LOGIN)).bytes.length).toBeGreaterThan(0);
    await expect(fetch()).rejects.toThrow(
      kind === 'basic'
        ? `Get "http://${server.host}/v2/a/b/manifests/1": no basic auth credentials`
        : `pull access denied for ${server.host}/a/b, repository does not exist or may require 'docker login': denied: requested access to the resource is denied`,
    );
    await expect(fetch({ ...LOGIN, password: 'x' })).rejects.toThrow(
      kind === 'basic' ? `pull access denied for ${server.host}/a/b` : 'unauthorized: incorrect username or password',
    );
  },
);

test('login proves the password, and keeps the token that the registry gives instead', async () => {
  const server = await startRegistry();
  const login = async (password: string) => {
    const registry = await openRegistry(server.host, { credentials: { username: 'u', password }, retryDelay: 1 });
    return registry.login().finally(() => registry.close());
  };
  expect(await login('any')).toBeUndefined();
  server.auth = { kind: 'basic', user: 'u', password: 'p' };
  expect(await login('p')).toBeUndefined();
  await expect(login('x')).rejects.toThrow(
    `login attempt to http://${server.host}/v2/ failed with status: 401 Unauthorized`,
  );
  server.auth = { kind: 'bearer', user: 'u', password: 'p' };
  expect(await login('p')).toBeUndefined();
  await expect(login('x')).rejects.toThrow('unauthorized: incorrect username or password');
  server.misbehave = (request, response) => {
    if (!request.url?.startsWith('/token')) return false;
    response.end('{"token":"good-token","refresh_token":"keep me"}');
    return true;
  };
  expect(await login('p')).toBe('keep me');
});

test.each([
  [
    404,
    'MANIFEST_UNKNOWN',
    'manifest unknown',
    'not-found',
    'manifest for HOST/a/b:1 not found: manifest unknown: manifest unknown',
  ],
  [
    404,
    'NAME_UNKNOWN',
    'repository name not known to registry',
    'not-found',
    'repository HOST/a/b not found: name unknown: repository name not known to registry',
  ],
  [
    403,
    'DENIED',
    'requested access to the resource is denied',
    'denied',
    "pull access denied for HOST/a/b, repository does not exist or may require 'docker login': denied: requested access to the resource is denied",
  ],
  [
    429,
    'TOOMANYREQUESTS',
    'You have reached your pull rate limit',
    'unavailable',
    'toomanyrequests: You have reached your pull rate limit',
  ],
  [501, 'UNSUPPORTED', 'not here', 'unavailable', 'Get "http://HOST/v2/a/b/manifests/1": unsupported: not here'],
])("the answer %i %s becomes Docker's sentence", async (status, code, said, kind, message) => {
  const server = await startRegistry();
  server.misbehave = (request, response) => {
    if (!request.url?.includes('/manifests/')) return false;
    response.setHeader('Retry-After', '3600');
    refuse(response, status, code, said);
    return true;
  };
  const registry = await openRegistry(server.host, { retryDelay: 1 });
  await expect(registry.manifest(parseReference(`${server.host}/a/b:1`))).rejects.toThrow(
    expect.objectContaining({ kind, message: message.replaceAll('HOST', server.host) }),
  );
  await registry.close();
});

test('a registry that speaks TLS only is not taken for one of plain HTTP', async () => {
  // What a TLS server does with a plain request: an alert, and the end.
  const server = createServer((socket) => {
    socket.once('data', () => socket.end(Buffer.of(0x15, 3, 1, 0, 2, 2, 70)));
    socket.on('error', () => undefined);
  });
  const port = await listen(server);
  const registry = await openRegistry(`127.0.0.1:${port}`, { retryDelay: 1 });
  expect(registry.url.protocol).toBe('https:');
  await registry.close();
  server.close();
});

test('no registry at all is one clear line', async () => {
  const port = await freePort();
  await expect(openRegistry(`127.0.0.1:${port}`)).rejects.toThrow(
    expect.objectContaining({
      kind: 'unavailable',
      message: `Get "http://127.0.0.1:${port}/v2/": dial tcp 127.0.0.1:${port}: connect: connection refused`,
    }),
  );
});

test('a blob store that asks for a password gets none, nor does the realm that it names', async () => {
  const [server, storage] = [await startRegistry(), await startRegistry()];
  server.auth = { kind: 'basic', user: 'u', password: 'p' };
  server.misbehave = (request, response) => {
    if (!request.url?.includes('/blobs/') || request.headers.authorization === undefined) return false;
    response.writeHead(307, { location: `http://${storage.host}/v2/stolen` }).end();
    return true;
  };
  storage.auth = { kind: 'bearer', user: 'u', password: 'p' };
  const registry = await openRegistry(server.host, { credentials: LOGIN, retryDelay: 1 });
  const digest = sha256(Buffer.from('x'));
  await expect(registry.blob(parseReference(`${server.host}/a`), digest, 0)).rejects.toThrow('pull access denied');
  expect(storage.asked.length).toBeGreaterThan(0);
  expect(storage.asked.every(({ authorization }) => authorization === undefined)).toBe(true);
  expect(storage.asked.some(({ path }) => path.startsWith('/token'))).toBe(false);
  await registry.close();
});

test('a token given for the registry is sent as it is, and only when it is asked for', async () => {
  const server = await startRegistry();
  await server.addImage('a:1');
  server.auth = { kind: 'bearer', user: 'u', password: 'p' };
  const credentials = { username: '', password: '', registryToken: 'good-token' };
  const registry = await openRegistry(server.host, { credentials, retryDelay: 1 });
  await registry.manifest(parseReference(`${server.host}/a:1`));
  expect(server.asked.map(({ authorization }) => authorization)).toEqual([undefined, undefined, 'Bearer good-token']);
  await registry.close();
});

test('what kept the credentials away is said where they were needed', async () => {
  const server = await startRegistry();
  await server.addImage('a:1');
  const registry = await openRegistry(server.host, { noCredentials: 'the helper is broken', retryDelay: 1 });
  const reference = parseReference(`${server.host}/a:1`);
  await registry.manifest(reference);
  server.auth = { kind: 'basic', user: 'u', password: 'p' };
  await expect(registry.manifest(reference)).rejects.toThrow(
    expect.objectContaining({ kind: 'denied', hint: 'No credentials were sent: the helper is broken' }),
  );
  await registry.close();
});

test('a registry at a port that cannot be is refused in the words of Docker', async () => {
  await expect(openRegistry('localhost:99999')).rejects.toThrow(
    expect.objectContaining({
      kind: 'invalid',
      message: 'Get "http://localhost:99999/v2/": dial tcp: address 99999: invalid port',
    }),
  );
});
