import { createServer } from 'node:http';
import { expect, onTestFinished, test } from 'vitest';
import { parseReference } from '#oci/reference.ts';
import { openRegistry } from '#oci/registry.ts';
import { type UploadOptions, uploadBlob } from '#oci/upload.ts';
import { listen } from '#test/support/ports.ts';
import { type Misbehaviour, refuse, sha256, startRegistry, type TestRegistry } from '#test/support/registry.ts';

const bytes = Buffer.from(Array.from({ length: 300_000 }, (_, at) => at % 251));
const big = Buffer.alloc(5 * 1024 * 1024, 'wherry');

async function* pieces(all: Buffer, start: number, end: number) {
  for (let at = start; at < end; at += 16_384) yield all.subarray(at, Math.min(end, at + 16_384));
}

const credentials = { username: 'me', password: 'secret' };

async function push(server: TestRegistry, content = bytes, options: UploadOptions = {}) {
  const registry = await openRegistry(server.host, { retryDelay: 1, credentials });
  const digest = sha256(content);
  try {
    const open = (start: number, end: number) => pieces(content, start, end);
    await uploadBlob(registry, parseReference(`${server.host}/a/b`), { digest, size: content.length, open }, options);
  } finally {
    await registry.close();
  }
  return server.asked.filter((one) => one.path !== '/v2/');
}

async function against(misbehave: Misbehaviour, content = bytes, options: UploadOptions = {}) {
  const server = await startRegistry();
  server.misbehave = misbehave;
  const asked = await push(server, content, options);
  expect(server.blobs.get(sha256(content))?.equals(content)).toBe(true);
  return asked.map(({ method, contentRange }) => (contentRange === undefined ? method : `${method} ${contentRange}`));
}

test('a blob goes in one request', async () => {
  const sent: number[] = [];
  expect(await against(() => false, bytes, { sent: (count) => sent.push(count) })).toEqual(['POST', 'PUT']);
  expect(sent.at(-1)).toBe(bytes.length);
});

test('an empty blob goes, too', async () => {
  expect(await against(() => false, Buffer.alloc(0))).toEqual(['POST', 'PUT']);
});

test.each([400, 405, 415, 501])('a registry that answers a whole blob with %i gets pieces', async (status) => {
  const whole: Misbehaviour = (request, response) => {
    if (request.method !== 'PUT' || request.headers['content-length'] === '0') return false;
    request.resume();
    request.on('end', () => response.writeHead(status).end());
    return true;
  };
  const asked = await against(whole);
  expect(asked.slice(-3)).toEqual(['POST', 'PATCH 0-299999', 'PUT']);
});

test('a proxy that takes small requests alone gets smaller and smaller pieces', async () => {
  const limit: Misbehaviour = (request, response) => {
    if (Number(request.headers['content-length'] ?? 0) <= 2_000_000) return false;
    response.writeHead(413).end();
    return true;
  };
  expect((await against(limit, big)).slice(-5)).toEqual([
    'PATCH 0-1310719',
    'PATCH 1310720-2621439',
    'PATCH 2621440-3932159',
    'PATCH 3932160-5242879',
    'PUT',
  ]);
});

test('pieces are not smaller than the registry wants them', async () => {
  const server = await startRegistry();
  server.misbehave = (request, response) => {
    if (request.method === 'POST') response.setHeader('OCI-Chunk-Min-Length', '2000000');
    if (Number(request.headers['content-length'] ?? 0) <= 2_000_000) return false;
    response.writeHead(413).end();
    return true;
  };
  const asked = await push(server, big);
  expect(asked.flatMap((one) => one.contentRange ?? []).slice(-3)).toEqual([
    '0-1999999',
    '2000000-3999999',
    '4000000-5242879',
  ]);
});

/** Breaks the first connection that sends content, when some of it has come. */
function breaking(method = 'PUT'): Misbehaviour {
  let isBroken = false;
  return (request) => {
    if (request.method !== method || isBroken) return false;
    isBroken = true;
    let count = 0;
    request.on('data', (chunk: Buffer) => {
      count += chunk.length;
      if (count >= 100_000) request.socket.destroy();
    });
    return false;
  };
}

test('an upload that breaks is taken up where it broke', async () => {
  const asked = await against(breaking());
  expect(asked).toEqual(['POST', 'PUT', 'GET', expect.stringMatching(/^PATCH [1-9][0-9]{4,}-299999$/), 'PUT']);
});

test('an upload that the registry has forgotten meanwhile begins anew', async () => {
  const server = await startRegistry();
  const once = breaking();
  server.misbehave = (request, response) => {
    if (request.method === 'GET' && request.url?.includes('/uploads/')) server.uploads.clear();
    return once(request, response);
  };
  const asked = await push(server);
  expect(asked.map((one) => one.method)).toEqual(['POST', 'PUT', 'GET', 'DELETE', 'POST', 'PUT']);
});

test('a registry that breaks each time is given up, and is told so', async () => {
  const server = await startRegistry();
  server.misbehave = (request) => {
    if (request.method !== 'PUT') return false;
    request.socket.destroy();
    return true;
  };
  await expect(push(server)).rejects.toMatchObject({
    kind: 'unavailable',
    message: expect.stringMatching(/^Put "http/),
  });
  expect(server.asked.filter((one) => one.method === 'PUT')).toHaveLength(5);
  expect(server.asked.at(-1)?.method).toBe('DELETE');
});

test('a registry that has too much to do is asked again', async () => {
  const answers = [429, 503, 500];
  const busy: Misbehaviour = (request, response) => {
    const status = request.method === 'PUT' ? answers.shift() : undefined;
    if (status === undefined) return false;
    request.resume();
    request.on('end', () => response.writeHead(status, { 'retry-after': '0' }).end());
    return true;
  };
  expect((await against(busy)).filter((one) => one === 'PUT')).toHaveLength(4);
});

test('a token that ends in the middle is replaced by a new one', async () => {
  const server = await startRegistry();
  server.auth = { kind: 'bearer', user: 'me', password: 'secret' };
  let refused = 0;
  server.misbehave = (request, response) => {
    if (request.method !== 'PUT' || refused++ > 0) return false;
    response.setHeader('WWW-Authenticate', `Bearer realm="http://${server.host}/token",service="test"`);
    refuse(response, 401, 'UNAUTHORIZED', 'the token has expired');
    return true;
  };
  const asked = await push(server);
  expect(server.blobs.get(sha256(bytes))?.equals(bytes)).toBe(true);
  const tokens = asked.filter((one) => one.path.startsWith('/token'));
  expect(tokens.map((one) => new URLSearchParams(one.path.split('?')[1]).getAll('scope'))).toEqual([
    ['repository:a/b:pull,push'],
    ['repository:a/b:pull,push'],
  ]);
});

test.each([
  ['once', 1, undefined],
  ['each time', 99, 'digest invalid: provided digest did not match uploaded content'],
])('content that has changed on its way %s', async (_, times, message) => {
  const server = await startRegistry();
  let left = times;
  server.misbehave = (request, response) => {
    if (request.method !== 'PUT' || left-- <= 0) return false;
    request.resume();
    request.on('end', () => refuse(response, 400, 'DIGEST_INVALID', 'provided digest did not match uploaded content'));
    return true;
  };
  if (message === undefined) await push(server);
  else await expect(push(server)).rejects.toMatchObject({ message });
  expect(server.asked.filter((one) => one.method === 'PUT')).toHaveLength(2);
});

test('a registry that says to have stored something else is not believed', async () => {
  const server = await startRegistry();
  server.misbehave = (request, response) => {
    if (request.method !== 'PUT') return false;
    request.resume();
    request.on('end', () => response.writeHead(201, { 'docker-content-digest': sha256(Buffer.alloc(0)) }).end());
    return true;
  };
  await expect(push(server)).rejects.toMatchObject({
    kind: 'corrupt',
    message: expect.stringContaining('the registry has stored sha256:'),
  });
});

test.each([
  [
    403,
    'DENIED',
    'requested access to the resource is denied',
    'denied',
    'denied: requested access to the resource is denied',
  ],
  [401, 'UNAUTHORIZED', 'authentication required', 'denied', 'unauthorized: authentication required'],
  [404, 'NAME_UNKNOWN', 'repository name not known', 'unavailable', 'name unknown: repository name not known'],
])('a refusal (%i) is said in the registry’s words', async (status, code, text, kind, message) => {
  const server = await startRegistry();
  server.misbehave = (request, response) => {
    if (request.method !== 'POST') return false;
    refuse(response, status, code, text);
    return true;
  };
  await expect(push(server)).rejects.toMatchObject({ kind, message });
  expect(server.asked.filter((one) => one.method === 'POST')).toHaveLength(1);
});

test('a circle of redirects ends', async () => {
  const server = await startRegistry();
  server.misbehave = (request, response) => {
    if (request.method !== 'PUT') return false;
    request.resume();
    request.on('end', () => response.writeHead(307, { location: request.url }).end());
    return true;
  };
  await expect(push(server)).rejects.toMatchObject({
    message: expect.stringMatching(/^Put ".*": stopped after 10 redirects$/),
  });
});

test('another host that a registry has its uploads at gets the content and no secret', async () => {
  const server = await startRegistry();
  server.auth = { kind: 'bearer', user: 'me', password: 'secret' };
  const got: { authorization: string | undefined; size: number }[] = [];
  const storage = createServer((request, response) => {
    let size = 0;
    request.on('data', (chunk: Buffer) => {
      size += chunk.length;
    });
    request.on('end', () => {
      got.push({ authorization: request.headers.authorization, size });
      response.writeHead(201).end();
    });
  });
  const port = await listen(storage);
  onTestFinished(() => void storage.close());
  server.misbehave = (request, response) => {
    if (request.method !== 'POST' || request.headers.authorization === undefined) return false;
    response.writeHead(202, { location: `http://127.0.0.1:${port}/signed?by=us` }).end();
    return true;
  };
  await push(server);
  expect(got).toEqual([{ authorization: undefined, size: bytes.length }]);
});
