/** HTTP as registries need it: kept-alive connections, proxies, redirects without secrets, retries with patience. */
import type { Readable } from 'node:stream';
import { setFlagsFromString } from 'node:v8';
import type { buildConnector, Dispatcher } from 'undici';
import { WherryError } from '#base/error.ts';
import { networkError, verbOf } from '#oci/network-error.ts';

export interface HttpOptions {
  /** Loopback registries: any certificate will do, no proxy is asked. */
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
  const dispatcher = await makeDispatcher(host, insecure);
  optimiseParser(false);
  const { default: api } = await import('undici/lib/api/index.js');
  const send: Send = (url, { method = 'GET', headers = {}, body, patience }) =>
    api.request.call(dispatcher, {
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
  return {
    abort,
    retryDelay,
    request: (url, request = {}) => patiently(url, request, { send, abort, retryDelay }),
    close: () => {
      optimiseParser(true);
      return dispatcher.destroy();
    },
  };
}

/**
 * undici's parser is WebAssembly, which V8 would compile once more, better, in the middle of the first download: 45 ms
 * of a processor for what blobs pass in large pieces. It has to be taken back: V8 keeps code only for the flags that
 * were set when it was written.
 */
function optimiseParser(on: boolean): void {
  setFlagsFromString(`--wasm-tiering-budget=${on ? 13_000_000 : 2_000_000_000}`);
}

type Send = (url: URL, request: HttpRequest) => Promise<Dispatcher.ResponseData>;

async function makeDispatcher(host: string, insecure: boolean): Promise<Dispatcher> {
  const options = { connections: 16, headersTimeout: 60_000, bodyTimeout: 60_000, keepAliveTimeout: 10_000 };
  const env = process.env;
  const proxied = env.http_proxy ?? env.HTTP_PROXY ?? env.https_proxy ?? env.HTTPS_PROXY;
  if (insecure || !proxied) {
    const { default: Agent } = await import('undici/lib/dispatcher/agent.js');
    return new Agent({ ...options, connect: await connector(host, insecure) });
  }
  const { default: EnvHttpProxyAgent } = await import('undici/lib/dispatcher/env-http-proxy-agent.js');
  const { default: Base } = await import('undici/lib/dispatcher/dispatcher.js');
  const { default: api } = await import('undici/lib/api/index.js');
  // What undici's main module does when it is loaded; agents for proxies connect by these methods.
  Object.assign(Base.prototype, api);
  const { trust } = await import('#oci/trust.ts');
  const connect = { timeout: CONNECT_TIMEOUT, allowH2: false, ...trust(host) };
  return new EnvHttpProxyAgent({ ...options, connect, requestTls: connect });
}

const CONNECT_TIMEOUT = 30_000;

/** Plain connections must not pay for the list of authorities, which takes 10 ms and more to read. */
async function connector(host: string, insecure: boolean): Promise<buildConnector.connector> {
  const { default: build } = await import('undici/lib/core/connect.js');
  const { trust } = await import('#oci/trust.ts');
  const base = { timeout: CONNECT_TIMEOUT, allowH2: false, ...(insecure ? { rejectUnauthorized: false } : {}) };
  const plain = build(base);
  let secure: buildConnector.connector | undefined;
  return (options, callback) => {
    if (options.protocol !== 'https:') return plain(options, callback);
    secure ??= build({ ...base, ...trust(host) });
    return secure(options, callback);
  };
}

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
