import { expect, test } from 'vitest';
import { openHttp, pause, readBody } from '#oci/http.ts';
import { startRegistry } from '#test/support/registry.ts';

async function client(host: string, abort?: AbortSignal) {
  return openHttp({ insecure: true, host, abort, retryDelay: 1 });
}

test('a secret does not follow a redirect to another host', async () => {
  const [registry, storage] = [await startRegistry(), await startRegistry()];
  registry.misbehave = (_request, response) => {
    response.writeHead(307, { location: `http://${storage.host}/v2/signed?key=1` }).end();
    return true;
  };
  storage.misbehave = (_request, response) => {
    response.end('here');
    return true;
  };
  const http = await client(registry.host);
  const answer = await http.request(new URL(`http://${registry.host}/v2/`), {
    headers: { authorization: 'secret', accept: 'x' },
  });
  expect((await readBody(answer, 100)).toString()).toBe('here');
  expect(registry.asked[0]?.authorization).toBe('secret');
  expect(storage.asked[0]).toMatchObject({ path: '/v2/signed?key=1', authorization: undefined });
  await http.close();
});

test('a secret does not come back with a redirect that led elsewhere, nor to another port of the same host', async () => {
  const [registry, storage] = [await startRegistry(), await startRegistry()];
  registry.misbehave = (request, response) => {
    if (request.url === '/v2/end') response.end('end');
    else response.writeHead(302, { location: `http://${storage.host}/v2/` }).end();
    return true;
  };
  storage.misbehave = (_request, response) => {
    response.writeHead(302, { location: `http://${registry.host}/v2/end` }).end();
    return true;
  };
  const http = await client(registry.host);
  await http.request(new URL(`http://${registry.host}/v2/`), { headers: { Authorization: 'secret' } });
  expect(storage.asked[0]?.authorization).toBeUndefined();
  expect(registry.asked[1]).toMatchObject({ path: '/v2/end', authorization: undefined });
  await http.close();
});

test('a secret stays with a redirect within the registry', async () => {
  const registry = await startRegistry();
  registry.misbehave = (request, response) => {
    if (request.url === '/there') response.end('here');
    else response.writeHead(302, { location: '/there' }).end();
    return true;
  };
  const http = await client(registry.host);
  await http.request(new URL(`http://${registry.host}/v2/`), { headers: { authorization: 'secret' } });
  expect(registry.asked[1]).toMatchObject({ path: '/there', authorization: 'secret' });
  await http.close();
});

test('a circle of redirects ends', async () => {
  const registry = await startRegistry();
  registry.misbehave = (_request, response) => {
    response.writeHead(302, { location: '/again?secret' }).end();
    return true;
  };
  const http = await client(registry.host);
  await expect(http.request(new URL(`http://${registry.host}/v2/`))).rejects.toThrow(
    `Get "http://${registry.host}/v2/": stopped after 10 redirects`,
  );
  await http.close();
});

test.each([429, 500, 502, 503])('a registry that answers %i is asked again', async (status) => {
  const registry = await startRegistry();
  registry.misbehave = (_request, response) => {
    if (registry.asked.length > 2) return false;
    response.writeHead(status, { 'retry-after': registry.asked.length > 1 ? 'soon' : '0' }).end();
    return true;
  };
  const http = await client(registry.host);
  const answer = await http.request(new URL(`http://${registry.host}/v2/`));
  expect(answer.statusCode).toBe(200);
  expect(registry.asked).toHaveLength(3);
  await http.close();
});

test('who is told until when to wait waits until then', async () => {
  const registry = await startRegistry();
  const until = Math.ceil((Date.now() + 500) / 1000) * 1000;
  registry.misbehave = (_request, response) => {
    if (registry.asked.length > 1) return false;
    response.writeHead(429, { 'retry-after': new Date(until).toUTCString() }).end();
    return true;
  };
  const http = await client(registry.host);
  expect((await http.request(new URL(`http://${registry.host}/v2/`))).statusCode).toBe(200);
  expect(Date.now()).toBeGreaterThanOrEqual(until);
  await http.close();
});

test('a registry that stays broken has the last word', async () => {
  const registry = await startRegistry();
  registry.misbehave = (_request, response) => {
    response.writeHead(503).end('tired');
    return true;
  };
  const http = await client(registry.host);
  const answer = await http.request(new URL(`http://${registry.host}/v2/`));
  expect(answer.statusCode).toBe(503);
  expect(registry.asked).toHaveLength(4);
  await http.close();
});

test('who is told to wait for long is not asked to', async () => {
  const registry = await startRegistry();
  registry.misbehave = (_request, response) => {
    response.writeHead(429, { 'retry-after': '3600' }).end();
    return true;
  };
  const http = await client(registry.host);
  expect((await http.request(new URL(`http://${registry.host}/v2/`))).statusCode).toBe(429);
  expect(registry.asked).toHaveLength(1);
  await http.close();
});

test('a connection that breaks is made again', async () => {
  const registry = await startRegistry();
  registry.misbehave = (request) => {
    if (registry.asked.length > 1) return false;
    request.socket.destroy();
    return true;
  };
  const http = await client(registry.host);
  expect((await http.request(new URL(`http://${registry.host}/v2/`))).statusCode).toBe(200);
  await http.close();
});

test('an answer larger than its bound is cut off', async () => {
  const registry = await startRegistry();
  registry.misbehave = (_request, response) => {
    const more = () => {
      while (!response.destroyed && response.write(Buffer.alloc(65536)));
    };
    response.on('drain', more);
    more();
    return true;
  };
  const http = await client(registry.host);
  const answer = await http.request(new URL(`http://${registry.host}/v2/`));
  await expect(readBody(answer, 1000)).rejects.toThrow('the answer is larger than 1000 bytes');
  await http.close();
});

test('an abort ends a request and a pause at once', async () => {
  const registry = await startRegistry();
  const stop = new AbortController();
  const reason = new Error('enough');
  registry.misbehave = () => {
    stop.abort(reason);
    return true;
  };
  const http = await client(registry.host, stop.signal);
  await expect(http.request(new URL(`http://${registry.host}/v2/`))).rejects.toBe(reason);
  await expect(pause(1e9, stop.signal)).rejects.toBe(reason);
  await http.close();
});
