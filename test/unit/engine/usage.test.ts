import { mkdirSync, writeFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { measureUsage } from '#engine/usage.ts';
import { layerPath } from '#store/layers.ts';
import { addContainer, recordOf, stateOf } from '#test/support/container.ts';
import { putImage } from '#test/support/image-store.ts';
import { temporaryStore } from '#test/support/store.ts';
import { createVolume, volumeData } from '#volume/volume.ts';

const digest = (letter: string) => `sha256:${letter.repeat(64)}`;

test('layers are counted once, and images know what they share', async () => {
  const store = temporaryStore();
  const one = await putImage(store, 'one', {
    diffIds: [digest('1'), digest('2')],
    sizes: [100, 20],
    created: '2024-01-01T00:00:00Z',
  });
  await putImage(store, 'two', {
    diffIds: [digest('1'), digest('3')],
    sizes: [100, 3],
    created: '2025-01-01T00:00:00Z',
  });
  // The same files on top of others are another layer for Docker.
  await putImage(store, 'three', {
    diffIds: [digest('4'), digest('1')],
    sizes: [4, 100],
    created: '2026-01-01T00:00:00Z',
  });
  addContainer(store, recordOf({ image: { id: one.id, diffIds: one.diffIds } }));
  const { images, layers } = measureUsage(store);
  expect(layers).toBe(100 + 20 + 3 + 4 + 100);
  expect(images.map(({ image, shared, containers }) => [image.size, shared, containers])).toEqual([
    [104, 0, 0],
    [103, 100, 0],
    [120, 100, 1],
  ]);
});

test("a container's own files and its volumes are measured", async () => {
  const store = temporaryStore();
  for (const name of ['used', 'idle']) {
    await createVolume(store, { name });
    writeFileSync(`${volumeData(store, name)}/file`, name);
  }
  const mount = {
    Type: 'volume' as const,
    Name: 'used',
    Source: '',
    Destination: '/d',
    Mode: '',
    RW: true,
    Propagation: '',
  };
  const record = addContainer(store, { ...recordOf(), mounts: [mount] }, stateOf());
  mkdirSync(store.path('containers', record.id, 'upper'));
  writeFileSync(store.path('containers', record.id, 'upper/own'), 'x'.repeat(11));
  const { containers, volumes } = measureUsage(store);
  expect(containers.map(({ size }) => size)).toEqual([11]);
  expect(volumes.map(({ volume, links, size }) => [volume.Name, links, size])).toEqual([
    ['idle', 0, 4],
    ['used', 1, 4],
  ]);
});

test('layers that a container has kept of a removed image are counted', () => {
  const store = temporaryStore();
  mkdirSync(layerPath(store, digest('7')));
  writeFileSync(`${layerPath(store, digest('7'))}/file`, 'seven');
  addContainer(store, recordOf({ image: { id: digest('8'), diffIds: [digest('7')] } }));
  expect(measureUsage(store).layers).toBe(5);
});
