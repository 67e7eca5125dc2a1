import { expect, onTestFinished, test, vi } from 'vitest';
import { listBuilders, makeBuilder, needBuilder, removeBuilder, useBuilder } from '#build/builders.ts';
import { lock } from '#sys/file.ts';
import { temporaryStore } from '#test/support/store.ts';

const NEW = { driver: 'docker-container', node: undefined, platforms: [] };

test('a builder that was made is found by its name, and builds without one are of the one that is used', async () => {
  const store = temporaryStore();
  expect(needBuilder(store)).toMatchObject({ name: 'default', driver: 'docker' });
  await makeBuilder(store, { ...NEW, name: 'ci', platforms: ['linux/arm64,linux/amd64'] });
  expect(needBuilder(store)).toMatchObject({ name: 'default' });
  await useBuilder(store, 'ci');
  expect(needBuilder(store)).toEqual({
    name: 'ci',
    driver: 'docker-container',
    node: 'ci0',
    platforms: ['linux/arm64', 'linux/amd64'],
  });
  expect(needBuilder(store, 'default')).toMatchObject({ driver: 'docker' });
  expect(listBuilders(store).builders.map(({ name }) => name)).toEqual(['ci', 'default']);
});

test('BUILDX_BUILDER comes before the builder that is used', async () => {
  const store = temporaryStore();
  for (const name of ['one', 'other']) await makeBuilder(store, { ...NEW, name });
  await useBuilder(store, 'one');
  vi.stubEnv('BUILDX_BUILDER', 'other');
  onTestFinished(() => void vi.unstubAllEnvs());
  expect(needBuilder(store).name).toBe('other');
  expect(needBuilder(store, 'one').name).toBe('one');
});

test('when the builder in use is removed, the default is in use again', async () => {
  const store = temporaryStore();
  await makeBuilder(store, { ...NEW, name: 'ci' });
  await useBuilder(store, 'ci');
  await removeBuilder(store, 'ci');
  expect(listBuilders(store).current).toBe('default');
  expect(() => needBuilder(store, 'ci')).toThrow('no builder "ci" found');
});

test('a builder that is removed while it is taken into use is not in use: builds go on', async () => {
  const store = temporaryStore();
  await makeBuilder(store, { ...NEW, name: 'ci' });
  const held = await lock(store.path('build'));
  const both = Promise.allSettled([removeBuilder(store, 'ci'), useBuilder(store, 'ci')]);
  held[Symbol.dispose]();
  expect((await both).some(({ status }) => status === 'fulfilled')).toBe(true);
  expect(needBuilder(store)).toMatchObject({ name: 'default' });
});

test.each([
  ['B b', 'invalid name B b, name needs to start with a letter'],
  ['default', 'default is a reserved name'],
  ['ci', 'existing instance for "ci" but no append mode'],
])('a builder cannot be called %s', async (name, message) => {
  const store = temporaryStore();
  await makeBuilder(store, { ...NEW, name: 'ci' });
  await expect(makeBuilder(store, { ...NEW, name })).rejects.toThrow(message);
});

test('a node is given another name and other platforms', async () => {
  const store = temporaryStore();
  await makeBuilder(store, { ...NEW, name: 'ci' });
  await makeBuilder(store, { ...NEW, name: 'ci', node: 'x', platforms: ['linux/arm64'] });
  expect(needBuilder(store, 'ci')).toMatchObject({ node: 'x', platforms: ['linux/arm64'] });
});
