import { describe, expect, test } from 'vitest';
import { readConfig, readDocument } from '#image/remote-document.ts';
import { MEDIA } from '#oci/manifest.ts';
import { parseReference } from '#oci/reference.ts';
import { openRegistry } from '#oci/registry.ts';
import { sha256, startRegistry } from '#test/support/registry.ts';

const DIGEST = `sha256:${'a'.repeat(64)}`;
const config = { mediaType: 'application/vnd.cncf.helm.config.v1+json', digest: DIGEST, size: 10 };
const layer = { mediaType: 'application/vnd.cncf.helm.chart.content.v1.tar+gzip', digest: DIGEST, size: 2 ** 30 };
const chart = { schemaVersion: 2, config, layers: [layer] };
const list = (...manifests: unknown[]) => ({ schemaVersion: 2, manifests });
const of = (value: unknown) => Buffer.from(typeof value === 'string' ? value : JSON.stringify(value));
const read = (value: unknown, mediaType: string = MEDIA.manifest) =>
  readDocument({ bytes: of(value), mediaType, digest: DIGEST }, parseReference('host:1/a:1'));

test('what is no image has a manifest as well', () => {
  expect(read(chart)).toEqual(chart);
  expect(read(list({ ...config, platform: null, annotations: null }))).toEqual(list(config));
});

test.each([
  ['a page for people', '<html>', 'it is not valid JSON'],
  ['nothing', 'null', 'it is not a JSON object'],
  ['neither', { schemaVersion: 2 }, 'it has no list of layers'],
  ['both', { ...chart, ...list(config) }, 'it is a manifest and an index at once'],
  ['a layer of nothing', { ...chart, layers: [null] }, 'its layer 0 is not a descriptor'],
  ['a way out', { ...chart, layers: [layer, { ...layer, digest: '../../x' }] }, 'its layer 1 has no valid digest'],
  ['half a digest', list({ ...config, digest: 'sha256:abc' }), 'its entry 0 has no valid digest'],
  ['less than nothing', { ...chart, config: { ...config, size: -1 } }, 'its config has no valid size'],
  [
    'a large configuration',
    { ...chart, config: { ...config, size: 2 ** 23 } },
    'its config has 8388608 bytes, at most 4194304 can be',
  ],
  ['a type that is none', { ...chart, mediaType: { a: 1 } }, 'it has malformed mediaType'],
  ['annotations that are none', { ...list(config), annotations: ['a'] }, 'it has malformed annotations'],
])('a registry that answers with %s is not believed', (_, value, why) => {
  expect(() => read(value)).toThrow(
    expect.objectContaining({ kind: 'corrupt', message: expect.stringMatching(/^Cannot \w+ the manifest of "host:1/) }),
  );
  expect(() => read(value)).toThrow(why);
});

describe('a configuration', () => {
  const answered = async (value: unknown) => {
    const server = await startRegistry();
    const bytes = of(value);
    server.blobs.set(sha256(bytes), bytes);
    const registry = await openRegistry(server.host);
    const descriptor = { mediaType: MEDIA.config, digest: sha256(bytes), size: bytes.length };
    return readConfig(registry, parseReference(`${server.host}/a:1`), descriptor).finally(() => registry.close());
  };

  test('of nothing says nothing', async () => {
    expect(await answered('')).toEqual({});
    expect(await answered({ os: 'linux', config: { Env: null } })).toEqual({ os: 'linux', config: { Env: null } });
  });

  test.each([
    ['<html>', 'it is not valid JSON'],
    ['[]', 'it is not a JSON object'],
    [{ os: {} }, 'its os is malformed'],
    [{ config: { Env: 'A=b' } }, 'its config.Env is malformed'],
  ])('of %j is not believed', async (value, why) => {
    await expect(answered(value)).rejects.toMatchObject({ kind: 'corrupt', message: expect.stringContaining(why) });
  });
});
