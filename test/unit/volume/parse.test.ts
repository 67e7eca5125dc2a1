import { expect, test } from 'vitest';
import { parseBind, parseMountFlag, parseTmpfsFlag, parseVolumeFlag } from '#volume/parse.ts';

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

test.each([
  ['type=bind,src=/a,dst=/b,ro', { Type: 'bind', Source: '/a', Target: '/b', ReadOnly: true }],
  [
    'type=tmpfs,target=/t,tmpfs-size=1m,tmpfs-mode=1770',
    { Type: 'tmpfs', Target: '/t', TmpfsOptions: { SizeBytes: 1048576, Mode: 0o1770 } },
  ],
  [
    'source=data,destination=/d,volume-nocopy',
    { Type: 'volume', Source: 'data', Target: '/d', VolumeOptions: { NoCopy: true } },
  ],
  ['"type=bind","source=/a,b",target=/c', { Type: 'bind', Source: '/a,b', Target: '/c' }],
  [
    'type=bind,source=/a,target=/b,bind-propagation=rslave,readonly=false',
    { Type: 'bind', Source: '/a', Target: '/b', ReadOnly: false, BindOptions: { Propagation: 'rslave' } },
  ],
])('--mount %s is read', (text, expected) => {
  expect(parseMountFlag(text)).toEqual(expected);
});

test.each([
  ['type=bind', 'target is required'],
  ['type=bind,target=/b,size', "invalid field 'size' must be a key=value pair"],
  ['type=bind,target=/b,colour=red', "unexpected key 'colour' in 'colour=red'"],
  ['type=bind,target=/b,ro=maybe', 'invalid value for ro: maybe'],
  ['type=bind,target=/b,tmpfs-size=1m', "cannot mix 'tmpfs-*' options with mount type 'bind'"],
  ['type=tmpfs,target=/b,tmpfs-mode=9', 'invalid value for tmpfs-mode: 9'],
])('--mount %s is refused as Docker refuses it', (text, message) => {
  expect(() => parseMountFlag(text)).toThrow(expect.objectContaining({ kind: 'invalid', message }));
});

test('a bind of more than three parts is refused', () => {
  expect(() => parseBind('a:b:c:d')).toThrow("invalid volume specification: 'a:b:c:d'");
});
