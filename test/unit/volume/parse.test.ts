import { expect, test } from 'vitest';
import { parseBind, parseTmpfsFlag, parseVolumeFlag } from '#volume/parse.ts';

const absolute = (path: string) => `/here/${path}`;

test.each([
  ['/data', { anonymous: '/data' }],
  ['data:/data', { bind: 'data:/data' }],
  ['/host:/data:ro', { bind: '/host:/data:ro' }],
  ['C:/data', { anonymous: 'C:/data' }],
  ['a:b:c:d', { bind: 'a:b:c:d' }],
  ['./here:/data', { bind: '/here/./here:/data' }],
])('-v %s is read', (text, expected) => {
  expect(parseVolumeFlag(text, absolute)).toEqual(expected);
});

test.each([
  ['', 'invalid empty volume spec'],
  ['ab:cd:ef:gh', 'invalid spec: ab:cd:ef:gh: too many colons'],
  ['a::c', 'invalid spec: a::c: empty section between colons'],
])('-v %j is refused as Docker refuses it', (text, message) => {
  expect(() => parseVolumeFlag(text, absolute)).toThrow(expect.objectContaining({ kind: 'invalid', message }));
});

test('a bind has a source, a target and modes', () => {
  expect(parseBind('/host:/data:ro,rslave,z')).toMatchObject({
    source: '/host',
    target: '/data',
    readOnly: true,
    propagation: 'rslave',
    noCopy: false,
  });
});

test.each(['ro,rw', 'nonsense', 'shared,private', 'ro,'])('the mode %j is refused', (mode) => {
  expect(() => parseBind(`/a:/b:${mode}`)).toThrow(expect.objectContaining({ message: `invalid mode: ${mode}` }));
});

test.each([
  ['/run', { path: '/run', options: '' }],
  ['/run:size=1m,mode=700', { path: '/run', options: 'size=1m,mode=700' }],
])('--tmpfs %s is read', (text, expected) => {
  expect(parseTmpfsFlag(text)).toEqual(expected);
});

test('a bind of more than three parts is refused', () => {
  expect(() => parseBind('a:b:c:d')).toThrow("invalid volume specification: 'a:b:c:d'");
});
