import { expect, test } from 'vitest';
import { combineRemote, putCombined } from '#image/remote-index.ts';
import { startRegistry, type TestRegistry } from '#test/support/registry.ts';

/** Brings sources under a tag; told: what was said meanwhile. */
async function create(tag: string, ...sources: string[]): Promise<string[]> {
  const told: string[] = [];
  const words = { sources, tags: [tag], append: false };
  const combined = await combineRemote(words, { prefersIndex: false, platforms: [], annotations: [] });
  for (const one of combined.tags) await putCombined(combined, one, { told: (what) => told.push(what) });
  return told;
}

async function indexed(server: TestRegistry) {
  const image = await server.addImage('from/one:1');
  const index = server.addIndex('from/one:all', [image.manifest]);
  return { ...image, index };
}

const missing = (message: string) => expect.objectContaining({ kind: 'not-found', message });

test('a source that is not there is named', async () => {
  const { host } = await startRegistry();
  await expect(create(`${host}/to:1`, `${host}/none:1`)).rejects.toThrow(missing(`${host}/none:1: not found`));
});

test('a manifest that the source has lost is named, not the name that it was for', async () => {
  const server = await startRegistry();
  const { manifest } = await indexed(server);
  server.manifests.delete(`from/one@${manifest.digest}`);
  await expect(create(`${server.host}/to:1`, `${server.host}/from/one:all`)).rejects.toThrow(
    missing(`manifest for ${server.host}/from/one@${manifest.digest} not found: manifest unknown: manifest unknown`),
  );
});

test('a blob that the source has lost is named, not the name that it was for', async () => {
  const [from, to] = [await startRegistry(), await startRegistry()];
  const { layers } = await indexed(from);
  const lost = layers[0]?.digest ?? '';
  from.blobs.delete(lost);
  await expect(create(`${to.host}/to:1`, `${from.host}/from/one:all`)).rejects.toThrow(
    missing(`blob unknown: blob unknown to registry (${from.host}/from/one@${lost})`),
  );
});

test("a source's digest that leads elsewhere in the target is not asked for", async () => {
  const [from, to] = [await startRegistry(), await startRegistry()];
  const change = ({ layers, ...rest }: Record<string, unknown>) => ({
    ...rest,
    layers: [...(layers as object[]), { mediaType: 'x/y', digest: '../../../v2/other/manifests/1', size: 1 }],
  });
  const { manifest } = await from.addImage('one:1', { change });
  from.addIndex('one:all', [manifest]);
  await expect(create(`${to.host}/to:1`, `${from.host}/one:all`)).rejects.toMatchObject({
    kind: 'corrupt',
    message: expect.stringMatching(/its layer 1 has no valid digest$/),
  });
  expect(to.asked.filter(({ path }) => path !== '/v2/')).toEqual([]);
});

test('an index with an entry for no platform in particular is searched for one', async () => {
  const server = await startRegistry();
  const { manifest } = await server.addImage('a:one');
  server.addIndex('a:all', [{ ...manifest, platform: null }]);
  const words = { sources: [`${server.host}/a:all`], tags: [], append: false };
  const platforms = [{ os: 'linux', architecture: 'amd64' }];
  await expect(combineRemote(words, { prefersIndex: true, platforms, annotations: [] })).rejects.toMatchObject({
    message: 'none of the manifests match the provided platforms',
  });
});

test.each([
  ['{', /JSON/],
  ['{"digest":"sha256:abc"}', 'it has no digest'],
  [`{"digest":"sha256:${'a'.repeat(64)}","platform":"linux"}`, 'it has malformed platform'],
])('a descriptor that is none is told: %s', async (text, why) => {
  await expect(create('127.0.0.1:1/to:1', text)).rejects.toMatchObject({
    kind: 'invalid',
    message: typeof why === 'string' ? `failed to parse source ${text}: ${why}` : expect.stringMatching(why),
  });
});
