import { spawnSync } from 'node:child_process';
import { createReadStream, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { gzipSync, zstdCompressSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { loadArchive } from '#image/archive.ts';
import { readCatalog } from '#image/catalog.ts';
import { needImage } from '#image/names.ts';
import { layerPath } from '#store/layers.ts';
import { type Entry, type ImageSource, tar, writeArchive, writeLayout } from '#test/support/image.ts';
import { sha256 } from '#test/support/registry.ts';
import { temporaryDirectory, temporaryStore, unprivileged } from '#test/support/store.ts';

const source = (reference: string) => ({
  reference,
  layers: [[{ name: 'hello', content: 'hi' }]],
  config: { Cmd: ['sh'] },
});

async function archive(images: ImageSource[] = [source('localhost/box:1')]): Promise<string> {
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

/** The files of an archive by other names. */
async function renamed(change: (name: string) => string, before: Entry[] = []): Promise<Buffer> {
  const directory = temporaryDirectory();
  await writeLayout(directory, [source('localhost/box:1')]);
  const files = readdirSync(directory, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  const entries = files.map(({ parentPath, name }): Entry => {
    const path = join(parentPath, name);
    return { name: change(relative(directory, path)), content: readFileSync(path) };
  });
  return tar([...before, ...entries]);
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

  test.each([
    ['bzip2', 'bzip2'],
    ['xz', 'xz'],
  ])('an archive that is compressed by %s is loaded by the help of that program', async (_, program) => {
    const path = await archive();
    const packed = spawnSync(program, ['-c', path], { maxBuffer: 1e9 });
    if (packed.error !== undefined) return;
    writeFileSync(path, packed.stdout);
    expect(await loadArchive(temporaryStore(), path)).toEqual(['localhost/box:1']);
    writeFileSync(path, packed.stdout.subarray(0, -20));
    await expect(loadArchive(temporaryStore(), path)).rejects.toThrow(/^Cannot load ".*": /);
  });

  test.each<[string, (bytes: Buffer) => Buffer | Promise<Buffer>]>([
    ['with garbage behind its end', (bytes) => Buffer.concat([bytes, Buffer.alloc(700, 'garbage')])],
    ['without its last blocks, as docker cuts them', (bytes) => bytes.subarray(0, -1024)],
    ['with names that begin with ./', () => renamed((name) => `./${name}`)],
    ['with names that climb out', () => renamed((name) => `../../x/../${name}`)],
    ['with absolute names', () => renamed((name) => `/${name}`)],
    ['with directories among the files', () => renamed((name) => name, [{ name: 'blobs/', type: 'directory' }])],
  ])('an archive %s is loaded from a file and from a stream', async (_, change) => {
    const path = await archive();
    writeFileSync(path, await change(readFileSync(path)));
    expect(await loadArchive(temporaryStore(), path)).toEqual(['localhost/box:1']);
    expect(await loadArchive(temporaryStore(), createReadStream(path))).toEqual(['localhost/box:1']);
  });

  test('a layer whose file is a hard link to that of another one is loaded', async () => {
    const layer = await tar([{ name: 'hello', content: 'hi' }]);
    const diffIds = [sha256(layer), sha256(layer)];
    const path = join(temporaryDirectory(), 'linked.tar');
    const files: Entry[] = [
      { name: 'a/layer.tar', content: layer },
      { name: 'b/layer.tar', type: 'link', linkname: 'a/layer.tar' },
      { name: 'c.json', content: JSON.stringify({ rootfs: { type: 'layers', diff_ids: diffIds } }) },
      {
        name: 'manifest.json',
        content: JSON.stringify([{ Config: 'c.json', RepoTags: null, Layers: ['a/layer.tar', 'b/layer.tar'] }]),
      },
    ];
    writeFileSync(path, await tar(files));
    const store = temporaryStore();
    const [id = ''] = await loadArchive(store, path);
    expect(needImage(store, id)).toMatchObject({ diffIds, size: 4, references: [] });
  });

  test('compressed layers of a docker archive are blobs as they are, whatever their files are called', async () => {
    const gzipped = gzipSync(await tar([{ name: 'hello', content: 'hi' }]));
    const store = temporaryStore();
    await loadArchive(store, await dockerArchive((files) => Object.assign(files, { 'real.tar': gzipped })));
    expect(needImage(store, 'box:2').layers).toEqual([
      { mediaType: 'application/vnd.oci.image.layer.v1.tar+gzip', digest: sha256(gzipped), size: gzipped.length },
    ]);
  });

  test('an archive from before manifest.json is loaded: layers name those below them', async () => {
    const [low, high] = [await tar([{ name: 'a', content: 'low' }]), await tar([{ name: 'b', content: 'high' }])];
    const [one, two] = ['1'.repeat(64), '2'.repeat(64)];
    const command = (text: string) => ({ container_config: { Cmd: ['sh', '-c', text] } });
    const own = { os: 'linux', architecture: 'amd64', created: '2015-01-01T00:00:00Z' };
    const files: [string, string | Buffer][] = [
      [`${two}/json`, JSON.stringify({ ...own, ...command('two'), id: two, parent: one, config: { Cmd: ['x'] } })],
      [`${two}/layer.tar`, high],
      [`${one}/VERSION`, '1.0'],
      [`${one}/json`, JSON.stringify({ ...own, ...command('one'), id: one, comment: 'base' })],
      [`${one}/layer.tar`, low],
      ['repositories', JSON.stringify({ 'host/old': { v1: two, v0: one } })],
    ];
    const path = join(temporaryDirectory(), 'legacy.tar');
    writeFileSync(path, await tar(files.map(([name, content]) => ({ name, content }))));
    const store = temporaryStore();
    expect(await loadArchive(store, path)).toEqual(['host/old:v1', 'host/old:v0']);
    const image = needImage(store, 'host/old:v1');
    expect(image).toMatchObject({ size: 7, diffIds: [sha256(low), sha256(high)], config: { config: { Cmd: ['x'] } } });
    expect(image.config.history).toMatchObject([
      { created_by: 'sh -c one', comment: 'base' },
      { created_by: 'sh -c two' },
    ]);
    expect(needImage(store, 'host/old:v0').diffIds).toEqual([sha256(low)]);
  });

  test('an image without layers is loaded', async () => {
    const store = temporaryStore();
    const path = await archive([{ reference: 'empty:1', layers: [], config: { Labels: { a: 'b' } } }]);
    expect(await loadArchive(store, path)).toEqual(['empty:1']);
    expect(needImage(store, 'empty:1')).toMatchObject({ layers: [], size: 0 });
  });

  test('of a platform that is asked for, only its images are loaded', async () => {
    const arm = { ...source('arm:1'), architecture: 'arm64' };
    const path = await archive([arm, { ...source('amd:1'), architecture: 'amd64' }]);
    expect(await loadArchive(temporaryStore(), path, { platform: 'linux/arm64' })).toEqual(['arm:1']);
    await expect(loadArchive(temporaryStore(), path, { platform: 'linux/s390x' })).rejects.toThrow(
      /^no matching manifest for linux\/s390x in "/,
    );
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
    const message = /^Cannot load ".*": filesystem layer verification failed for digest sha256:/;
    await expect(loadArchive(store, path)).rejects.toThrow(message);
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
      'layers in a circle',
      async () =>
        tar([
          { name: 'repositories', content: `{"a":{"b":"${'1'.repeat(64)}"}}` },
          { name: `${'1'.repeat(64)}/json`, content: `{"parent":"${'1'.repeat(64)}"}` },
        ]),
      /has more than 127 layers/,
    ],
    [
      'a layer ID that is a path',
      async () => tar([{ name: 'repositories', content: '{"a":{"b":"../../etc"}}' }]),
      /it has a malformed layer ID/,
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
