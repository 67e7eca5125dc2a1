/** Which proxy leads to an address: HTTP_PROXY, HTTPS_PROXY and NO_PROXY as Go's programs, Docker among them, read them. */
import { BlockList, isIP } from 'node:net';
import { WherryError } from '#base/error.ts';

/** The proxy for an address, undefined where it is reached directly. Upper case counts first. Throws kind `invalid`. */
export function proxyFor(url: URL, env: NodeJS.ProcessEnv): URL | undefined {
  const name = url.protocol === 'https:' ? 'HTTPS_PROXY' : 'HTTP_PROXY';
  const text = env[name] || env[name.toLowerCase()];
  if (!text) return undefined;
  const host = url.hostname.replace(/^\[|\]$/g, '').toLowerCase();
  const port = url.port || (url.protocol === 'https:' ? '443' : '80');
  if (isHere(host) || isExcepted(env.NO_PROXY || env.no_proxy || '', host, port)) return undefined;
  return readProxy(text, name);
}

const SCHEMES = ['http:', 'https:', 'socks5:', 'socks5h:'];

function readProxy(text: string, name: string): URL {
  const whole = /^[a-z][a-z0-9+.-]*:\/\//i.test(text) ? text : `http://${text}`;
  const proxy = URL.canParse(whole) ? new URL(whole) : undefined;
  if (proxy !== undefined && SCHEMES.includes(proxy.protocol) && proxy.hostname !== '') return proxy;
  // It may hold a password, which is nothing to show.
  const what = proxy === undefined ? 'it is no web address' : `its scheme is ${proxy.protocol.slice(0, -1)}`;
  throw new WherryError('invalid', `Cannot use the proxy of $${name}: ${what}`, {
    hint: 'Write http://host:port, https://host:port or socks5://host:port',
  });
}

function isHere(host: string): boolean {
  return host === 'localhost' || host === '::1' || (isIP(host) === 4 && host.startsWith('127.'));
}

function isExcepted(list: string, host: string, port: string): boolean {
  return list.split(',').some((entry) => matches(entry.trim().toLowerCase(), host, port));
}

/** `*`, 10.0.0.0/8, 10.1.2.3[:port], host[:port] with all below it, .host and *.host with only what is below it. */
function matches(entry: string, host: string, port: string): boolean {
  if (entry === '') return false;
  if (entry === '*') return true;
  if (entry.includes('/')) return isInNetwork(entry, host);
  const [, bracketed, plain = '', wanted] = /^(?:\[([^\]]+)\]|([^:]*|.*:.*:.*?))(?::([0-9]+))?$/.exec(entry) ?? [];
  if (wanted !== undefined && wanted !== port) return false;
  const name = bracketed ?? plain;
  if (isIP(name) !== 0) return name === host;
  const domain = name.replace(/^\*(?=\.)/, '');
  if (domain === '') return false;
  return domain.startsWith('.') ? host.endsWith(domain) : host === domain || host.endsWith(`.${domain}`);
}

function isInNetwork(entry: string, host: string): boolean {
  const [network = '', bits = ''] = entry.split('/');
  const family = isIP(network);
  if (family === 0 || isIP(host) !== family || !/^[0-9]+$/.test(bits) || Number(bits) > (family === 4 ? 32 : 128)) {
    return false;
  }
  const type = family === 4 ? 'ipv4' : 'ipv6';
  const list = new BlockList();
  list.addSubnet(network, Number(bits), type);
  return list.check(host, type);
}
