/** Addresses as programs are given them, with a name and a password in some: how they may be shown and published. */

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
