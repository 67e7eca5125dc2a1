import { expect, test } from 'vitest';
import { parseWebAddress, withoutCredentials } from '#base/web-address.ts';

test.each([
  ['https://u:pw@host/f', 'https://xxxxx:xxxxx@host/f'],
  ['https://u:pw@host:8443/a.git?x=1#main:web', 'https://xxxxx:xxxxx@host:8443/a.git?x=1#main:web'],
  ['https://ghp_tok@host/f', 'https://xxxxx@host/f'],
  ['https://:pw@host/f', 'https://:xxxxx@host/f'],
  ['https://u:p@q@host/f', 'https://xxxxx:xxxxx@host/f'],
  ['https://u:p%40q%2F@host/f', 'https://xxxxx:xxxxx@host/f'],
  ['https:///u:pw@host/f', 'https://xxxxx:xxxxx@host/f'],
  ['HTTP://u:pw@host/f', 'http://xxxxx:xxxxx@host/f'],
  ['git://u:pw@host/f', 'git://xxxxx:xxxxx@host/f'],
  ['ssh://git:pw@host/f', 'ssh://git:xxxxx@host/f'],
  ['https://u:p/w@host/f', 'https://xxxxx@host/f'],
  ['https://u:pw@host:99999/f', 'https://xxxxx@host:99999/f'],
])('%s is shown as %s', (address, shown) => {
  expect(withoutCredentials(address)).toBe(shown);
});

test.each([
  'https://host',
  'https://host/a@b:c@d',
  'https://HOST:443/?q=u:pw@h',
  'ssh://git@host:22/a/b',
  'git@host:a/b',
  '/srv/u:pw@host',
  '',
])('%s has none, and stays as it is', (address) => {
  expect(withoutCredentials(address)).toBe(address);
});

test.each([
  ['https://[bad/x', `parse "https://[bad/x": missing ']' in host`],
  ['http://exa mple/x', 'parse "http://exa mple/x": invalid character " " in host name'],
  ['https://host:abc/x', 'parse "https://host:abc/x": invalid port ":abc" after host'],
  ['https://[::1]x/x', 'parse "https://[::1]x/x": invalid port ":x" after host'],
  ['https://u:pw@ho%zz/x', 'parse "https://xxxxx@ho%zz/x": invalid URL escape "%zz"'],
  ['https://host:99999/x', 'Get "https://host:99999/x": dial tcp: address 99999: invalid port'],
  ['https:///x', 'Get "https:///x": http: no Host in request URL'],
  ['https://1.2.3.400/x', 'Get "https://1.2.3.400/x": dial tcp: lookup 1.2.3.400: no such host'],
])('%s is refused in the words of Docker', (address, message) => {
  expect(() => parseWebAddress(address)).toThrow(expect.objectContaining({ kind: 'invalid', message }));
});

test('an address is read as it stands', () => {
  expect(parseWebAddress('https://u:pw@host:8443/x?y').href).toBe('https://u:pw@host:8443/x?y');
});
