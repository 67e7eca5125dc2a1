import { describe, expect, test } from 'vitest';
import {
  asAttest,
  readAnnotation,
  readAttest,
  readCache,
  readContextName,
  readOutput,
  readPairs,
  readPlatforms,
  readSecret,
  readSsh,
} from '#build/options.ts';

describe('an output', () => {
  test.each([
    ['out', { type: 'local', dest: 'out', attributes: {} }],
    ['-', { type: 'tar', dest: '-', attributes: {} }],
    ['type=docker', { type: 'docker', attributes: {} }],
    ['type=local,dest=a=b', { type: 'local', dest: 'a=b', attributes: {} }],
    ['type=image,name=x,push=true', { type: 'image', attributes: { name: 'x', push: 'true' } }],
    ['type=image,"name=x,y"', { type: 'image', attributes: { name: 'x,y' } }],
  ])('%s', (text, output) => expect(readOutput(text)).toEqual(output));

  test('needs a type, and a value for each key', () => {
    expect(() => readOutput('dest=x,a=b')).toThrow('type is required for output');
    expect(() => readOutput('type=local,x')).toThrow('invalid value x');
  });
});

test('a cache is a reference, several of them, or fields', () => {
  expect(readCache('user/app:cache')).toEqual([{ type: 'registry', ref: 'user/app:cache' }]);
  expect(readCache('a,b')).toEqual([
    { type: 'registry', ref: 'a' },
    { type: 'registry', ref: 'b' },
  ]);
  expect(readCache('type=local,SRC=dir')).toEqual([{ type: 'local', src: 'dir' }]);
  expect(() => readCache('src=dir')).toThrow('type required for "src=dir"');
});

test('a secret comes from a file or from a variable', () => {
  expect(readSecret('id=a,src=f')).toEqual([{ id: 'a', file: 'f' }]);
  expect(readSecret('id=a,env=E')).toEqual([{ id: 'a', env: 'E' }]);
  expect(readSecret('type=env,id=a,src=E')).toEqual([{ id: 'a', env: 'E' }]);
  expect(readSecret('id=a')).toEqual([{ id: 'a' }]);
  expect(readSecret('')).toEqual([]);
  expect(() => readSecret('id=a,type=x')).toThrow('unsupported secret type "x"');
  expect(() => readSecret('id=a,foo=x')).toThrow("unexpected key 'foo' in 'foo=x'");
  expect(() => readSecret('id')).toThrow("invalid field 'id' must be a key=value pair");
});

test('an agent has its own socket or keys, or the one of the environment', () => {
  expect(readSsh('default')).toEqual({ id: 'default', paths: [] });
  expect(readSsh('x=a,b')).toEqual({ id: 'x', paths: ['a', 'b'] });
});

test('attestations have a type, attributes, and can be switched off', () => {
  expect(readAttest('type=provenance,mode=max')).toEqual({ type: 'provenance', attributes: { mode: 'max' } });
  expect(asAttest('provenance', 'false')).toEqual({ type: 'provenance', attributes: undefined });
  expect(asAttest('sbom', 'true')).toEqual({ type: 'sbom', attributes: {} });
  expect(asAttest('provenance', 'mode=min')).toEqual({ type: 'provenance', attributes: { mode: 'min' } });
  expect(() => readAttest('mode=max')).toThrow('attestation type not specified');
});

test('a named context has the name of an image', () => {
  expect(readContextName('base=docker-image://x')).toEqual(['base', 'docker-image://x']);
  expect(readContextName('docker.io/library/alpine:latest=.')).toEqual(['alpine', '.']);
  expect(() => readContextName('x')).toThrow('invalid context value: x, expected key=value');
  expect(() => readContextName('A B=x')).toThrow('invalid context name A B');
});

test('an annotation may be for several places', () => {
  expect(readAnnotation('a=b')).toEqual([{ scope: 'manifest', key: 'a', value: 'b' }]);
  expect(readAnnotation('index,manifest[linux/amd64]:a=b')).toEqual([
    { scope: 'index', key: 'a', value: 'b' },
    { scope: 'manifest', key: 'a', value: 'b', platform: 'linux/amd64' },
  ]);
  expect(() => readAnnotation('a')).toThrow('invalid annotation "a", expected key=value');
  expect(() => readAnnotation('foo:a=b')).toThrow('unknown annotation type "foo"');
});

test('build arguments without a value are those of the environment', () => {
  expect(readPairs(['A=1', 'B', 'C'], { B: 'two' })).toEqual({ A: '1', B: 'two' });
  expect(readPairs(['A'])).toEqual({ A: '' });
  expect(() => readPairs(['=x'])).toThrow('invalid key-value pair "=x": empty key');
});

test('platforms stand in one value or in several, each once', () => {
  expect(readPlatforms(['linux/amd64,linux/arm64', 'linux/arm64/v8'])).toEqual([
    { os: 'linux', architecture: 'amd64' },
    { os: 'linux', architecture: 'arm64' },
  ]);
  expect(readPlatforms(['local'])).toHaveLength(1);
});
