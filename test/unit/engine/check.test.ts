import { execFileSync } from 'node:child_process';
import {
  appendFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, test } from 'vitest';
import { findContainer } from '#container/names.ts';
import { readState } from '#container/state.ts';
import { type Checked, checkStore } from '#engine/check.ts';
import { loadArchive } from '#image/archive.ts';
import { readCatalog } from '#image/catalog.ts';
import { needImage } from '#image/names.ts';
import { blobPath } from '#store/blobs.ts';
import { layerPath } from '#store/layers.ts';
import type { Store } from '#store/store.ts';
import { addContainer, recordOf } from '#test/support/container.ts';
import { writeArchive } from '#test/support/image.ts';
import { temporaryDirectory, temporaryStore, unprivileged } from '#test/support/store.ts';
import { createVolume } from '#volume/volume.ts';

const CONTAINER = 'c'.repeat(64);
const HEX = '5'.repeat(64);
/** No process has it (PID_MAX_LIMIT). */
const DEAD = 4_194_305;

let store: Store;

/** Two images that share a layer, a container, a volume. */
beforeEach(async () => {
  if (unprivileged) return;
  store = temporaryStore();
  const archive = join(temporaryDirectory(), 'images.tar');
  const base = [
    { name: 'etc/', type: 'directory' as const },
    { name: 'etc/motd', content: 'hello', mode: 0o640, uid: 3 },
    { name: 'motd', type: 'link' as const, linkname: 'etc/motd', mode: 0o640, uid: 3 },
    { name: 'lib', type: 'symlink' as const, linkname: 'etc' },
    { name: 'etc/.wh.gone', content: '' },
  ];
  const image = (name: string, layers: object[][]) => ({
    reference: `localhost/${name}:1`,
    layers: layers as never,
    config: { Cmd: ['x'] },
  });
  await writeArchive(archive, [image('one', [base]), image('two', [base, [{ name: 'more', content: 'x' }]])]);
  await loadArchive(store, archive);
  const { id, diffIds } = needImage(store, 'localhost/two:1');
  addContainer(store, recordOf({ id: CONTAINER, name: 'web', image: { id, diffIds, reference: 'localhost/two:1' } }));
  await createVolume(store, { name: 'vol' });
});

async function check(options: { repair?: boolean; quick?: boolean } = {}): Promise<Checked[]> {
  const found: Checked[] = [];
  for await (const one of checkStore(store, { ...options, abort: new AbortController().signal })) found.push(one);
  return found;
}

const uncounted = (found: Checked[]) => found.filter((one) => !one.known);
const layer = (name: string, at = 0) => layerPath(store, needImage(store, `localhost/${name}:1`).diffIds[at] ?? '');
const blob = (name: string, at = 0) =>
  blobPath(store, needImage(store, `localhost/${name}:1`).layers[at]?.digest ?? '');

describe.skipIf(unprivileged)('as root, for unpacking changes owners', () => {
  test('a whole store has no damage, and a repair changes nothing', async () => {
    const before = execFileSync('find', [store.root], { encoding: 'utf8' });
    expect(await check()).toEqual([]);
    expect(await check({ repair: true })).toEqual([]);
    expect(execFileSync('find', [store.root], { encoding: 'utf8' })).toBe(before);
  });

  test('a new store has no damage', async () => {
    store = temporaryStore();
    expect(await check()).toEqual([]);
  });

  test.each<[string, () => void, RegExp, boolean]>([
    [
      'a file of a layer that is gone',
      () => rmSync(join(layer('one'), 'motd')),
      /altered layer \("motd" is missing\)/,
      false,
    ],
    [
      'a file of a layer that has grown',
      () => appendFileSync(join(layer('one'), 'etc/motd'), 'x'),
      /"etc\/motd" has 6 bytes, not 5/,
      false,
    ],
    [
      'a file of a layer with another content',
      () => writeFileSync(join(layer('one'), 'etc/motd'), 'HELLO'),
      /"etc\/motd" was changed/,
      false,
    ],
    [
      'a file that came into a layer',
      () => writeFileSync(join(layer('two', 1), 'x'), ''),
      /"x" is not in the layer/,
      false,
    ],
    ['a whiteout that is gone', () => rmSync(join(layer('one'), 'etc/gone')), /"etc\/gone" is missing/, false],
    [
      'a mode that was changed',
      () => execFileSync('chmod', ['600', join(layer('one'), 'etc/motd')]),
      /has the mode 600, not 640/,
      false,
    ],
    [
      'an owner that was changed',
      () => execFileSync('chown', ['9', join(layer('one'), 'etc/motd')]),
      /belongs to 9:0, not 3:0/,
      false,
    ],
    [
      'a layer that is gone',
      () => rmSync(layer('one'), { recursive: true }),
      /missing layer of the image localhost\/one:1/,
      true,
    ],
    [
      'a blob that is cut off',
      () => truncateSync(blob('one'), 9),
      /truncated blob of a layer of the image localhost\/one:1/,
      true,
    ],
    ['a blob that is gone', () => rmSync(blob('one')), /missing blob of a layer/, true],
    [
      'a blob with another content',
      () => writeFileSync(blob('one'), Buffer.alloc(readFileSync(blob('one')).length)),
      /altered blob of a layer/,
      false,
    ],
    [
      'a blob that nothing needs',
      () => writeFileSync(store.path('blobs/sha256', HEX), 'x'),
      /a blob that no image needs/,
      true,
    ],
    ['a layer that nothing needs', () => mkdirSync(store.path('layers', HEX)), /a layer that neither/, true],
    [
      'a stranger among the blobs',
      () => writeFileSync(store.path('blobs/sha256/x'), 'x'),
      /neither a blob nor a layer/,
      true,
    ],
    [
      'a manifest that is gone',
      () => rmSync(blobPath(store, readCatalog(store)[0]?.manifest.digest ?? '')),
      /missing manifest of the image/,
      true,
    ],
    [
      'a configuration that is gone',
      () => rmSync(blobPath(store, needImage(store, 'localhost/one:1').id)),
      /missing configuration of the image localhost\/one:1/,
      true,
    ],
    [
      'an index that is no JSON',
      () => truncateSync(store.path('index.json'), readFileSync(store.path('index.json')).length - 9),
      /the index of images is malformed/,
      true,
    ],
    ['an index that is gone', () => rmSync(store.path('index.json')), /the index of images is missing/, true],
    [
      'an entry that names nothing',
      () =>
        writeFileSync(
          store.path('index.json'),
          readFileSync(store.path('index.json'), 'utf8').replace('"manifests":[', '"manifests":[{"digest":"x"},'),
        ),
      /1 of 3 entries name no image/,
      true,
    ],
    [
      'a record that is no JSON',
      () => writeFileSync(store.path('containers', CONTAINER, 'container.json'), '{'),
      /the record of a container is malformed/,
      true,
    ],
    [
      'a record that is gone',
      () => rmSync(store.path('containers', CONTAINER, 'container.json')),
      /the record of a container is missing/,
      true,
    ],
    [
      'a record of half a container',
      () =>
        writeFileSync(
          store.path('containers', CONTAINER, 'container.json'),
          JSON.stringify({ id: CONTAINER, name: 'web' }),
        ),
      /the record of a container is malformed/,
      true,
    ],
    [
      'a state that is no JSON',
      () => writeFileSync(store.path('containers', CONTAINER, 'state.json'), '{'),
      /the state of the container web is malformed/,
      true,
    ],
    [
      'a network state that is no JSON',
      () => writeFileSync(store.path('containers', CONTAINER, 'network.json'), '{'),
      /the network state of the container web/,
      true,
    ],
    ['a name that is gone', () => rmSync(store.path('names/web')), /has lost its name web/, true],
    [
      'a name that leads nowhere',
      () => writeFileSync(store.path('names/nobody'), `${'d'.repeat(64)} ${DEAD} 1\n`),
      /the name nobody leads to no container/,
      true,
    ],
    ['a name that is garbage', () => writeFileSync(store.path('names/web'), 'x'), /has lost its name web/, true],
    [
      'a stranger among the containers',
      () => mkdirSync(store.path('containers/x')),
      /no container has such a name/,
      true,
    ],
    [
      'a record of a volume that is no JSON',
      () => writeFileSync(store.path('volumes/vol/volume.json'), '{'),
      /the record of the volume vol is malformed/,
      true,
    ],
    [
      'a record of a volume that is gone',
      () => rmSync(store.path('volumes/vol/volume.json')),
      /the record of the volume vol is missing/,
      true,
    ],
    [
      'a directory of a volume that is gone',
      () => rmSync(store.path('volumes/vol/_data'), { recursive: true }),
      /the directory of the volume vol is missing/,
      true,
    ],
    [
      'a stranger among the volumes',
      () => writeFileSync(store.path('volumes/x'), ''),
      /no volume has such a directory/,
      true,
    ],
    [
      'a record of a network that is no JSON',
      () => writeFileSync(store.path('networks/net.json'), '{'),
      /the record of the network net is malformed/,
      true,
    ],
    [
      'a choice of the driver that is no JSON',
      () => writeFileSync(store.path('driver.json'), '{'),
      /the choice of the storage driver is malformed/,
      true,
    ],
    ['a mark that is gone', () => rmSync(store.path('oci-layout')), /the mark of an image layout is missing/, true],
    [
      'a mark that is garbage',
      () => writeFileSync(store.path('oci-layout'), ''),
      /the mark of an image layout is malformed/,
      true,
    ],
    [
      'a folder that is gone',
      () => rmSync(store.path('networks'), { recursive: true }),
      /a folder of the store is missing/,
      true,
    ],
    [
      'what a killed command left',
      () => mkdirSync(store.path('tmp', `layer-${DEAD}-x-1`, 'a'), { recursive: true }),
      /left by a command that was killed/,
      true,
    ],
    [
      'what a dead monitor left',
      () => writeFileSync(join(store.runtime, 'monitors', 'd'.repeat(64)), `${DEAD} 1\n`),
      /left by a monitor that is dead/,
      true,
    ],
  ])('%s is named and mended', async (_, damage, what, isSeenQuickly) => {
    damage();
    expect(uncounted(await check({ quick: true })).some((one) => what.test(one.what))).toBe(isSeenQuickly);
    const found = await check();
    expect(found.map((one) => one.what)).toEqual(expect.arrayContaining([expect.stringMatching(what)]));
    for (const { path, advice } of found) expect([path.startsWith('/'), advice !== '']).toEqual([true, true]);
    const repaired = uncounted(await check({ repair: true }));
    expect(repaired.map(({ mended, error }) => [mended, error])).toEqual(repaired.map(() => [true, undefined]));
    expect(uncounted(await check())).toEqual([]);
  });

  test('a layer is whole again after its repair', async () => {
    rmSync(join(layer('one'), 'etc'), { recursive: true });
    await check({ repair: true });
    expect(readFileSync(join(layer('one'), 'motd'), 'utf8')).toBe('hello');
    expect(readdirSync(join(layer('one'), 'etc'))).toEqual(['gone', 'motd']);
  });

  test('an image whose blob is lost runs on, under its name', async () => {
    truncateSync(blob('one'), 9);
    await check({ repair: true });
    expect(readCatalog(store).map(({ name }) => name)).toEqual(['localhost/one:1', 'localhost/two:1']);
    expect(existsSync(layer('one'))).toBe(true);
    expect((await check()).map(({ known }) => known)).toEqual([true]);
  });

  test('loading the image again brings the blob back', async () => {
    const path = blob('two', 1);
    const bytes = readFileSync(path);
    rmSync(path);
    await check({ repair: true });
    writeFileSync(path, bytes);
    expect(await check()).toEqual([]);
  });

  test('the names of a malformed index are saved, and images that it no longer names stay', async () => {
    const text = readFileSync(store.path('index.json'), 'utf8');
    writeFileSync(store.path('index.json'), text.slice(0, text.lastIndexOf('{"mediaType"') + 30));
    await check({ repair: true });
    expect(readCatalog(store).map(({ name }) => name)).toEqual(['localhost/one:1', undefined]);
    expect(readCatalog(store)[1]?.sizes).toEqual([8, 1]);
    expect(existsSync(store.path('lost/index.json'))).toBe(true);
  });

  test('the files of a container without a record are kept aside, and its name is free', async () => {
    const own = store.path('containers', CONTAINER, 'upper');
    mkdirSync(own);
    writeFileSync(join(own, 'work'), 'of a week');
    rmSync(store.path('containers', CONTAINER, 'container.json'));
    await check({ repair: true });
    expect(readFileSync(store.path('lost', CONTAINER, 'upper/work'), 'utf8')).toBe('of a week');
    expect(readdirSync(store.path('names'))).toEqual([]);
  });

  test('a container whose state is lost has ended', async () => {
    writeFileSync(store.path('containers', CONTAINER, 'state.json'), '');
    await check({ repair: true });
    expect(readState(store, CONTAINER)).toMatchObject({ status: 'exited', exitCode: 255 });
    expect(findContainer(store, 'web').id).toBe(CONTAINER);
  });
});
