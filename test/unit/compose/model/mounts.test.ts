// biome-ignore-all lint/suspicious/noTemplateCurlyInString: the variables are those of compose files
import { expect, test } from 'vitest';
import { cleanPath, parseMount } from '#compose/model/mounts.ts';
import type { TreeMap } from '#compose/model/tree.ts';

const bind = (source: string, target: string, more: TreeMap = {}) => ({
  type: 'bind',
  source,
  target,
  bind: { create_host_path: true },
  ...more,
});
const volume = (source: string, target: string, more: TreeMap = {}) => ({
  type: 'volume',
  source,
  target,
  volume: {},
  ...more,
});

test.each<[string, TreeMap]>([
  ['/data', { type: 'volume', target: '/data', volume: {} }],
  ['/a', { type: 'volume', target: '/a' }],
  ['db:/var/lib/db', volume('db', '/var/lib/db')],
  ['db:/var/lib/db/', volume('db', '/var/lib/db')],
  ['db:/v:ro', volume('db', '/v', { read_only: true })],
  ['db:/v:ro,rw', volume('db', '/v')],
  ['db:/v:nocopy', volume('db', '/v', { volume: { nocopy: true } })],
  ['./src:/app', bind('./src', '/app')],
  ['~/x:/app', bind('~/x', '/app')],
  ['/x:/app:ro,z', bind('/x', '/app', { read_only: true, bind: { selinux: 'z', create_host_path: true } })],
  ['/x:/app:rslave', bind('/x', '/app', { bind: { propagation: 'rslave', create_host_path: true } })],
  ['/x:/app:odd', bind('/x', '/app')],
  ['C:\\x:/app', bind('C:\\x', '/app')],
  ['${A:-./x}:/app', volume('${A:-./x}', '/app')],
])('a volume %s in long form', (text, long) => {
  expect(parseMount(text)).toEqual(long);
});

test.each([
  ['', 'invalid empty volume spec'],
  ['ab::b', 'invalid spec: ab::b: empty section between colons'],
  ['ab:bc:ro:d', 'invalid spec: ab:bc:ro:d: too many colons'],
])('a volume %j is refused', (text, words) => {
  expect(() => parseMount(text)).toThrow(words);
});

test('a path is cleaned as Go does', () => {
  expect(['/a/../b/', '/', './a//b', ''].map(cleanPath)).toEqual(['/b', '/', 'a/b', '.']);
});
