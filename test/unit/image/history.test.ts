import { describe, expect, test } from 'vitest';
import { changeCatalog, withNames } from '#image/catalog.ts';
import { historyRows } from '#image/history.ts';
import { MEDIA } from '#oci/manifest.ts';
import { putBlob } from '#store/blobs.ts';
import type { Store } from '#store/store.ts';
import { temporaryStore } from '#test/support/store.ts';

const DAY = 24 * 3600 * 1000;

async function imageWith(history: object[] | undefined): Promise<{ store: Store; id: string }> {
  const store = temporaryStore();
  const json = (value: object) => Buffer.from(JSON.stringify(value));
  const diffIds = ['a', 'b'].map((digit) => `sha256:${digit.repeat(64)}`);
  const layers = await Promise.all(diffIds.map((diffId) => putBlob(store, Buffer.from(diffId), MEDIA.layer)));
  const rootfs = { type: 'layers', diff_ids: diffIds };
  const config = await putBlob(store, json({ architecture: 'amd64', os: 'linux', rootfs, history }), MEDIA.config);
  const manifest = await putBlob(store, json({ schemaVersion: 2, config, layers }), MEDIA.manifest);
  const image = { manifest, id: config.digest, sizes: [6000, 2] };
  await changeCatalog(store, (entries) => withNames(entries, image, ['docker.io/library/box:latest']));
  return { store, id: config.digest };
}

describe('historyRows()', () => {
  test('has the last step first, with the sizes of the steps that changed files', async () => {
    const { store, id } = await imageWith([
      { created: new Date(Date.now() - 3 * DAY).toISOString(), created_by: 'ADD', comment: 'first' },
      { created: '2024-01-01T00:00:00Z', created_by: 'ENV', empty_layer: true },
      { created: '2024-01-01T00:00:00Z', created_by: 'RUN' },
    ]);
    const rows = historyRows(store, 'box');
    expect(rows.map(({ CreatedBy, Size }) => [CreatedBy, Size])).toEqual([
      ['RUN', '2B'],
      ['ENV', '0B'],
      ['ADD', '6kB'],
    ]);
    expect(rows.map(({ ID }) => ID)).toEqual([id.slice(7, 19), '<missing>', '<missing>']);
    expect(rows[2]).toMatchObject({ Comment: 'first', CreatedSince: '3 days ago' });
  });

  test('cuts commands and IDs only where it may', async () => {
    const { store, id } = await imageWith([{ created_by: `a\t${'b'.repeat(60)}` }]);
    expect(historyRows(store, 'box')[0]?.CreatedBy).toBe(`a ${'b'.repeat(42)}…`);
    expect(historyRows(store, 'box', { noTrunc: true })[0]).toMatchObject({
      ID: id,
      CreatedBy: `a ${'b'.repeat(60)}`,
    });
  });

  test('knows no age of steps without a time, or with one from before 2000', async () => {
    const { store } = await imageWith([{}, { created: '1999-12-31T23:59:59Z' }]);
    expect(historyRows(store, 'box').map(({ CreatedSince }) => CreatedSince)).toEqual(['N/A', 'N/A']);
  });

  test('gives exact sizes and times where people are not meant', async () => {
    const { store } = await imageWith([{ created: '2024-01-01T12:00:00.5Z' }]);
    const [row] = historyRows(store, 'box', { human: false });
    expect(row).toMatchObject({ Size: '6000', CreatedSince: row?.CreatedAt });
    expect(row?.CreatedAt).toMatch(/^202[34]-\d\d-\d\dT\d\d:\d\d:00(?:Z|[+-]\d\d:\d\d)$/);
  });

  test('is empty for an image without a history', async () => {
    const { store } = await imageWith(undefined);
    expect(historyRows(store, 'box')).toEqual([]);
  });

  test('refuses what is no image, and an image for another platform', async () => {
    const { store } = await imageWith([]);
    expect(() => historyRows(store, 'nothing')).toThrow('No such image: nothing:latest');
    expect(() => historyRows(store, 'box', { platform: 'linux/s390x' })).toThrow(
      'image with reference box was found but its platform (linux/amd64) does not match the specified platform (linux/s390x)',
    );
    expect(() => historyRows(store, 'box', { platform: 'foo' })).toThrow('invalid platform: "foo": unknown');
  });
});
