import { readdirSync, rmSync, truncateSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { readCatalog } from '#image/catalog.ts';
import { findEntry, tagImage } from '#image/names.ts';
import { saveImages, saveToFile } from '#image/save.ts';
import { blobPath, readBlob } from '#store/blobs.ts';
import type { Store } from '#store/store.ts';
import { tarReader } from '#store/tar.ts';
import { putImage } from '#test/support/image-store.ts';
import { sha256 } from '#test/support/registry.ts';
import { temporaryDirectory, temporaryStore } from '#test/support/store.ts';

const LAYERS = ['a', 'b'].map((digit) => `sha256:${digit.repeat(64)}`);

async function saved(store: Store, names: string[], options = {}): Promise<Buffer> {
  const pieces: Buffer[] = [];
  await saveImages(store, names, (piece) => void pieces.push(Buffer.from(piece)), options);
  return Buffer.concat(pieces);
}

/** By name; directories have no content. */
function filesOf(archive: Buffer): Map<string, Buffer> {
  const files = new Map<string, Buffer>();
  const tar = tarReader((entry, content, next) => {
    const chunks: Buffer[] = [];
    files.set(entry.name, Buffer.alloc(0));
    if (entry.size === 0) return next();
    content.onData((chunk) => void chunks.push(Buffer.from(chunk)));
    content.onEnd(() => {
      files.set(entry.name, Buffer.concat(chunks));
      next();
    });
  });
  void tar.write(archive);
  tar.end();
  return files;
}

const json = (files: Map<string, Buffer>, name: string) => JSON.parse(String(files.get(name)));

/** A store with three names of two images that share a layer. */
async function stocked(): Promise<{ store: Store; one: string; two: string }> {
  const store = temporaryStore();
  const { id: one } = await putImage(store, 'box:1', { diffIds: LAYERS.slice(0, 1) });
  const { id: two } = await putImage(store, 'host:5000/team/app:v2', { diffIds: LAYERS });
  await tagImage(store, 'box:1', 'box:2');
  return { store, one, two };
}

describe('saveImages()', () => {
  test('has the blobs of the store, each once, in the order of their names', async () => {
    const { store } = await stocked();
    const files = filesOf(await saved(store, ['box:1', 'host:5000/team/app:v2']));
    const blobs = [...files].filter(([name]) => /^blobs\/sha256\/./.test(name));
    expect(blobs.length).toBe(6);
    for (const [name, bytes] of blobs) {
      expect(name).toBe(`blobs/${sha256(bytes).replace(':', '/')}`);
      expect(bytes).toEqual(readBlob(store, sha256(bytes)));
    }
    expect([...files.keys()]).toEqual([...files.keys()].sort());
  });

  test('is a docker archive with all names, and an OCI layout with an entry for each', async () => {
    const { store, one, two } = await stocked();
    const files = filesOf(await saved(store, ['host:5000/team/app:v2', 'box:2', 'box:1', 'box:2']));
    const file = (digest: string) => `blobs/${digest.replace(':', '/')}`;
    expect(json(files, 'manifest.json')).toMatchObject([
      { Config: file(two), RepoTags: ['host:5000/team/app:v2'] },
      { Config: file(one), RepoTags: ['box:2', 'box:1'] },
    ]);
    const names = json(files, 'index.json').manifests.map((entry: { annotations: object }) => entry.annotations);
    expect(names).toEqual([
      { 'io.containerd.image.name': 'host:5000/team/app:v2', 'org.opencontainers.image.ref.name': 'v2' },
      { 'io.containerd.image.name': 'docker.io/library/box:2', 'org.opencontainers.image.ref.name': '2' },
      { 'io.containerd.image.name': 'docker.io/library/box:1', 'org.opencontainers.image.ref.name': '1' },
    ]);
    expect(Object.keys(json(files, 'repositories'))).toEqual(['box', 'host:5000/team/app']);
    expect(json(files, 'oci-layout')).toEqual({ imageLayoutVersion: '1.0.0' });
  });

  test('takes all tags of a name without one', async () => {
    const { store } = await stocked();
    const files = filesOf(await saved(store, ['box']));
    expect(json(files, 'manifest.json')[0].RepoTags).toEqual(['box:1', 'box:2']);
  });

  test.each(['whole', 'short', 'prefixed'])('saves an image without names by its ID (%s)', async (kind) => {
    const { store, one } = await stocked();
    const text = { whole: one, short: one.slice(7, 19), prefixed: one.slice(0, 19) }[kind] ?? '';
    const files = filesOf(await saved(store, [text]));
    expect(json(files, 'manifest.json')[0].RepoTags).toBeNull();
    expect(json(files, 'index.json').manifests[0]).not.toHaveProperty('annotations');
    expect(files.has('repositories')).toBe(false);
  });

  test('is the same archive each time', async () => {
    const { store } = await stocked();
    expect(await saved(store, ['box', 'host:5000/team/app'])).toEqual(
      await saved(store, ['box', 'host:5000/team/app']),
    );
  });

  test.each([
    ['none', 'No such image: none'],
    ['box:none', 'reference does not exist'],
    [`sha256:${'0'.repeat(64)}`, `No such image: sha256:${'0'.repeat(64)}`],
    ['Box', 'invalid reference format: repository name (library/Box) must be lowercase'],
  ])('refuses %s before anything is written', async (name, message) => {
    const { store } = await stocked();
    await expect(saved(store, ['box:1', name])).rejects.toThrow(message);
  });

  test('refuses an image for another platform, and a platform that is none', async () => {
    const { store } = await stocked();
    const platform = 'linux/s390x';
    await expect(saved(store, ['box'], { platform })).rejects.toThrow(`no suitable export target found for platform`);
    await expect(saved(store, ['box'], { platform: 'x' })).rejects.toThrow('invalid platform: "x": unknown');
    expect((await saved(store, ['box'], { platform: 'linux/amd64' })).length).toBeGreaterThan(0);
  });

  test.each<[string, (path: string) => void, RegExp]>([
    ['gone', (path) => rmSync(path), /it is not in the store/],
    ['cut off', (path) => truncateSync(path, 3), /it has 3 bytes, not 71/],
  ])('says which blob is %s before anything is written', async (_, harm, message) => {
    const { store } = await stocked();
    const { layers } = JSON.parse(
      String(readBlob(store, findEntry(readCatalog(store), 'box:1')?.manifest.digest ?? '')),
    );
    harm(blobPath(store, layers[0].digest));
    await expect(saved(store, ['box:1'])).rejects.toThrow(message);
  });

  test('stops where it is told to', async () => {
    const { store } = await stocked();
    const reason = new Error('enough');
    await expect(saved(store, ['box'], { abort: AbortSignal.abort(reason) })).rejects.toThrow(reason);
  });
});

describe('saveToFile()', () => {
  test('leaves no file, and no half of one, where it fails', async () => {
    const { store } = await stocked();
    const directory = temporaryDirectory();
    await expect(saveToFile(store, ['none'], join(directory, 'x.tar'))).rejects.toThrow('No such image: none');
    const abort = AbortSignal.abort(new Error('enough'));
    await expect(saveToFile(store, ['box'], join(directory, 'x.tar'), { abort })).rejects.toThrow('enough');
    expect(readdirSync(directory)).toEqual([]);
  });

  test('says why it cannot write, in the words of docker save', async () => {
    const { store } = await stocked();
    const directory = temporaryDirectory();
    await expect(saveToFile(store, ['box'], directory)).rejects.toThrow(
      'failed to save image: cannot write to a directory',
    );
    await expect(saveToFile(store, ['box'], join(directory, 'no/x.tar'))).rejects.toThrow(
      `failed to save image: invalid output path: stat ${join(directory, 'no')}: no such file or directory`,
    );
  });
});
