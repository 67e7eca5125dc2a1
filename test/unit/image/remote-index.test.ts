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
