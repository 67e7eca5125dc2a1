import { existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { temporaryDirectory, temporaryStore } from '#test/support/store.ts';
import { type MountWishes, resolveMounts } from '#volume/mounts.ts';
import { listVolumes } from '#volume/volume.ts';

const wishes = (given: Partial<MountWishes>): MountWishes => ({
  binds: [],
  mounts: [],
  tmpfs: {},
  volumes: [],
  ...given,
});

test('mounts come parents first, whatever the order they were asked in', async () => {
  const store = temporaryStore();
  const host = temporaryDirectory();
  const points = await resolveMounts(
    store,
    wishes({ binds: [`${host}:/srv/www/static`], tmpfs: { '/srv': 'size=1m' }, volumes: ['/srv/www'] }),
  );
  expect(points.map((point) => [point.Type, point.Destination])).toEqual([
    ['tmpfs', '/srv'],
    ['volume', '/srv/www'],
    ['bind', '/srv/www/static'],
  ]);
});

test("an image's volume gives way to what the user mounts at its place", async () => {
  const store = temporaryStore();
  const points = await resolveMounts(store, wishes({ binds: ['data:/var/lib/db'], volumes: ['/var/lib/db/'] }));
  expect(points).toMatchObject([{ Type: 'volume', Name: 'data', Destination: '/var/lib/db', Mode: 'z', RW: true }]);
  expect(listVolumes(store)).toHaveLength(1);
});

test('a relative place of an anonymous volume is meant from the root', async () => {
  const points = await resolveMounts(temporaryStore(), wishes({ volumes: ['data'] }));
  expect(points).toMatchObject([{ Type: 'volume', Destination: '/data' }]);
});

test('-v makes a missing host directory, --mount refuses it', async () => {
  const store = temporaryStore();
  const missing = join(temporaryDirectory(), 'new/deep');
  const mount = { Type: 'bind' as const, Source: missing, Target: '/x' };
  await expect(resolveMounts(store, wishes({ mounts: [mount] }))).rejects.toMatchObject({
    kind: 'invalid',
    message: `invalid mount config for type "bind": bind source path does not exist: ${missing}`,
  });
  await resolveMounts(store, wishes({ binds: [`${missing}:/x`] }));
  expect(existsSync(missing)).toBe(true);
});

test.each([
  [{ binds: ['data:/x', 'other:/x'] }, 'Duplicate mount point: /x'],
  [{ volumes: ['/'] }, "invalid specification: destination can't be '/'"],
  [
    { binds: ['data:relative'] },
    /^invalid volume specification: 'data:relative': invalid mount config for type "volume": invalid mount path/,
  ],
  [
    { mounts: [{ Type: 'bind' as const, Target: '/x' }] },
    'invalid mount config for type "bind": field Source must not be empty',
  ],
])('%j is refused as Docker refuses it', async (given, message) => {
  const promise = resolveMounts(temporaryStore(), wishes(given));
  await expect(promise).rejects.toMatchObject({ kind: 'invalid', message: expect.stringMatching(message as RegExp) });
});

test('the mounts of another container are taken over where nothing else is', async () => {
  const host = temporaryDirectory();
  mkdirSync(join(host, 'sub'));
  const inherited = await resolveMounts(temporaryStore(), wishes({ binds: [`${host}:/a:ro`, `${host}/sub:/b`] }));
  const points = await resolveMounts(temporaryStore(), wishes({ tmpfs: { '/b': '' }, inherited }));
  expect(points.map((point) => [point.Destination, point.Type, point.RW])).toEqual([
    ['/b', 'tmpfs', true],
    ['/a', 'bind', false],
  ]);
});
