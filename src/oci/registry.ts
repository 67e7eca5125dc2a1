/** The pull side of the distribution specification, with the errors that Docker shows. */
import { WherryError } from '#base/error.ts';
import { parseWebAddress } from '#base/web-address.ts';
import type { Credentials } from '#oci/auth.ts';
import { type Answer, type Http, type HttpRequest, openHttp, readBody } from '#oci/http.ts';
import { ACCEPTED, isDigest, MAX_DOCUMENT } from '#oci/manifest.ts';
import { familiar, familiarName, isTag, type Reference } from '#oci/reference.ts';
import { brief } from '#oci/shape.ts';
import { basic, type Challenge, fetchToken, parseChallenges } from '#oci/token.ts';

export interface RegistryOptions {
  credentials?: Credentials | undefined;
  /** Why there are none, where that is not the user's wish. */
  noCredentials?: string;
  abort?: AbortSignal | undefined;
  /** Milliseconds before the first retry. */
  retryDelay?: number | undefined;
  /** The user has said that it needs no TLS (registries.conf). */
  insecure?: boolean;
  /** The name there of a name that it is asked for: another one where registries.conf says so. */
  at?: (reference: Reference) => Reference;
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
  /** What a tag stands for now, asked without the manifest; undefined where the registry doesn't say. */
  digest(reference: Reference): Promise<string | undefined>;
  /** A blob's bytes from an offset on; the status is 200, or 206 when the registry takes the offset. */
  blob(reference: Reference, digest: string, offset: number): Promise<Answer>;
  /** All tags, sorted. */
  tags(reference: Reference): Promise<string[]>;
  /**
   * Any request below /v2/, or where the registry has sent us, with what a scope needs (several, separated by spaces).
   * Any status is an answer. Throws kind `denied` when there are no credentials or wrong ones.
   */
  ask(path: string | URL, scope: string, request?: HttpRequest): Promise<Answer>;
  /** Where a list that came in part goes on (the Link header), within the registry. */
  nextPage(answer: Answer): string | undefined;
  /** The name that the registry has for one of ours. */
  at(reference: Reference): Reference;
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

/** Opens a client for a registry. Nothing is sent but, to one that needs no TLS, a first question that shows its scheme. */
export async function openRegistry(domain: string, options: RegistryOptions = {}): Promise<Registry> {
  const host = domain === 'docker.io' ? HUB_HOST : domain;
  const insecure = isLoopback(host) || (options.insecure ?? false);
  const { abort, retryDelay, credentials, at = (reference) => reference } = options;
  parseWebAddress(`${insecure ? 'http' : 'https'}://${host}/v2/`);
  const http = await openHttp({ insecure, host, abort, retryDelay });
  const spoken = insecure ? await scheme(http, host).catch(closing(http)) : 'https';
  const url = new URL(`${spoken}://${host}/v2/`);
  const state: State = { url, http, credentials, at, authorizations: new Map(), authorizing: new Map() };
  const explained = <T>(work: Promise<T>) =>
    work.catch((error: unknown) => {
      throw explain(error, options.noCredentials);
    });
  return {
    url,
    http,
    manifest: (reference, digest) => explained(manifest(state, reference, digest)),
    digest: (reference) => explained(digestOf(state, reference)),
    blob: (reference, digest, offset) => explained(blob(state, reference, { digest, offset })),
    tags: (reference) => explained(tags(state, reference)),
    ask: (path, scope, request) => explained(ask(state, path, scope, request)),
    nextPage: (answer) => nextPage(answer, url),
    at,
    login: () => login(state),
    close: () => http.close(),
  };
}

const closing = (http: Http) => async (error: unknown) => {
  await http.close();
  throw error;
};

function explain(error: unknown, noCredentials: string | undefined): unknown {
  if (noCredentials === undefined || !(error instanceof WherryError) || error.kind !== 'denied') return error;
  return new WherryError('denied', error.message, { hint: `No credentials were sent: ${noCredentials}`, cause: error });
}

/** How a server that knows no TLS takes it. */
const NO_TLS = [
  'ERR_SSL_WRONG_VERSION_NUMBER',
  'ERR_SSL_PACKET_LENGTH_TOO_LONG',
  'ECONNRESET',
  'EPIPE',
  'UND_ERR_SOCKET',
];

/** What it speaks, asked without a secret. This machine's registries mostly have no TLS, others mostly do. */
async function scheme(http: Http, host: string): Promise<'http' | 'https'> {
  if (isLoopback(host)) return speaksPlain(http, host);
  try {
    await knock(http, `https://${host}/v2/`);
    return 'https';
  } catch (error) {
    const { code = '' } = ((error as Error).cause ?? {}) as NodeJS.ErrnoException;
    // Nobody there is a matter of the port where the name has none.
    const plain = NO_TLS.includes(code) || (code === 'ECONNREFUSED' && !/:[0-9]+$/.test(host));
    if (plain) return 'http';
    throw error;
  }
}

async function knock(http: Http, address: string): Promise<Answer> {
  const answer = await http.request(new URL(address), { once: true });
  await answer.body.dump({ limit: 64 * 1024 });
  return answer;
}

/** Plain HTTP where it is spoken: asking costs a millisecond, a refused TLS handshake ten. */
async function speaksPlain(http: Http, host: string): Promise<'http' | 'https'> {
  try {
    const answer = await knock(http, `http://${host}/v2/`);
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
  at: (reference: Reference) => Reference;
  /** Scope -> the header that was accepted for it. */
  authorizations: Map<string, string>;
  /** Scope -> the header that is being got for it. */
  authorizing: Map<string, Promise<string | undefined>>;
}

/** One request; a challenge is answered once, by the registry itself alone: secrets are for nobody else. */
async function ask(state: State, path: string | URL, scope: string, request: HttpRequest = {}): Promise<Answer> {
  const url = new URL(path, state.url);
  const send = () => {
    const authorization = url.origin === state.url.origin ? state.authorizations.get(scope) : undefined;
    return state.http.request(url, {
      ...request,
      headers: { ...request.headers, ...(authorization === undefined ? {} : { authorization }) },
    });
  };
  const used = state.authorizations.get(scope);
  const answer = await send();
  // Where it has sent us, others answer, and might name a realm of their own.
  if (answer.statusCode !== 401 || answer.url.origin !== state.url.origin) return answer;
  // Another request of this scope may have been given a fresh token meanwhile.
  if (state.authorizations.get(scope) === used) {
    const authorization = await authorizeOnce(state, answer, { scope, url });
    if (authorization === undefined) return answer;
    state.authorizations.set(scope, authorization);
  }
  await answer.body.dump({ limit: 64 * 1024 });
  return send();
}

/** Requests that are refused together are content with one token. */
function authorizeOnce(state: State, { headers }: Answer, asked: Asked): Promise<string | undefined> {
  const { authorizing } = state;
  const begun =
    authorizing.get(asked.scope) ??
    authorize(state, parseChallenges(headers['www-authenticate']), asked).finally(() =>
      authorizing.delete(asked.scope),
    );
  authorizing.set(asked.scope, begun);
  return begun;
}

type Asked = { scope: string; url: URL };

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
  const wanted = scope.includes('push') ? '' : `Get "${url.origin}${url.pathname}": `;
  throw new WherryError('denied', `${wanted}no basic auth credentials`, {
    hint: `Log in first: wherry login ${registry.host}`,
  });
}

const pullScope = ({ path }: Reference) => `repository:${path}:pull`;

async function manifest(state: State, reference: Reference, digest = reference.digest): Promise<FetchedManifest> {
  const { createHash } = await import('node:crypto');
  const there = state.at(reference);
  const which = digest ?? there.tag ?? 'latest';
  const answer = await ask(state, `${there.path}/manifests/${which}`, pullScope(there), {
    headers: { accept: ACCEPTED },
  });
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

/** Docker Hub counts no HEAD against its limits. One try: what goes wrong here goes wrong, with words, when it is got. */
async function digestOf(state: State, reference: Reference): Promise<string | undefined> {
  const there = state.at(reference);
  const path = `${there.path}/manifests/${there.tag ?? 'latest'}`;
  const request = { method: 'HEAD', headers: { accept: ACCEPTED }, once: true } as const;
  const { statusCode, headers, body } = await ask(state, path, pullScope(there), request);
  await body.dump();
  const digest = headers['docker-content-digest'];
  return statusCode === 200 && isDigest(digest) ? digest : undefined;
}

async function blob(
  state: State,
  reference: Reference,
  { digest, offset }: { digest: string; offset: number },
): Promise<Answer> {
  const range = offset > 0 ? { headers: { range: `bytes=${offset}-` } } : {};
  const there = state.at(reference);
  const answer = await ask(state, `${there.path}/blobs/${digest}`, pullScope(there), range);
  if (answer.statusCode === 200 || answer.statusCode === 206) return answer;
  throw refusal(answer, await readBody(answer, MAX_DOCUMENT), reference);
}

/** A registry with more tags than this is lying, or not meant for `--all-tags`. */
const MAX_PAGES = 1000;
const MAX_TAGS = 100_000;

async function tags(state: State, reference: Reference): Promise<string[]> {
  const found: string[] = [];
  const there = state.at(reference);
  let path: string | undefined = `${there.path}/tags/list`;
  for (let page = 0; path !== undefined && page < MAX_PAGES; page += 1) {
    const answer = await ask(state, path, pullScope(there));
    const bytes = await readBody(answer, MAX_DOCUMENT);
    if (answer.statusCode !== 200) throw refusal(answer, bytes, reference);
    for (const name of listed(bytes, reference)) found.push(name);
    if (found.length > MAX_TAGS)
      throw new WherryError(
        'corrupt',
        `Cannot list the tags of "${familiarName(reference)}": there are more than ${MAX_TAGS}`,
      );
    path = nextPage(answer, state.url);
  }
  return found.sort();
}

/** Tags become a part of addresses and names: what can be none is refused, as Docker does. */
function listed(bytes: Buffer, reference: Reference): string[] {
  const names: unknown = parse(bytes)?.tags ?? [];
  if (!Array.isArray(names)) return [];
  const odd = names.find((name) => typeof name !== 'string' || !isTag(name));
  if (odd === undefined) return names;
  throw new WherryError('corrupt', `Cannot use the tag "${brief(odd)}" of "${familiarName(reference)}": it is no tag`);
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
export function said(bytes: Buffer, status: number): { code: string; message: string } {
  const first = parse(bytes)?.errors?.[0];
  const plain = typeof first?.message === 'string' ? first.message.split('\n', 1)[0] : undefined;
  const message = plain === undefined || plain === '' ? undefined : brief(plain, 300);
  if (typeof first?.code === 'string' && first.code !== 'UNKNOWN') {
    const code = brief(first.code);
    return { code, message: message ?? code.toLowerCase().replaceAll('_', ' ') };
  }
  if (status === 404) return { code: 'MANIFEST_UNKNOWN', message: message ?? 'manifest unknown' };
  if (status === 401 || status === 403)
    return { code: 'DENIED', message: message ?? 'requested access to the resource is denied' };
  if (status === 429) return { code: 'TOOMANYREQUESTS', message: message ?? 'too many requests' };
  return { code: '', message: message ?? `unexpected status from the registry: ${status}` };
}
