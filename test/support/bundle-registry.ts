/**
 * A registry on a free port of loopback for the end of an installation, where push and pull are run once so that V8's code
 * of them is kept (install.sh): in memory, for one image. It prints its host, and ends by a signal or by itself.
 */
import { createHash } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';

const LIFE = 60_000;

/** Blobs by digest, manifests by tag and by digest. */
const kept = new Map<string, { type: string; bytes: Buffer }>();

async function keep(name: string, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const bytes = await buffer(request);
  const digest = `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
  for (const key of [name, digest]) kept.set(key, { type: request.headers['content-type'] ?? '', bytes });
  response.writeHead(201, { 'docker-content-digest': digest }).end();
}

async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const { pathname, searchParams } = new URL(request.url ?? '/', 'http://localhost');
  const name = searchParams.get('digest') ?? searchParams.get('mount') ?? pathname.split('/').at(-1) ?? '';
  const found = kept.get(name);
  if (pathname === '/v2/') response.end();
  else if (request.method === 'PUT') await keep(name, request, response);
  else if (request.method === 'POST') {
    response.writeHead(found === undefined ? 202 : 201, { location: pathname }).end();
  } else if (found === undefined || (request.method === 'HEAD' && pathname.startsWith('/v2/again/'))) {
    response.writeHead(404).end();
  } else {
    response.writeHead(200, { 'content-type': found.type, 'content-length': found.bytes.length });
    response.end(request.method === 'HEAD' ? undefined : found.bytes);
  }
}

const server = createServer((request, response) => {
  answer(request, response).catch(() => response.destroy());
});
server.listen(0, '127.0.0.1', () => {
  process.stdout.write(`127.0.0.1:${(server.address() as AddressInfo).port}\n`);
});
setTimeout(() => process.exit(), LIFE);
