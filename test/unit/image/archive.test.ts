import { createReadStream, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync, zstdCompressSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { loadArchive } from '#image/archive.ts';
import { readCatalog } from '#image/catalog.ts';
import { needImage } from '#image/names.ts';
import { layerPath } from '#store/layers.ts';
import { type Entry, tar, writeArchive } from '#test/support/image.ts';
import { sha256 } from '#test/support/registry.ts';
import { temporaryDirectory, temporaryStore, unprivileged } from '#test/support/store.ts';

const source = (reference: string) => ({
  reference,
  layers: [[{ name: 'hello', content: 'hi' }]],
  config: { Cmd: ['sh'] },
});

async function archive(images = [source('localhost/box:1')]): Promise<string> {
  const path = join(temporaryDirectory(), 'image.tar');
  await writeArchive(path, images);
  return path;
}

/** docker save's format of before version 25, as skopeo still writes it: a layer may be a link to another's. */
async function dockerArchive(
  change: (files: Record<string, string | Buffer>) => void = () => undefined,
): Promise<string> {
  const layer = await tar([{ name: 'hello', content: 'hi' }]);
  const config = JSON.stringify({
    os: 'linux',
    architecture: 'amd64',
    rootfs: { type: 'layers', diff_ids: [sha256(layer)] },
  });
  const files: Record<string, string | Buffer> = {
    'abc.json': config,
    'real.tar': layer,
    'manifest.json': JSON.stringify([
      { Config: 'abc.json', RepoTags: ['box:2', 'host/box:3'], Layers: ['id/layer.tar'] },
    ]),
  };
  change(files);
  const entries: Entry[] = Object.entries(files).map(([name, content]) => ({ name, content }));
  const path = join(temporaryDirectory(), 'docker.tar');
  writeFileSync(path, await tar([{ name: 'id/layer.tar', type: 'symlink', linkname: '../real.tar' }, ...entries]));
  return path;
}

describe.skipIf(unprivileged)('as root, for unpacking changes owners', () => {
  test('an OCI archive is loaded, and loaded again without harm', async () => {
    const store = temporaryStore();
    const path = await archive();
    expect(await loadArchive(store, path)).toEqual(['localhost/box:1']);
    expect(await loadArchive(store, path)).toEqual(['localhost/box:1']);
    const image = needImage(store, 'localhost/box:1');
    expect(image).toMatchObject({ size: 2, references: ['localhost/box:1'], config: { config: { Cmd: ['sh'] } } });
    expect(readFileSync(join(layerPath(store, image.diffIds[0] ?? ''), 'hello'), 'utf8')).toBe('hi');
    expect(readdirSync(store.path('tmp'))).toEqual([]);
  });

  test("an archive of docker's own format is loaded, with all its names", async () => {
    const store = temporaryStore();
    expect(await loadArchive(store, await dockerArchive())).toEqual(['box:2', 'host/box:3']);
    expect(needImage(store, 'box:2').references).toEqual(['docker.io/host/box:3', 'docker.io/library/box:2']);
  });

  test.each([
    ['gzip', gzipSync],
    ['zstd', zstdCompressSync],
  ])('an archive that is compressed by %s is loaded, also from a stream', async (_, compress) => {
    const store = temporaryStore();
    const path = await archive();
    writeFileSync(path, compress(readFileSync(path)));
    expect(await loadArchive(store, createReadStream(path))).toEqual(['localhost/box:1']);
  });

  test('several images are loaded from one archive', async () => {
    const path = await archive([source('a:1'), { ...source('b:1'), config: { Cmd: ['other'] } }]);
    expect(await loadArchive(temporaryStore(), path)).toEqual(['a:1', 'b:1']);
  });

  test('an image without a name is loaded by its ID', async () => {
    const store = temporaryStore();
    const [id = ''] = await loadArchive(store, await archive([source('latest')]));
    expect(id).toMatch(/^sha256:[0-9a-f]{64}$/);
    expect(needImage(store, id).references).toEqual([]);
  });

  test('a name moves from another image, and that is said', async () => {
    const store = temporaryStore();
    await loadArchive(store, await archive());
    const before = needImage(store, 'localhost/box:1').id;
    const texts: string[] = [];
    await loadArchive(store, await archive([{ ...source('localhost/box:1'), config: { Cmd: ['new'] } }]), {
      progress: (event) => event.kind === 'message' && texts.push(event.text),
    });
    expect(texts).toEqual([
      `The image localhost/box:1 already exists, renaming the old one with ID ${before} to empty string`,
    ]);
    expect(needImage(store, before).references).toEqual([]);
  });

  test('a layer with another diff ID is refused, and nothing stays', async () => {
    const store = temporaryStore();
    const path = await dockerArchive((files) => {
      files['real.tar'] = Buffer.alloc(1024);
    });
    await expect(loadArchive(store, path)).rejects.toThrow(/Cannot unpack the layer sha256:/);
    expect(readCatalog(store)).toEqual([]);
    for (const folder of ['blobs/sha256', 'layers', 'tmp']) expect(readdirSync(store.path(folder))).toEqual([]);
  });
});

describe('what is no image archive is refused, and nothing stays', () => {
  test.each<[string, () => Promise<Buffer>, RegExp]>([
    ['text', async () => Buffer.from('hello'), /^Cannot load ".*": /],
    ['nothing', async () => Buffer.alloc(0), /it is not an image archive/],
    ['another archive', () => tar([{ name: 'x', content: 'y' }]), /it is not an image archive/],
    ['half of one', async () => readFileSync(await archive()).subarray(0, 3000), /^Cannot load ".*": /],
    ['damaged gzip', async () => gzipSync(readFileSync(await archive())).fill(7, 40, 80), /^Cannot load ".*": /],
    [
      'an index without its blobs',
      () =>
        tar([
          {
            name: 'index.json',
            content: JSON.stringify({
              schemaVersion: 2,
              manifests: [
                { mediaType: 'application/vnd.oci.image.manifest.v1+json', digest: sha256(Buffer.alloc(0)), size: 0 },
              ],
            }),
          },
        ]),
      /the blob sha256:.* is missing/,
    ],
    [
      'a manifest.json of no use',
      () => tar([{ name: 'manifest.json', content: '[{"Config":1}]' }]),
      /its manifest.json is malformed/,
    ],
    [
      'a manifest.json without its layer',
      async () => readFileSync(await dockerArchive((files) => delete files['real.tar'])),
      /the layer "id\/layer.tar" is missing/,
    ],
    [
      'links in a circle',
      async () =>
        tar([
          { name: 'manifest.json', type: 'symlink', linkname: 'a' },
          { name: 'a', type: 'symlink', linkname: 'manifest.json' },
        ]),
      /it is not an image archive/,
    ],
    [
      'a blob with another content',
      async () =>
        Buffer.from(
          readFileSync(await archive())
            .toString('latin1')
            .replace('"Cmd":["sh"]', '"Cmd":["xx"]'),
          'latin1',
        ),
      /has another content/,
    ],
  ])('%s', async (_, content, message) => {
    const store = temporaryStore();
    const path = join(temporaryDirectory(), 'x.tar');
    writeFileSync(path, await content());
    await expect(loadArchive(store, path)).rejects.toThrow(message);
    expect(readCatalog(store)).toEqual([]);
    expect(readdirSync(store.path('tmp'))).toEqual([]);
  });

  test.each([
    ['/does/not/exist', 'open /does/not/exist: no such file or directory'],
    ['/', 'read /: is a directory'],
  ])('%s', async (path, message) => {
    await expect(loadArchive(temporaryStore(), path)).rejects.toThrow(
      expect.objectContaining({ kind: 'invalid', message }),
    );
  });
});
