/** How a registry, and what it redirects to, are reached: connections kept alive, TLS as certs.d has it, proxies. */
import { setFlagsFromString } from 'node:v8';
import type { buildConnector, Dispatcher } from 'undici';

export interface Connections {
  /** What requests to this address go by. Throws kind `invalid` for proxies and certificates that can't be used. */
  to(url: URL): Promise<{ dispatcher: Dispatcher; proxy: URL | undefined }>;
  /** What a broken connection was about: undici forgets what TLS said (that it wants a certificate) before it closed. */
  reason(error: unknown): unknown;
  close(): Promise<void>;
}

const OPTIONS = { connections: 16, headersTimeout: 60_000, bodyTimeout: 60_000, keepAliveTimeout: 10_000 };
const CONNECT_TIMEOUT = 30_000;

/** Opens nothing yet. host: the registry's, whose certificates are looked for; insecure: any certificate will do. */
export function makeConnections(host: string, insecure: boolean): Connections {
  optimiseParser(false);
  const opened = new Map<string, Promise<Dispatcher>>();
  let alert: NodeJS.ErrnoException | undefined;
  const heard = (error: NodeJS.ErrnoException) => {
    if (error.code?.startsWith('ERR_SSL_')) alert = error;
  };
  const open = (proxy: URL | undefined) =>
    proxy === undefined ? direct(host, insecure, heard) : through(proxy, host, insecure);
  return {
    to: async (url) => {
      const proxy = isProxied() ? (await import('#oci/proxy.ts')).proxyFor(url, process.env) : undefined;
      const dispatcher = opened.get(proxy?.href ?? '') ?? open(proxy);
      opened.set(proxy?.href ?? '', dispatcher);
      return { dispatcher: await dispatcher, proxy };
    },
    reason: (error) => ((error as NodeJS.ErrnoException).code === 'UND_ERR_SOCKET' && alert ? alert : error),
    close: async () => {
      optimiseParser(true);
      for (const dispatcher of opened.values()) await (await dispatcher).destroy();
    },
  };
}

const isProxied = ({ env } = process) =>
  Boolean(env.HTTP_PROXY || env.http_proxy || env.HTTPS_PROXY || env.https_proxy);

/**
 * undici's parser is WebAssembly, which V8 would compile once more, better, in the middle of the first download: 45 ms
 * of a processor for what blobs pass in large pieces. It has to be taken back: V8 keeps code only for the flags that
 * were set when it was written.
 */
function optimiseParser(on: boolean): void {
  setFlagsFromString(`--wasm-tiering-budget=${on ? 13_000_000 : 2_000_000_000}`);
}

type Heard = (error: Error) => void;

async function direct(host: string, insecure: boolean, heard: Heard): Promise<Dispatcher> {
  const { default: Agent } = await import('undici/lib/dispatcher/agent.js');
  return new Agent({ ...OPTIONS, connect: await connector(host, insecure, heard) });
}

/** Plain connections must not pay for the list of authorities, which takes 10 ms and more to read. */
async function connector(host: string, insecure: boolean, heard: Heard): Promise<buildConnector.connector> {
  const { default: build } = await import('undici/lib/core/connect.js');
  const { trust } = await import('#oci/trust.ts');
  const base = { timeout: CONNECT_TIMEOUT, allowH2: false, ...(insecure ? { rejectUnauthorized: false } : {}) };
  const plain = build(base);
  let secure: buildConnector.connector | undefined;
  return (options, callback) => {
    if (options.protocol !== 'https:') return plain(options, callback);
    try {
      secure ??= build({ ...base, ...trust(host) });
    } catch (error) {
      return callback(error as Error, null);
    }
    return secure(options, (...result: Parameters<typeof callback>) => {
      result[1]?.once('error', heard);
      callback(...result);
    });
  };
}

/** https goes through a tunnel (CONNECT), so the proxy sees none of it; http is asked of the proxy itself. */
async function through(proxy: URL, host: string, insecure: boolean): Promise<Dispatcher> {
  const { default: ProxyAgent } = await import('undici/lib/dispatcher/proxy-agent.js');
  const { default: Base } = await import('undici/lib/dispatcher/dispatcher.js');
  const { default: api } = await import('undici/lib/api/index.js');
  // What undici's main module does when it is loaded; agents for proxies connect by these methods.
  Object.assign(Base.prototype, api);
  const { trust } = await import('#oci/trust.ts');
  const base = { timeout: CONNECT_TIMEOUT, allowH2: false };
  const requestTls = { ...base, ...(insecure ? { rejectUnauthorized: false } : {}), ...trust(host) };
  if (proxy.protocol.startsWith('socks')) return throughSocks(proxy, requestTls);
  const proxyTls = proxy.protocol === 'https:' ? { proxyTls: { ...base, ...trust(proxy.host) } } : {};
  return new ProxyAgent({ ...OPTIONS, uri: proxy.href, requestTls, ...proxyTls });
}

/** undici says on standard error that it has this for not long; nobody here can do anything about it. */
async function throughSocks(proxy: URL, requestTls: buildConnector.BuildOptions): Promise<Dispatcher> {
  const { default: Socks5ProxyAgent } = await import('undici/lib/dispatcher/socks5-proxy-agent.js');
  const { emitWarning } = process;
  process.emitWarning = () => undefined;
  try {
    return new Socks5ProxyAgent(proxy.href.replace(/^socks5h:/, 'socks5:'), { ...OPTIONS, requestTls });
  } finally {
    process.emitWarning = emitWarning;
  }
}
