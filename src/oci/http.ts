/** HTTP as registries need it: kept-alive connections, proxies, redirects without secrets, retries with patience. */
import type { Readable } from 'node:stream';
import type { Dispatcher } from 'undici';
import { WherryError } from '#base/error.ts';
import { makeConnections } from '#oci/connections.ts';
import { networkError, proxyError, verbOf } from '#oci/network-error.ts';

export interface HttpOptions {
  /** Any certificate will do. */
  insecure?: boolean;
  /** The registry's host[:port]: its certificates are looked for in certs.d. */
  host: string;
  abort?: AbortSignal | undefined;
  /** Milliseconds before the first retry; each further one waits twice as long. */
  retryDelay?: number | undefined;
}

export interface HttpRequest {
  method?: 'GET' | 'HEAD' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  headers?: Record<string, string>;
  /** Text is for the first address alone; bytes and what a function opens (anew at each try) follow redirects. */
  body?: string | Uint8Array | (() => AsyncIterable<Uint8Array>);
  /** No second try: the caller has another way to go on. */
  once?: boolean;
  /** Milliseconds that the answer may take once the request is sent. */
  patience?: number;
}

export type Answer = Dispatcher.ResponseData & { /** Where the last redirect led. */ url: URL };

export interface Http {
  /** Any status is an answer; throws kind `unavailable` in Docker's words when there is none. */
  request(url: URL, request?: HttpRequest): Promise<Answer>;
  readonly abort: AbortSignal | undefined;
  readonly retryDelay: number;
  close(): Promise<void>;
}

const MAX_REDIRECTS = 10;
const MAX_TRIES = 4;
/** Longer than that nobody wants to wait in silence: the registry's own words are shown instead. */
const MAX_PAUSE = 30_000;

/** Opens a client for one registry and what it redirects to. */
export async function openHttp({ insecure = false, host, abort, retryDelay = 500 }: HttpOptions): Promise<Http> {
  const connections = makeConnections(host, insecure);
  const { default: api } = await import('undici/lib/api/index.js');
  const send: Send = async (url, { method = 'GET', headers = {}, body, patience }) => {
    const { dispatcher, proxy } = await connections.to(url);
    const sent = api.request.call(dispatcher, {
      origin: url.origin,
      path: url.pathname + url.search,
      method,
      headers: { 'user-agent': 'wherry', ...headers },
      // undici closes the connection after each HEAD and DELETE where it isn't told to keep it.
      reset: false,
      ...(body === undefined ? {} : { body: typeof body === 'function' ? (body() as Readable) : body }),
      ...(patience === undefined ? {} : { headersTimeout: patience }),
      ...(abort === undefined ? {} : { signal: abort }),
    });
    return sent.catch((error: unknown) => {
      abort?.throwIfAborted();
      throw proxy === undefined ? connections.reason(error) : proxyError(error, { proxy, url, method });
    });
  };
  return {
    abort,
    retryDelay,
    request: (url, request = {}) => patiently(url, request, { send, abort, retryDelay }),
    close: () => connections.close(),
  };
}

type Send = (url: URL, request: HttpRequest) => Promise<Dispatcher.ResponseData>;

interface Way {
  send: Send;
  abort: AbortSignal | undefined;
  retryDelay: number;
}

/** Tries again where a later try may do better: broken connections, 429 and the server's own troubles. */
async function patiently(url: URL, request: HttpRequest, way: Way): Promise<Answer> {
  for (let attempt = 1; ; attempt += 1) {
    const last = attempt >= MAX_TRIES || request.once === true;
    let wait: number | undefined;
    try {
      const answer = await followRedirects(url, request, way);
      wait = last ? undefined : pauseAfter(answer, attempt, way);
      if (wait === undefined) return answer;
      await answer.body.dump({ limit: 64 * 1024 });
    } catch (error) {
      way.abort?.throwIfAborted();
      if (last || !isTransient(error)) throw asNetworkError(error, request.method ?? 'GET', url);
      wait = way.retryDelay * 2 ** (attempt - 1);
    }
    await pause(wait, way.abort);
  }
}

function asNetworkError(error: unknown, method: string, url: URL): unknown {
  return error instanceof WherryError ? error : networkError(error, method, url);
}

/** A pause that ends at once, with an error, when the user has had enough. */
export function pause(milliseconds: number, abort: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    const stop = () => {
      clearTimeout(timer);
      reject(abort?.reason);
    };
    const timer = setTimeout(() => {
      abort?.removeEventListener('abort', stop);
      resolve();
    }, milliseconds);
    if (abort?.aborted) stop();
    else abort?.addEventListener('abort', stop, { once: true });
  });
}

const TRANSIENT = new Set([
  'ECONNRESET',
  'EPIPE',
  'ETIMEDOUT',
  'EAI_AGAIN',
  'UND_ERR_SOCKET',
  'UND_ERR_HEADERS_TIMEOUT',
  'UND_ERR_BODY_TIMEOUT',
  'UND_ERR_CONNECT_TIMEOUT',
  'UND_ERR_RES_CONTENT_LENGTH_MISMATCH',
]);

/** May the same request succeed in a moment? A refused connection or an unknown name will not. */
export function isTransient(error: unknown): boolean {
  return TRANSIENT.has((error as NodeJS.ErrnoException).code ?? '');
}

/** Milliseconds until the next try, or undefined where the answer is final. */
export function pauseAfter(
  { statusCode, headers }: Answer,
  attempt: number,
  { retryDelay }: Pick<Http, 'retryDelay'>,
): number | undefined {
  if (statusCode !== 429 && statusCode !== 408 && (statusCode < 500 || statusCode === 501)) return undefined;
  const asked = headers['retry-after'];
  const until = typeof asked === 'string' ? untilAfter(asked) : Number.NaN;
  if (Number.isNaN(until)) return retryDelay * 2 ** (attempt - 1);
  return until > MAX_PAUSE ? undefined : Math.max(0, until);
}

/** Retry-After (RFC 9110, section 10.2.3): seconds, or a date. */
const untilAfter = (text: string) => (/^[0-9]+$/.test(text) ? Number(text) * 1000 : Date.parse(text) - Date.now());

/** Secrets go to the origin that they are meant for and to no other; what has left it doesn't get them back. */
async function followRedirects(first: URL, request: HttpRequest, { send }: Way): Promise<Answer> {
  let url = first;
  let carried = request;
  for (let hops = 0; hops <= MAX_REDIRECTS; hops += 1) {
    const answer = await send(url, carried);
    const { location } = answer.headers;
    if (typeof location !== 'string' || !leadsOn(answer.statusCode, request)) return Object.assign(answer, { url });
    await answer.body.dump({ limit: 64 * 1024 });
    url = redirected(location, url);
    if (url.origin !== first.origin) carried = withoutSecrets(request);
  }
  const what = `${verbOf(request.method ?? 'GET')} "${shown(first)}"`;
  throw new WherryError('unavailable', `${what}: stopped after ${MAX_REDIRECTS} redirects`);
}

/** Only 307 and 308 keep the method (RFC 9110, section 15.4). A form has secrets in it, which go nowhere else. */
function leadsOn(status: number, { method = 'GET', body }: HttpRequest): boolean {
  if (status === 307 || status === 308) return typeof body !== 'string';
  return [301, 302, 303].includes(status) && (method === 'GET' || method === 'HEAD');
}

function redirected(location: string, from: URL): URL {
  const url = URL.canParse(location, from.href) ? new URL(location, from) : undefined;
  if (url?.protocol === 'https:' || url?.protocol === 'http:') return url;
  throw new WherryError('unavailable', `Get "${shown(from)}": it redirects to what is no web address`);
}

function withoutSecrets(request: HttpRequest): HttpRequest {
  const headers = Object.entries(request.headers ?? {}).filter(([name]) => name.toLowerCase() !== 'authorization');
  return { ...request, headers: Object.fromEntries(headers) };
}

/** An address for people: signed queries and passwords are nobody's business. */
export function shown(url: URL): string {
  return url.origin + url.pathname;
}

/** A small body, whole. Throws kind `corrupt` when it is larger than `max`. */
export async function readBody({ body, url }: Answer, max: number): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let size = 0;
  try {
    for await (const chunk of body as AsyncIterable<Buffer>) {
      size += chunk.length;
      if (size > max) {
        throw new WherryError('corrupt', `Cannot read "${shown(url)}": the answer is larger than ${max} bytes`);
      }
      chunks.push(chunk);
    }
  } catch (error) {
    throw asNetworkError(error, 'GET', url);
  }
  return Buffer.concat(chunks);
}
