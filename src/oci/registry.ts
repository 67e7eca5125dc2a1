/** The pull side of the distribution specification, with the errors that Docker shows. */
import { WherryError } from '#base/error.ts';
import type { Credentials } from '#oci/auth.ts';
import { type Answer, type Http, openHttp, readBody } from '#oci/http.ts';
import { ACCEPTED, MAX_DOCUMENT } from '#oci/manifest.ts';
import { familiar, familiarName, type Reference } from '#oci/reference.ts';
import { basic, type Challenge, fetchToken, parseChallenges } from '#oci/token.ts';

export interface RegistryOptions {
  credentials?: Credentials | undefined;
  abort?: AbortSignal | undefined;
  /** Milliseconds before the first retry. */
  retryDelay?: number | undefined;
}

export interface FetchedManifest {
  bytes: Buffer;
  mediaType: string;
  /** Computed from the bytes. */
  digest: string;
}

export interface Registry {
  /** With the scheme that it turned out to speak. */
  readonly url: URL;
  readonly http: Http;
  /** One manifest or index by tag or digest; bytes that don't have the digest asked for are refused. */
  manifest(reference: Reference, digest?: string): Promise<FetchedManifest>;
  /** A blob's bytes from an offset on; the status is 200, or 206 when the registry takes the offset. */
  blob(reference: Reference, digest: string, offset: number): Promise<Answer>;
  /** All tags, sorted. */
  tags(reference: Reference): Promise<string[]>;
  /** Proves the credentials. Gives the token to keep instead of the password where the registry has one. */
  login(): Promise<string | undefined>;
  close(): Promise<void>;
}

/** Docker Hub's registry has another name than its images. */
const HUB_HOST = 'registry-1.docker.io';

/** Registries that may speak plain HTTP, as Docker has it: this machine's own. */
export function isLoopback(domain: string): boolean {
  return /^(?:localhost|127(?:\.[0-9]{1,3}){3}|\[::1\])(?::[0-9]+)?$/.test(domain);
}

/** Opens a client for a registry. Nothing is sent but, to a loopback registry, a first question that shows its scheme. */
export async function openRegistry(domain: string, options: RegistryOptions = {}): Promise<Registry> {
  const host = domain === 'docker.io' ? HUB_HOST : domain;
  const insecure = isLoopback(host);
  const { abort, retryDelay, credentials } = options;
  const http = await openHttp({ insecure, host, abort, retryDelay });
  const url = new URL(`${insecure ? await scheme(http, host) : 'https'}://${host}/v2/`);
  const state: State = { url, http, credentials, authorizations: new Map() };
  return {
    url,
    http,
    manifest: (reference, digest) => manifest(state, reference, digest),
    blob: (reference, digest, offset) => blob(state, reference, { digest, offset }),
    tags: (reference) => tags(state, reference),
    login: () => login(state),
    close: () => http.close(),
  };
}

/** Plain HTTP where it is spoken: asking costs a millisecond, a refused TLS handshake ten. No secret is sent. */
async function scheme(http: Http, host: string): Promise<'http' | 'https'> {
  try {
    const answer = await http.request(new URL(`http://${host}/v2/`), { once: true });
    await answer.body.dump({ limit: 64 * 1024 });
    // A TLS server that understands the mistake says 400, and nothing of a registry.
    return answer.statusCode === 400 && answer.headers['docker-distribution-api-version'] === undefined
      ? 'https'
      : 'http';
  } catch (error) {
    const { code = '', name = '' } = ((error as Error).cause ?? {}) as NodeJS.ErrnoException;
    if (['ECONNRESET', 'EPIPE', 'UND_ERR_SOCKET'].includes(code) || name === 'HTTPParserError') return 'https';
    throw error;
  }
}

interface State {
  url: URL;
  http: Http;
  credentials: Credentials | undefined;
  /** Scope -> the header that was accepted for it. */
  authorizations: Map<string, string>;
}

type Ask = { accept?: string; range?: string };

/** One request; a challenge is answered once. */
async function ask(
  state: State,
  path: string,
  scope: string | undefined,
  { accept, range }: Ask = {},
): Promise<Answer> {
  const url = new URL(path, state.url);
  const send = () => {
    const authorization = state.authorizations.get(scope ?? '');
    const headers = {
      ...(accept === undefined ? {} : { accept }),
      ...(range === undefined ? {} : { range }),
      ...(authorization === undefined ? {} : { authorization }),
    };
    return state.http.request(url, { headers });
  };
  const used = state.authorizations.get(scope ?? '');
  const answer = await send();
  if (answer.statusCode !== 401) return answer;
  // Another request of this scope may have been given a fresh token meanwhile.
  const fresh = state.authorizations.get(scope ?? '');
  if (fresh === used) {
    const authorization = await authorize(state, parseChallenges(answer.headers['www-authenticate']), { scope, url });
    if (authorization === undefined) return answer;
    state.authorizations.set(scope ?? '', authorization);
  }
  await answer.body.dump({ limit: 64 * 1024 });
  return send();
}

type Asked = { scope: string | undefined; url: URL };

/** The header that answers a challenge; undefined when the registry names none that we know. */
async function authorize(
  { http, url: registry, credentials }: State,
  challenges: readonly Challenge[],
  { scope, url }: Asked,
): Promise<string | undefined> {
  if (credentials?.registryToken !== undefined) return `Bearer ${credentials.registryToken}`;
  const bearer = challenges.find((challenge) => challenge.scheme === 'bearer');
  if (bearer !== undefined) {
    const { token } = await fetchToken(http, { challenge: bearer, scope, credentials, registry });
    return `Bearer ${token}`;
  }
  if (!challenges.some((challenge) => challenge.scheme === 'basic')) return undefined;
  if (credentials?.username) return basic(credentials);
  throw new WherryError('denied', `Get "${url.origin}${url.pathname}": no basic auth credentials`, {
    hint: `Log in first: wherry login ${registry.host}`,
  });
}

const pullScope = ({ path }: Reference) => `repository:${path}:pull`;

async function manifest(state: State, reference: Reference, digest = reference.digest): Promise<FetchedManifest> {
  const { createHash } = await import('node:crypto');
  const which = digest ?? reference.tag ?? 'latest';
  const answer = await ask(state, `${reference.path}/manifests/${which}`, pullScope(reference), { accept: ACCEPTED });
  const bytes = await readBody(answer, MAX_DOCUMENT);
  if (answer.statusCode !== 200) throw refusal(answer, bytes, reference);
  const algorithm = digest?.split(':', 1)[0] ?? 'sha256';
  const actual = `${algorithm}:${createHash(algorithm).update(bytes).digest('hex')}`;
  if (digest !== undefined && digest !== actual) {
    throw new WherryError('corrupt', `manifest verification failed for digest ${digest}`, {
      hint: 'The registry, or something on the way to it, sent another content: try again',
    });
  }
  const type = answer.headers['content-type'];
  return { bytes, mediaType: (typeof type === 'string' ? type : '').split(';', 1)[0]?.trim() ?? '', digest: actual };
}

async function blob(
  state: State,
  reference: Reference,
  { digest, offset }: { digest: string; offset: number },
): Promise<Answer> {
  const range = offset > 0 ? { range: `bytes=${offset}-` } : {};
  const answer = await ask(state, `${reference.path}/blobs/${digest}`, pullScope(reference), range);
  if (answer.statusCode === 200 || answer.statusCode === 206) return answer;
  throw refusal(answer, await readBody(answer, MAX_DOCUMENT), reference);
}

/** A registry with more tags than this is lying, or not meant for `--all-tags`. */
const MAX_PAGES = 1000;

async function tags(state: State, reference: Reference): Promise<string[]> {
  const found: string[] = [];
  let path: string | undefined = `${reference.path}/tags/list`;
  for (let page = 0; path !== undefined && page < MAX_PAGES; page += 1) {
    const answer = await ask(state, path, pullScope(reference));
    const bytes = await readBody(answer, MAX_DOCUMENT);
    if (answer.statusCode !== 200) throw refusal(answer, bytes, reference);
    const names: unknown = parse(bytes)?.tags ?? [];
    if (Array.isArray(names)) found.push(...names.filter((name) => typeof name === 'string'));
    path = nextPage(answer, state.url);
  }
  return found.sort();
}

/** The Link header of the next page; only within the registry. */
function nextPage({ headers }: Answer, registry: URL): string | undefined {
  const { link } = headers;
  const match = /<([^>]*)>\s*;[^,]*rel="?next"?/i.exec(typeof link === 'string' ? link : '');
  if (match?.[1] === undefined) return undefined;
  const url = new URL(match[1], registry);
  return url.origin === registry.origin ? url.href : undefined;
}

async function login(state: State): Promise<string | undefined> {
  const { http, url: registry, credentials } = state;
  const answer = await http.request(registry);
  const challenges = parseChallenges(answer.headers['www-authenticate']);
  await answer.body.dump({ limit: 64 * 1024 });
  if (answer.statusCode === 200) return undefined;
  const bearer = challenges.find((challenge) => challenge.scheme === 'bearer');
  if (answer.statusCode === 401 && bearer !== undefined) {
    const given = await fetchToken(http, { challenge: bearer, scope: undefined, credentials, registry, offline: true });
    await confirm(state, `Bearer ${given.token}`);
    return given.refreshToken;
  }
  await confirm(state, credentials === undefined ? undefined : basic(credentials));
  return undefined;
}

async function confirm({ http, url }: State, authorization: string | undefined): Promise<void> {
  const answer = await http.request(url, authorization === undefined ? {} : { headers: { authorization } });
  await answer.body.dump({ limit: 64 * 1024 });
  if (answer.statusCode === 200) return;
  const { STATUS_CODES } = await import('node:http');
  const status = `${answer.statusCode} ${STATUS_CODES[answer.statusCode] ?? ''}`.trim();
  throw new WherryError('denied', `login attempt to ${url.href} failed with status: ${status}`);
}

type Said = { errors?: { code?: unknown; message?: unknown }[]; tags?: unknown } | undefined;

function parse(bytes: Buffer): Said {
  try {
    return JSON.parse(bytes.toString()) ?? undefined;
  } catch {
    return undefined;
  }
}

/** What a registry's refusal is in Docker's words (moby, distribution/errors.go). */
function refusal({ statusCode, url }: Answer, bytes: Buffer, reference: Reference): WherryError {
  const { code, message } = said(bytes, statusCode);
  const text = `${code.toLowerCase().replaceAll('_', ' ')}: ${message}`;
  if (code === 'MANIFEST_UNKNOWN')
    return new WherryError('not-found', `manifest for ${familiar(reference)} not found: ${text}`);
  if (code === 'NAME_UNKNOWN')
    return new WherryError('not-found', `repository ${familiarName(reference)} not found: ${text}`);
  if (code === 'DENIED' || (code === 'UNAUTHORIZED' && statusCode !== 407)) {
    const denied = code === 'DENIED' ? text : 'denied: requested access to the resource is denied';
    const why = `pull access denied for ${familiarName(reference)}, repository does not exist or may require 'docker login'`;
    return new WherryError('denied', `${why}: ${denied}`);
  }
  if (code === 'TOOMANYREQUESTS')
    return new WherryError('unavailable', text, { hint: 'Wait a while, or log in for a higher limit' });
  if (code === 'BLOB_UNKNOWN') return new WherryError('not-found', `${text} (${familiar(reference)})`);
  const where = `${url.origin}${url.pathname}`;
  return new WherryError('unavailable', `Get "${where}": ${code === '' ? message : text}`, { hint: 'Try again later' });
}

/** The first of the registry's errors (distribution-spec, error codes), or what the status alone says. */
function said(bytes: Buffer, status: number): { code: string; message: string } {
  const first = parse(bytes)?.errors?.[0];
  const plain = typeof first?.message === 'string' ? first.message.split('\n', 1)[0] : undefined;
  const message = plain === undefined || plain === '' ? undefined : plain.slice(0, 300);
  if (typeof first?.code === 'string' && first.code !== 'UNKNOWN') {
    return { code: first.code, message: message ?? first.code.toLowerCase().replaceAll('_', ' ') };
  }
  if (status === 404) return { code: 'MANIFEST_UNKNOWN', message: message ?? 'manifest unknown' };
  if (status === 401 || status === 403)
    return { code: 'DENIED', message: message ?? 'requested access to the resource is denied' };
  if (status === 429) return { code: 'TOOMANYREQUESTS', message: message ?? 'too many requests' };
  return { code: '', message: message ?? `unexpected status from the registry: ${status}` };
}
