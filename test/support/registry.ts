/** A registry of one process's own, over node:http: it serves what it is given, remembers what it was asked, and lies on demand. */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { gzipSync, zstdCompressSync } from 'node:zlib';
import { onTestFinished } from 'vitest';
import { architecture, type Entry, tar } from '#test/support/image.ts';
import { listen } from '#test/support/ports.ts';
import { refuse, sha256, takeWrite, type Written } from '#test/support/uploads.ts';

export { refuse, sha256 };

interface Asked {
  method: string;
  path: string;
  authorization: string | undefined;
  range: string | undefined;
  contentRange: string | undefined;
}

/** Answers a request itself and says true, or leaves it to the registry. */
export type Misbehaviour = (request: IncomingMessage, response: ServerResponse) => boolean;

export interface ImageParts {
  manifest: { mediaType: string; digest: string; size: number };
  config: Buffer;
  layers: { digest: string; diffId: string; bytes: Buffer }[];
}

interface Shape {
  layers?: Entry[][];
  compression?: 'gzip' | 'zstd' | 'none';
  platform?: { os: string; architecture: string; variant?: string };
  settings?: object;
  /** Changes the manifest after it was made. */
  change?: (manifest: Record<string, unknown>) => object;
}

export interface TestRegistry extends Written {
  /** 127.0.0.1:port */
  readonly host: string;
  /** By `repository:tag` and `repository@digest`. */
  readonly manifests: Map<string, { mediaType: string; bytes: Buffer }>;
  readonly asked: Asked[];
  misbehave: Misbehaviour;
  /** Who may ask; nobody is asked for a name where it is absent. */
  auth: { kind: 'basic' | 'bearer'; user: string; password: string; anonymous?: boolean } | undefined;
  addImage(name: string, shape?: Shape): Promise<ImageParts>;
  /** An index of these manifests, each with its platform. */
  addIndex(name: string, manifests: object[]): { digest: string; size: number; bytes: Buffer };
}

const json = (value: object) => Buffer.from(JSON.stringify(value));
const OCI = 'application/vnd.oci.image';

/** Starts a registry on a free port of loopback; it goes when the test ends. */
export async function startRegistry(): Promise<TestRegistry> {
  const server = createServer((request, response) => answer(registry, request, response));
  const host = `127.0.0.1:${await listen(server)}`;
  onTestFinished(
    () =>
      new Promise((resolve) => {
        server.closeAllConnections();
        server.close(() => resolve());
      }),
  );
  const registry: TestRegistry = {
    host,
    blobs: new Map(),
    manifests: new Map(),
    links: new Set(),
    uploads: new Map(),
    knowsSubjects: true,
    asked: [],
    misbehave: () => false,
    auth: undefined,
    addImage: (name, shape = {}) => addImage(registry, name, shape),
    addIndex: (name, manifests) => {
      const bytes = json({ schemaVersion: 2, mediaType: `${OCI}.index.v1+json`, manifests });
      return { ...registry.put(name, `${OCI}.index.v1+json`, bytes), bytes };
    },
    put: (name, mediaType, bytes) => {
      const digest = sha256(bytes);
      registry.manifests.set(name, { mediaType, bytes });
      registry.manifests.set(`${name.replace(/[:@][^/]*$/, '')}@${digest}`, { mediaType, bytes });
      return { mediaType, digest, size: bytes.length };
    },
  };
  return registry;
}

const COMPRESS = { gzip: gzipSync, zstd: zstdCompressSync, none: (bytes: Buffer) => bytes };

async function addImage(registry: TestRegistry, name: string, shape: Shape): Promise<ImageParts> {
  const { compression = 'gzip', platform = { os: 'linux', architecture } } = shape;
  const layers = [];
  for (const entries of shape.layers ?? [[{ name: 'hello', content: name }]]) {
    const plain = await tar(entries);
    const bytes = COMPRESS[compression](plain);
    layers.push({ digest: sha256(bytes), diffId: sha256(plain), bytes });
  }
  const suffix = compression === 'none' ? '' : `+${compression}`;
  const config = json({
    created: '2024-01-02T03:04:05Z',
    ...platform,
    config: shape.settings ?? {},
    rootfs: { type: 'layers', diff_ids: layers.map((layer) => layer.diffId) },
  });
  const manifest = {
    schemaVersion: 2,
    mediaType: `${OCI}.manifest.v1+json`,
    config: { mediaType: `${OCI}.config.v1+json`, digest: sha256(config), size: config.length },
    layers: layers.map(({ digest, bytes }) => ({
      mediaType: `${OCI}.layer.v1.tar${suffix}`,
      digest,
      size: bytes.length,
    })),
  };
  for (const [digest, bytes] of [
    ...layers.map((one) => [one.digest, one.bytes] as const),
    [sha256(config), config] as const,
  ]) {
    registry.blobs.set(digest, bytes);
    registry.links.add(`${name.replace(/[:@][^/]*$/, '')}@${digest}`);
  }
  const bytes = json(shape.change?.(manifest) ?? manifest);
  return { manifest: registry.put(name, `${OCI}.manifest.v1+json`, bytes), config, layers };
}

function answer(registry: TestRegistry, request: IncomingMessage, response: ServerResponse): void {
  const url = new URL(request.url ?? '/', `http://${registry.host}`);
  const { authorization, range, 'content-range': contentRange } = request.headers;
  registry.asked.push({
    method: request.method ?? '',
    path: url.pathname + url.search,
    authorization,
    range,
    contentRange,
  });
  if (registry.misbehave(request, response)) return;
  if (url.pathname === '/token') giveToken(registry, request, response);
  else if (!isAllowed(registry, authorization)) challenge(registry, response);
  else if (!takeWrite(registry, { url, request, response })) serve(registry, url.pathname, { range, response });
}

interface Reply {
  range: string | undefined;
  response: ServerResponse;
}

function serve(registry: TestRegistry, path: string, { range, response }: Reply): void {
  response.setHeader('Docker-Distribution-Api-Version', 'registry/2.0');
  const [, repository = '', kind, which = ''] = /^\/v2\/(.+)\/(manifests|blobs|tags)\/([^/]+)$/.exec(path) ?? [];
  const manifest = registry.manifests.get(`${repository}${which.includes(':') ? '@' : ':'}${which}`);
  if (path === '/v2/') response.end('{}');
  else if (kind === 'tags') tagList(registry, repository, response);
  else if (kind === 'blobs') sendBlob(registry.blobs.get(which), { range, response });
  else if (manifest === undefined) refuse(response, 404, 'MANIFEST_UNKNOWN', 'manifest unknown');
  else {
    response.setHeader('Content-Type', manifest.mediaType);
    response.setHeader('Docker-Content-Digest', sha256(manifest.bytes));
    response.end(manifest.bytes);
  }
}

function tagList(registry: TestRegistry, repository: string, response: ServerResponse): void {
  const tags = [...registry.manifests.keys()].filter((name) => name.startsWith(`${repository}:`));
  response.end(json({ name: repository, tags: tags.map((name) => name.slice(repository.length + 1)) }));
}

function sendBlob(bytes: Buffer | undefined, { range, response }: Reply): void {
  if (bytes === undefined) {
    refuse(response, 404, 'BLOB_UNKNOWN', 'blob unknown to registry');
    return;
  }
  const start = Number(/^bytes=([0-9]+)-$/.exec(range ?? '')?.[1] ?? 0);
  response.setHeader('Content-Length', bytes.length - start);
  if (range !== undefined) {
    response.statusCode = 206;
    response.setHeader('Content-Range', `bytes ${start}-${bytes.length - 1}/${bytes.length}`);
  }
  response.end(bytes.subarray(start));
}

const basic = (user: string, password: string) => `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`;

function isAllowed({ auth }: TestRegistry, authorization: string | undefined): boolean {
  if (auth === undefined) return true;
  return authorization === (auth.kind === 'basic' ? basic(auth.user, auth.password) : 'Bearer good-token');
}

function challenge({ auth, host }: TestRegistry, response: ServerResponse): void {
  const bearer = `Bearer realm="http://${host}/token",service="test",scope="registry:catalog:*"`;
  response.setHeader('WWW-Authenticate', auth?.kind === 'basic' ? 'Basic realm="test"' : bearer);
  refuse(response, 401, 'UNAUTHORIZED', 'authentication required');
}

function giveToken({ auth }: TestRegistry, request: IncomingMessage, response: ServerResponse): void {
  const given = request.headers.authorization;
  const isRight =
    given === undefined ? auth?.anonymous === true : given === basic(auth?.user ?? '', auth?.password ?? '');
  if (isRight || given === undefined) {
    response.end(JSON.stringify({ token: isRight ? 'good-token' : 'useless-token' }));
    return;
  }
  response.statusCode = 401;
  response.end(JSON.stringify({ details: 'incorrect username or password' }));
}
