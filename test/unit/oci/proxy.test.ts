import { expect, test } from 'vitest';
import { proxyFor } from '#oci/proxy.ts';

const P = 'http://proxy:3128';

test.each<[string, NodeJS.ProcessEnv, string | undefined]>([
  ['https://a.test/', {}, undefined],
  ['https://a.test/', { HTTPS_PROXY: P }, `${P}/`],
  ['https://a.test/', { https_proxy: P }, `${P}/`],
  ['https://a.test/', { HTTPS_PROXY: P, https_proxy: 'http://lower' }, `${P}/`],
  ['https://a.test/', { HTTP_PROXY: P }, undefined],
  ['http://a.test/', { HTTP_PROXY: P }, `${P}/`],
  ['http://a.test/', { http_proxy: P }, `${P}/`],
  ['http://a.test/', { HTTPS_PROXY: P }, undefined],
  ['https://a.test/', { HTTPS_PROXY: 'proxy:3128' }, `${P}/`],
  ['https://a.test/', { HTTPS_PROXY: 'me:secret@proxy:3128' }, 'http://me:secret@proxy:3128/'],
  ['https://a.test/', { HTTPS_PROXY: 'https://proxy' }, 'https://proxy/'],
  ['https://a.test/', { HTTPS_PROXY: 'socks5://proxy:1080' }, 'socks5://proxy:1080'],
  ['https://a.test/', { HTTPS_PROXY: P, NO_PROXY: '' }, `${P}/`],
  ['https://localhost:5000/', { HTTPS_PROXY: P }, undefined],
  ['https://127.9.8.7/', { HTTPS_PROXY: P }, undefined],
  ['https://[::1]:5000/', { HTTPS_PROXY: P }, undefined],
])('for %s and %j the proxy is %s', (url, env, expected) => {
  expect(proxyFor(new URL(url), env)?.href).toBe(expected);
});

test.each([
  ['a.test', 'https://a.test/', true],
  ['a.test', 'https://b.a.test/', true],
  ['a.test', 'https://ba.test/', false],
  ['.a.test', 'https://b.a.test/', true],
  ['.a.test', 'https://a.test/', false],
  ['*.a.test', 'https://b.a.test/', true],
  ['*.a.test', 'https://a.test/', false],
  ['A.TEST', 'https://a.test/', true],
  [' x , a.test ', 'https://a.test/', true],
  ['a.test:443', 'https://a.test/', true],
  ['a.test:443', 'https://a.test:5000/', false],
  ['a.test:5000', 'https://a.test:5000/', true],
  ['*', 'https://a.test/', true],
  ['10.1.2.3', 'https://10.1.2.3/', true],
  ['10.1.2.3', 'https://110.1.2.3/', false],
  ['10.1.2.3:443', 'https://10.1.2.3:5000/', false],
  ['10.0.0.0/8', 'https://10.1.2.3:5000/', true],
  ['10.0.0.0/8', 'https://11.1.2.3/', false],
  ['10.0.0.0/8', 'https://a.test/', false],
  ['10.0.0.0/99', 'https://10.1.2.3/', false],
  ['fd00::/8', 'https://[fd12::1]/', true],
  ['fd00::/8', 'https://[fe80::1]/', false],
  ['fd12::1', 'https://[fd12::1]/', true],
  ['[fd12::1]:443', 'https://[fd12::1]/', true],
  ['[fd12::1]:443', 'https://[fd12::1]:5000/', false],
  [',,:443,', 'https://a.test/', false],
])('NO_PROXY=%s excepts %s: %s', (list, url, direct) => {
  for (const name of ['NO_PROXY', 'no_proxy']) {
    expect(proxyFor(new URL(url), { HTTPS_PROXY: P, [name]: list }) === undefined).toBe(direct);
  }
});

test.each([
  ['ftp://me:secret@proxy', 'its scheme is ftp'],
  ['http://', 'it is no web address'],
  ['http://me:secret@:x', 'it is no web address'],
])('the proxy %s is refused, and its password not shown', (proxy, why) => {
  const ask = () => proxyFor(new URL('https://a.test'), { HTTPS_PROXY: proxy });
  expect(ask).toThrow(
    expect.objectContaining({ kind: 'invalid', message: `Cannot use the proxy of $HTTPS_PROXY: ${why}` }),
  );
});
