/** Addresses as programs are given them, with a name and a password in some: which are any, and how they may be shown. */
import { WherryError } from '#base/error.ts';
import { quote } from '#base/go-quote.ts';

const HIDDEN = 'xxxxx';

/**
 * An address without its credentials, in BuildKit's form: a name and a password are five x each. On the web a name alone may be
 * a token; by ssh it is part of the address. What is no address stays as it is; one that nobody can read keeps only its end.
 */
export function withoutCredentials(address: string): string {
  if (!/^[a-z][a-z0-9+.-]*:\/\//i.test(address)) return address;
  if (!URL.canParse(address)) return address.replace(/^([^:]+:\/\/).*@/s, `$1${HIDDEN}@`);
  const url = new URL(address);
  const before = url.href;
  if (url.username !== '' && url.protocol !== 'ssh:') url.username = HIDDEN;
  if (url.password !== '') url.password = HIDDEN;
  return url.href === before ? address : url.href;
}

/** Reads an address of the web. Throws kind `invalid` in the words of Docker, which are Go's, for what is none. */
export function parseWebAddress(address: string): URL {
  // To browsers, and to URL, any number of slashes is as good as two.
  if (URL.canParse(address) && hostOf(address) !== '') return new URL(address);
  throw new WherryError('invalid', faultOf(address), { hint: 'An address of the web is https://HOST[:PORT]/PATH' });
}

/** What is to be said at the door of an address, where it says that. */
export function credentialsOf({ username, password }: URL): { username: string; password: string } | undefined {
  if (username === '' && password === '') return undefined;
  return { username: unescaped(username), password: unescaped(password) };
}

/** Without %xx; what is no text then stays as it is. */
export function unescaped(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/** With the port. */
function hostOf(address: string): string {
  const authority = /^[^:]+:\/\/([^/?#]*)/.exec(address)?.[1] ?? '';
  return authority.slice(authority.lastIndexOf('@') + 1);
}

/** In the order in which Go reads a host (net/url, net/http, net). */
function faultOf(address: string): string {
  const host = hostOf(address);
  const shown = quote(withoutCredentials(address));
  const parse = (why: string) => `parse ${shown}: ${why}`;
  const get = (why: string) => `Get ${shown}: ${why}`;
  const [, name = '', port = ''] = /^(\[.*\]|[^:]*):?(.*)$/s.exec(host) ?? [];
  const odd = /[\0-\x20\\^`{|}\x7f]/.exec(host)?.[0];
  const escaped = /%(?![89a-f][0-9a-f]).{0,2}/is.exec(host)?.[0];
  if (host.startsWith('[') && !host.includes(']')) return parse("missing ']' in host");
  if (!/^[0-9]*$/.test(port)) return parse(`invalid port ${quote(`:${port}`)} after host`);
  if (odd !== undefined) return parse(`invalid character ${quote(odd)} in host name`);
  if (escaped !== undefined) return parse(`invalid URL escape ${quote(escaped)}`);
  if (name === '') return get('http: no Host in request URL');
  if (Number(port) > 65535) return get(`dial tcp: address ${port}: invalid port`);
  return get(`dial tcp: lookup ${name}: no such host`);
}
