import { rmSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { tagImage } from '#image/names.ts';
import { type ImageRowOptions, imageRows, imageTreeRows, inspectImage } from '#image/view.ts';
import type { Store } from '#store/store.ts';
import { putImage } from '#test/support/image-store.ts';
import { temporaryStore } from '#test/support/store.ts';

const DIGEST = `sha256:${'d'.repeat(64)}`;

async function filled(): Promise<Store> {
  const store = temporaryStore();
  await putImage(store, 'old:1', {
    created: '2020-01-01T00:00:00Z',
    settings: { Labels: { a: '1', b: '' } },
    sizes: [1_234_567],
  });
  await putImage(store, 'host:5000/team/new:2', { created: '2022-01-01T00:00:00Z' });
  await putImage(store, `mid@${DIGEST}`, { created: '2021-01-01T00:00:00Z', comment: 'digest only' });
  await putImage(store, undefined, { created: '2019-01-01T00:00:00Z' });
  return store;
}

const names = (store: Store, options: ImageRowOptions = {}) =>
  imageRows(store, options).map((row) => `${row.Repository}:${row.Tag}`);

test('images come newest first, each with all its names', async () => {
  const store = await filled();
  expect(names(store)).toEqual(['host:5000/team/new:2', 'mid:<none>', 'old:1', '<none>:<none>']);
  await tagImage(store, 'old:1', 'also/old');
  expect(names(store)).toEqual(['host:5000/team/new:2', 'mid:<none>', 'also/old:latest', 'old:1', '<none>:<none>']);
});

test('a row has all of the fields of Docker', async () => {
  const [row] = imageRows(await filled(), { filters: ['reference=old'] });
  expect(row).toMatchObject({
    Repository: 'old',
    Tag: '1',
    Digest: '<none>',
    Size: '1.23MB',
    VirtualSize: '1.235MB',
    Containers: 'N/A',
  });
  expect(row?.ID).toMatch(/^[0-9a-f]{12}$/);
});

test('digests stand beside their tags', async () => {
  const store = await filled();
  await putImage(store, `old@${DIGEST}`, {
    created: '2020-01-01T00:00:00Z',
    settings: { Labels: { a: '1', b: '' } },
    comment: 'of old:1',
  });
  const rows = imageRows(store, { digests: true }).map((row) => `${row.Repository}:${row.Tag} ${row.Digest}`);
  expect(rows).toContain(`old:1 ${DIGEST}`);
  expect(rows).toContain('host:5000/team/new:2 <none>');
});

describe('filters choose', () => {
  test.each([
    [['dangling=true'], ['mid:<none>', '<none>:<none>']],
    [['dangling=false'], ['host:5000/team/new:2', 'mid:<none>', 'old:1']],
    [['label=a'], ['old:1']],
    [['label=a=1', 'label=b'], ['old:1']],
    [['label=a=2'], []],
    [['label!=a'], ['host:5000/team/new:2', 'mid:<none>', '<none>:<none>']],
    [['before=host:5000/team/new:2'], ['mid:<none>', 'old:1', '<none>:<none>']],
    [['since=old:1'], ['host:5000/team/new:2', 'mid:<none>']],
    [['until=2020-06-01T00:00:00Z'], ['old:1', '<none>:<none>']],
    [['reference=old'], ['old:1']],
    [['reference=o*:?'], ['old:1']],
    [['reference=host*'], []],
    [['reference=*/*/new'], ['host:5000/team/new:2']],
    [['reference=[n-p]ld'], ['old:1']],
    [
      ['reference=old', 'reference=mid'],
      ['mid:<none>', 'old:1'],
    ],
  ])('%j', async (filters, expected) => {
    expect(names(await filled(), { filters })).toEqual(expected);
  });
  test.each([
    [['colour=red'], "invalid filter 'colour'"],
    [['dangling=maybe'], "invalid filter 'dangling=[maybe]'"],
    [['reference=['], 'syntax error in pattern'],
    [['before=nope'], 'No such image: nope:latest'],
  ])('%j is refused', async (filters, message) => {
    const store = await filled();
    expect(() => names(store, { filters })).toThrow(message);
  });
});

test('the tree has each image once', async () => {
  const store = await filled();
  await tagImage(store, 'old:1', 'also/old');
  expect(imageTreeRows(store, ['reference=*old*', 'reference=*/*old*']).map((row) => row.names)).toEqual([
    ['also/old:latest', 'old:1'],
  ]);
});

test('inspect has the fields of Docker in its order', async () => {
  const store = temporaryStore();
  const settings = { Cmd: ['sh'], Labels: { z: '1', a: '2' }, ExposedPorts: { '80/tcp': {} }, Hostname: 'ignored' };
  const { id } = await putImage(store, 'app', { settings, diffIds: [DIGEST] });
  const shown = inspectImage(store, 'app') as Record<string, unknown>;
  expect(Object.keys(shown)).toEqual(
    'Id RepoTags RepoDigests Parent Comment Created DockerVersion Author Architecture Os Size GraphDriver RootFS Metadata Config'.split(
      ' ',
    ),
  );
  expect(shown).toMatchObject({ Id: id, RepoTags: ['app:latest'], RepoDigests: [], RootFS: { Layers: [DIGEST] } });
  expect(Object.keys(shown.Config as object)).toEqual(
    'Cmd Entrypoint Env ExposedPorts Labels OnBuild User Volumes WorkingDir'.split(' '),
  );
  expect(() => inspectImage(store, 'app', { platform: 'linux/s390x' })).toThrow(
    'image with reference app was found but its platform (linux/amd64) does not match the specified platform (linux/s390x)',
  );
});

test('a list reads nothing but the index, and an index of another tool is listed as well', async () => {
  const store = await filled();
  const before = imageRows(store, { noTrunc: true });
  const { changeCatalog } = await import('#image/catalog.ts');
  await changeCatalog(store, (entries) =>
    entries.map(({ id: _id, created: _created, ...entry }) => ({ ...entry, id: undefined })),
  );
  expect(imageRows(store, { noTrunc: true })).toEqual(before);
  const named = await filled();
  rmSync(named.path('blobs'), { recursive: true });
  expect(imageRows(named, { noTrunc: true })).toEqual(before);
});
