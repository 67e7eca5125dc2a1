import { describe, expect, test } from 'vitest';
import { BUILD_FLAGS } from '#cli/build/flags.ts';
import { type BuildValues, namedContexts, wantedOf } from '#cli/build/request.ts';
import { parseFlags } from '#cli/parse.ts';

const wanted = (...words: string[]) =>
  wantedOf(parseFlags(words, BUILD_FLAGS, { interspersed: true }).values as unknown as BuildValues);
const image = { type: 'image', names: [], push: false };

describe('what becomes of the result', () => {
  test.each([
    [[], [image]],
    [['-t', 'a', '-t', 'b'], [{ ...image, names: ['a', 'b'] }]],
    [['-t', 'a', '--load'], [{ ...image, names: ['a'] }]],
    [['-t', 'a', '--push'], [{ ...image, names: ['a'], push: true }]],
    [
      ['-t', 'a', '--load', '--push'],
      [
        { ...image, names: ['a'], push: true },
        { ...image, names: ['a'] },
      ],
    ],
    [['-o', 'type=image,name=x,push=true'], [{ ...image, names: ['x'], push: true }]],
    [['-o', 'type=image,name=x,push='], [{ ...image, names: ['x'], push: true }]],
    [
      ['-o', 'type=image,name=x,push-by-digest=true,push=true'],
      [{ ...image, names: ['x'], push: true, byDigest: true }],
    ],
    [['-o', 'type=image,name=x,name-canonical=true'], [{ ...image, names: ['x'], canonical: true }]],
    // Nothing is named here.
    [['-o', 'type=image,name=x,name-canonical=,store=false'], [{ ...image, names: ['x'], stored: false }]],
    [
      ['-o', 'type=oci,dest=x.tar,attestation-inline=true'],
      [{ type: 'oci', dest: 'x.tar', names: [], tar: true, inline: true }],
    ],
    [['-o', 'out'], [{ type: 'local', dest: 'out' }]],
    [['-o', '-'], [{ type: 'tar', dest: '-' }]],
    [['-o', 'type=oci,dest=x.tar', '-t', 'a'], [{ type: 'oci', dest: 'x.tar', names: ['a'], tar: true }]],
    [['-o', 'type=docker,dest=x.tar'], [{ type: 'docker', dest: 'x.tar', names: [], tar: true }]],
    [['-o', 'type=cacheonly'], [{ type: 'cacheonly' }]],
  ])('%j', (words, outputs) => {
    expect(wanted(...words).outputs).toEqual(outputs);
  });

  test.each([
    [['--push'], 'tag is needed when pushing to registry'],
    [['-o', 'type=local'], 'dest is required for local exporter'],
    [['-o', 'type=foo'], 'exporter "foo" could not be found'],
    [['--network', 'foo'], 'network mode "foo" not supported by buildkit'],
    [['--sbom', 'true'], 'Cannot make an SBOM'],
    [['--attest', 'type=foo'], 'unknown attestation type "foo"'],
    [['--provenance', 'mode=all'], 'invalid mode "all"'],
    [['--provenance', 'version=v3'], 'invalid provenance SLSA version: v3'],
    [['--timestamp', 'x'], 'invalid SOURCE_DATE_EPOCH: x'],
    [['--platform', 'a/b/c/d'], 'cannot parse platform specifier'],
  ])('%j is refused', (words, why) => {
    expect(() => wanted(...words)).toThrow(why);
  });
});

test('provenance is asked for, in a mode, or not', () => {
  expect(wanted().provenance).toBeUndefined();
  expect(wanted('--provenance=true').provenance).toMatchObject({ mode: 'max', version: 'v0.2' });
  expect(wanted('--provenance=mode=min,version=v1,builder-id=me').provenance).toEqual({
    mode: 'min',
    version: 'v1',
    builderId: 'me',
    inlineOnly: false,
    reproducible: false,
  });
  expect(wanted('--provenance=mode=min,inline-only=true').provenance).toMatchObject({ mode: 'min', inlineOnly: true });
  expect(wanted('--provenance=mode=min,inline-only=x').provenance).toMatchObject({ inlineOnly: false });
  expect(wanted('--attest', 'type=provenance,mode=max', '--provenance=false').provenance).toBeUndefined();
});

test('times are set by --timestamp or SOURCE_DATE_EPOCH', () => {
  expect(wanted('--timestamp', '5').epoch).toBe(5);
  expect(wanted('--build-arg', 'SOURCE_DATE_EPOCH=7').epoch).toBe(7);
});

test('the host’s network is an entitlement', () => {
  expect(wanted('--network', 'host')).toMatchObject({ network: 'host', allow: ['network.host'] });
});

test('a later secret of the same id replaces the earlier one', () => {
  expect(wanted('--secret', 'id=a,env=B', '--secret', 'id=a,env=C').secrets).toEqual([{ id: 'a', env: 'C' }]);
});

test('an inline cache can be asked for by a build argument', () => {
  expect(wanted('--build-arg', 'BUILDKIT_INLINE_CACHE=1').cacheTo).toEqual([{ type: 'inline' }]);
});

test('contexts have names', () => {
  expect(namedContexts(['a=.', 'b=docker-image://x'])).toEqual({ a: '.', b: 'docker-image://x' });
});
