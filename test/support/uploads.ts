/** The writing half of the tests' registry: uploads as the distribution specification has them. */
import { createHash } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';

/** What can be written into. */
export interface Written {
  /** By digest. */
  readonly blobs: Map<string, Buffer>;
  /** `repository@digest`: the blobs that a repository says to have when it is asked by HEAD. */
  readonly links: Set<string>;
  /** Uploads that have begun, and what has come of them. */
  readonly uploads: Map<string, Buffer>;
  /** Does it keep lists of referrers itself? */
  knowsSubjects: boolean;
  put(name: string, mediaType: string, bytes: Buffer): { mediaType: string; digest: string; size: number };
}

export const sha256 = (bytes: Buffer) => `sha256:${createHash('sha256').update(bytes).digest('hex')}`;

/** An error as registries write it (distribution-spec, error codes). */
export function refuse(response: ServerResponse, status: number, code: string, message: string): void {
  response.statusCode = status;
  response.setHeader('Content-Type', 'application/json');
  response.end(JSON.stringify({ errors: [{ code, message }] }));
}

interface Request {
  url: URL;
  request: IncomingMessage;
  response: ServerResponse;
}

/** Does what a request asks to be written, or for the state of an upload; false for everything else. */
export function takeWrite(registry: Written, asked: Request): boolean {
  const { method = '' } = asked.request;
  const [, repository = '', what, which = ''] =
    /^\/v2\/(.+)\/(blobs\/uploads|blobs|manifests)\/([^/]*)$/.exec(asked.url.pathname) ?? [];
  if (what === 'blobs/uploads') {
    upload(registry, asked, { repository, session: which });
    return true;
  }
  if (what === 'blobs' && method === 'HEAD') {
    asked.response.statusCode = registry.links.has(`${repository}@${which}`) ? 200 : 404;
    asked.response.end();
    return true;
  }
  if (what !== 'manifests' || method !== 'PUT') return false;
  void putManifest(registry, asked, { repository, which });
  return true;
}

type Place = { repository: string; session: string };

function upload(registry: Written, asked: Request, place: Place): void {
  const { method } = asked.request;
  const has = registry.uploads.get(place.session);
  if (method === 'POST') begin(registry, asked, place.repository);
  else if (has === undefined) refuse(asked.response, 404, 'BLOB_UPLOAD_UNKNOWN', 'blob upload unknown to registry');
  else if (method === 'PATCH' || method === 'PUT') void take(registry, asked, place);
  else if (method === 'DELETE') {
    registry.uploads.delete(place.session);
    asked.response.writeHead(204).end();
  } else asked.response.writeHead(204, { range: `0-${Math.max(0, has.length - 1)}` }).end();
}

let sessions = 0;

function begin(registry: Written, { url, response }: Request, repository: string): void {
  const mount = url.searchParams.get('mount');
  if (mount !== null && registry.links.has(`${url.searchParams.get('from')}@${mount}`)) {
    registry.links.add(`${repository}@${mount}`);
    response.writeHead(201, { location: `/v2/${repository}/blobs/${mount}` }).end();
    return;
  }
  sessions += 1;
  registry.uploads.set(String(sessions), Buffer.alloc(0));
  // With a query, which has to come back as it is.
  response.writeHead(202, { location: `/v2/${repository}/blobs/uploads/${sessions}?state=a%2Bb+c` }).end();
}

async function take(registry: Written, { url, request, response }: Request, place: Place): Promise<void> {
  const { session, repository } = place;
  const before = registry.uploads.get(session) ?? Buffer.alloc(0);
  const start = /^([0-9]+)-/.exec(request.headers['content-range'] ?? '')?.[1];
  if (start !== undefined && Number(start) !== before.length) {
    refuse(response, 416, 'BLOB_UPLOAD_INVALID', 'blob upload invalid');
    return;
  }
  // What comes before a connection breaks is kept.
  request.on('data', (chunk: Buffer) => {
    registry.uploads.set(session, Buffer.concat([registry.uploads.get(session) ?? before, chunk]));
  });
  request.on('end', () => {
    const bytes = registry.uploads.get(session) ?? before;
    const location = `/v2/${repository}/blobs/uploads/${session}?state=a%2Bb+c`;
    if (request.method === 'PATCH') {
      response.writeHead(202, { location, range: `0-${bytes.length - 1}` }).end();
      return;
    }
    const digest = url.searchParams.get('digest') ?? '';
    if (url.search.startsWith('?state=a%2Bb+c&digest=sha256%3A') && sha256(bytes) === digest) {
      registry.uploads.delete(session);
      registry.blobs.set(digest, bytes);
      registry.links.add(`${repository}@${digest}`);
      response.writeHead(201, { 'docker-content-digest': digest }).end();
    } else refuse(response, 400, 'DIGEST_INVALID', 'provided digest did not match uploaded content');
  });
}

async function putManifest(
  registry: Written,
  { request, response }: Request,
  { repository, which }: { repository: string; which: string },
): Promise<void> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  const bytes = Buffer.concat(chunks);
  const name = `${repository}${which.includes(':') ? '@' : ':'}${which}`;
  const { digest } = registry.put(name, request.headers['content-type'] ?? '', bytes);
  const { subject } = JSON.parse(bytes.toString()) as { subject?: { digest: string } };
  if (subject !== undefined && registry.knowsSubjects) response.setHeader('OCI-Subject', subject.digest);
  response.writeHead(201, { 'docker-content-digest': digest }).end();
}
