import { expect, test } from 'vitest';
import { datedConfig } from '#engine/build-config.ts';

const layer = (created?: string) => ({
  diffId: 'sha256:0',
  size: 0,
  blob: { mediaType: '', digest: '', size: 0 },
  ...(created === undefined ? {} : { created }),
});
const platform = { os: 'linux', architecture: 'amd64' };
const [OLD, NEW] = ['2020-01-01T00:00:00Z', '2024-05-06T07:08:09.5Z'];
const history = [
  { created: OLD, created_by: 'base' },
  { created_by: 'RUN x' },
  { created_by: 'CMD y', empty_layer: true },
];

test('an entry has its layer’s date, one without a layer that of the layer before it', () => {
  const dated = datedConfig({ ...platform, history }, [layer(), layer(NEW)]);
  expect(dated.history?.map(({ created }) => created)).toEqual([OLD, NEW, NEW]);
  expect(dated.created).toBe(NEW);
});

test('with SOURCE_DATE_EPOCH nothing is younger, and what is older stays', () => {
  const dated = datedConfig({ ...platform, history }, [layer(), layer(NEW)], 1_600_000_000);
  const epoch = '2020-09-13T12:26:40Z';
  expect(dated.history?.map(({ created }) => created)).toEqual([OLD, epoch, epoch]);
  expect(dated.created).toBe(epoch);
});

test('layers that the base’s history does not tell of get an entry, entries without a layer go', () => {
  expect(datedConfig({ ...platform, history: [] }, [layer(NEW)]).history).toHaveLength(1);
  expect(datedConfig({ ...platform, history }, [layer(NEW)]).history).toHaveLength(2);
});
