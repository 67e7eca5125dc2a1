import { expect, test } from 'vitest';
import { readOutput } from '#build/options.ts';
import { imageForm } from '#build/output-options.ts';

const form = (...texts: string[]) => imageForm(texts.map(readOutput));

test.each([
  ['type=image', undefined],
  ['type=image,compression=zstd', { kind: 'zstd', forced: false }],
  ['type=oci,dest=x,compression=uncompressed,force-compression=true', { kind: 'uncompressed', forced: true }],
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
  [['type=image,push=perhaps'], 'non-bool value specified for push'],
  [['type=image,oci-mediatypes=false'], "Cannot write Docker's media types"],
  [['type=image,registry.insecure=true'], 'Cannot push to an insecure registry'],
  [['type=image,dangling-name-prefix=x'], 'dangling-name-prefix is currently not implemented'],
  [['type=oci,dest=x,compression=zstd', 'type=image,compression=gzip'], 'in several ways'],
])('%j is refused', (texts, message) => {
  expect(() => form(...texts)).toThrow(message);
});
