import { expect, test } from 'vitest';
import { readOutput } from '#build/options.ts';
import { imageForm } from '#build/output-options.ts';

const form = (...texts: string[]) => imageForm(texts.map(readOutput));

test.each([
  ['type=image', undefined],
  ['type=image,compression=zstd', { kind: 'zstd', forced: false }],
  ['type=oci,dest=x,compression=uncompressed,force-compression=true', { kind: 'uncompressed', forced: true }],
  ['type=image,force-compression=true', { kind: 'gzip', forced: true }],
  ['type=oci,dest=x,force-compression=', { kind: 'gzip', forced: true }],
  ['type=docker,compression-level=9', { kind: 'gzip', forced: false, level: 9 }],
  ['type=local,dest=x,compression=foo', undefined],
])('%s: layers are compressed as it says', (text, packing) => {
  expect(form(text).packing).toEqual(packing);
});

test('annotations of an output are those of the build, each with its scope', () => {
  expect(
    form('type=image,annotation.a=b,annotation-index.c=d,annotation-manifest[linux/arm64].e=f').annotations,
  ).toEqual([
    { scope: 'manifest', key: 'a', value: 'b' },
    { scope: 'index', key: 'c', value: 'd' },
    { scope: 'manifest', key: 'e', value: 'f', platform: 'linux/arm64' },
  ]);
});

test.each([
  [['type=image,compression=foo'], 'unsupported compression type foo'],
  [['type=image,compression=estargz'], 'Cannot make eStargz layers'],
  [['type=image,compression=gzip,compression-level=22'], 'non-int value 22 specified for compression-level'],
  [
    ['type=image,push=perhaps'],
    'non-bool value specified for push: strconv.ParseBool: parsing "perhaps": invalid syntax',
  ],
  [['type=image,store=x'], 'non-bool value specified for store'],
  [['type=oci,dest=x,tar=x'], 'non-bool value specified for tar'],
  [['type=image,rewrite-timestamp='], 'non-bool value specified for rewrite-timestamp'],
  [['type=oci,dest=x,rewrite-timestamp=true', 'type=image,rewrite-timestamp=false'], 'for one output and not'],
  [['type=image,oci-mediatypes=false'], "Cannot write Docker's media types"],
  [['type=image,registry.insecure=true'], 'Cannot push to an insecure registry'],
  [['type=image,dangling-name-prefix=x'], 'dangling-name-prefix is currently not implemented'],
  [['type=oci,dest=x,compression=zstd', 'type=image,compression=gzip'], 'in several ways'],
])('%j is refused', (texts, message) => {
  expect(() => form(...texts)).toThrow(message);
});

test.each([
  ['type=image', undefined],
  ['type=oci,dest=x,rewrite-timestamp=true', undefined],
  ['type=oci,dest=x,rewrite-timestamp=false', true],
])('%s: files keep their times as it says', (text, keeps) => {
  expect(form(text).keepsTimes).toBe(keeps);
});

test('a switch of the exporter of images means nothing to an archive', () => {
  expect(form('type=oci,dest=x,push=perhaps')).toEqual({ annotations: [] });
});
