import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { temporaryStore } from '#test/support/store.ts';
import { createVolume, findVolume, isAnonymous, listVolumes, needVolume, removeVolume } from '#volume/volume.ts';

test('a volume is made once, and asking again gives the same one with its content', async () => {
  const store = temporaryStore();
  const made = await createVolume(store, { name: 'data', labels: { tier: 'db' } });
  writeFileSync(join(made.Mountpoint, 'file'), 'kept');
  const [again, other] = await Promise.all([
    createVolume(store, { name: 'data' }),
    createVolume(store, { name: 'data' }),
  ]);
  expect(again).toEqual(made);
  expect(other).toEqual(made);
  expect(existsSync(join(again.Mountpoint, 'file'))).toBe(true);
});

test('a volume without a name is anonymous and has 64 digits', async () => {
  const volume = await createVolume(temporaryStore());
  expect(volume.Name).toMatch(/^[0-9a-f]{64}$/);
  expect(isAnonymous(volume)).toBe(true);
});

test.each([
  ['x', /volume name is too short/],
  ['a b', /includes invalid characters for a local volume name/],
  ['../etc', /includes invalid characters/],
])('the name %j is refused as Docker refuses it', async (name, message) => {
  await expect(createVolume(temporaryStore(), { name })).rejects.toMatchObject({
    kind: 'invalid',
    message: expect.stringMatching(message),
  });
});

test('a volume in use stays, a free one goes with its content, and one that is gone is not found', async () => {
  const store = temporaryStore();
  await createVolume(store, { name: 'data' });
  await expect(removeVolume(store, 'data', ['abc'])).rejects.toMatchObject({
    kind: 'conflict',
    message: 'remove data: volume is in use - [abc]',
  });
  expect(listVolumes(store).map((volume) => volume.Name)).toEqual(['data']);
  await removeVolume(store, 'data', []);
  expect(listVolumes(store)).toEqual([]);
  expect(findVolume(store, 'data')).toBeUndefined();
  expect(() => needVolume(store, 'data')).toThrow('get data: no such volume');
});

test('what Docker knows of a volume is kept in its order, and another driver is refused', async () => {
  const store = temporaryStore();
  const options = { type: 'tmpfs', device: 'tmpfs' };
  const made = await createVolume(store, { name: 'data', labels: { b: '2', a: '1' }, options });
  expect(JSON.stringify([made.Labels, made.Options])).toBe('[{"a":"1","b":"2"},{"device":"tmpfs","type":"tmpfs"}]');
  const refused = createVolume(store, { name: 'other', driver: 'foo' });
  await expect(refused).rejects.toThrow('create other: error looking up volume plugin foo: plugin "foo" not found');
  expect(findVolume(store, 'other')).toBeUndefined();
});
