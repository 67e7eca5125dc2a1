import { expect, test } from 'vitest';
import { withoutCredentials } from '#base/web-address.ts';

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
