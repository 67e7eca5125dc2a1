import { expect, test } from 'vitest';
import { checkCaches } from '#build/cache-options.ts';
import { readCache } from '#build/options.ts';

const from = (text: string) => checkCaches({ cacheFrom: readCache(text), cacheTo: [] });
const to = (text: string) => checkCaches({ cacheFrom: [], cacheTo: readCache(text) });

test.each([
  'type=registry,ref=r.example/a:cache,mode=max,image-manifest=true,oci-mediatypes=true',
  'type=registry,ref=a,compression=zstd,compression-level=19,force-compression=true,ignore-error=true',
  'type=local,dest=out,mode=min,tag=x,compression=uncompressed',
  'type=inline',
  'type=inline,mode=max',
])('--cache-to %s is taken', (text) => {
  expect(to(text)).toEqual([]);
});

test.each(['r.example/a', 'type=registry,ref=a,registry.insecure=true', 'type=local,src=in,tag=x'])(
  '--cache-from %s is taken',
  (text) => {
    expect(from(text)).toEqual([]);
  },
);

test.each([
  ['type=gha', 'type=gha: that service is not supported'],
  ['type=s3,bucket=x', 'type=s3: that service is not supported'],
  ['type=azblob', 'type=azblob: that service is not supported'],
  ['type=foo', 'unknown cache exporter: "foo"'],
  ['type=local', 'local cache exporter requires dest'],
  ['type=registry', 'registry cache needs a ref'],
  ['type=registry,ref=UPPER', 'must be lowercase'],
  ['type=local,dest=x,mode=most', 'invalid value mode=most'],
  ['type=local,dest=x,compression=estargz', 'invalid value compression=estargz'],
  ['type=local,dest=x,compression-level=12', 'invalid value compression-level=12'],
  ['type=local,dest=x,ignore-error=maybe', 'invalid value ignore-error=maybe'],
  ['type=local,dest=x,image-manifest=true,oci-mediatypes=false', 'OCI media types are required'],
])('--cache-to %s is refused', (text, message) => {
  expect(() => to(text)).toThrow(message);
});

test.each([
  ['type=gha', 'type=gha: that service is not supported'],
  ['type=inline', 'unknown cache importer: "inline"'],
  ['type=local', 'local cache importer requires src'],
  ['type=local,src=x,digest=abc', 'invalid value digest=abc'],
])('--cache-from %s is refused', (text, message) => {
  expect(() => from(text)).toThrow(message);
});

test('a key that means nothing is named', () => {
  expect(to('type=local,dest=x,push=true')).toEqual(['--cache-to type=local knows no "push": it has no effect']);
});
