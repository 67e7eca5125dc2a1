import { rmSync } from 'node:fs';
import { expect, test } from 'vitest';
import { writeState } from '#container/state.ts';
import { waitContainer } from '#container/wait.ts';
import { addContainer, playMonitor, recordOf, stateOf } from '#test/support/container.ts';
import { temporaryStore } from '#test/support/store.ts';

const record = recordOf();

test.each([
  ['that never ran', undefined, 0],
  ['that has ended', stateOf({ status: 'exited', exitCode: 7 }), 7],
])('gives the status of a container %s at once', async (_what, state, status) => {
  const store = temporaryStore();
  addContainer(store, record, state);
  expect(await waitContainer(store, 'web')).toBe(status);
});

test('waits for the end', async () => {
  const store = temporaryStore();
  addContainer(store, record, stateOf());
  await playMonitor(store, record.id, (client) => {
    setImmediate(() => client.say('exit 8 0'));
  });
  expect(await waitContainer(store, 'web')).toBe(8);
});

test('ends when the container is between two starts', async () => {
  const store = temporaryStore();
  addContainer(store, record, stateOf());
  await playMonitor(store, record.id, (client) => {
    writeState(store, record.id, stateOf({ status: 'restarting', exitCode: 9 }));
    client.say('restarting');
  });
  expect(await waitContainer(store, 'web')).toBe(9);
});

test('for the removal goes on until the container is gone', async () => {
  const store = temporaryStore();
  addContainer(store, record, stateOf());
  await playMonitor(store, record.id, (client) => {
    writeState(store, record.id, stateOf({ status: 'exited', exitCode: 2 }));
    client.say('exit 2 0');
    setImmediate(() => rmSync(store.path('containers', record.id), { recursive: true }));
  });
  expect(await waitContainer(store, 'web', { condition: 'removed' })).toBe(2);
});

test('can be aborted', async () => {
  const store = temporaryStore();
  addContainer(store, record, stateOf());
  const abort = new AbortController();
  await playMonitor(store, record.id, () => abort.abort());
  await expect(waitContainer(store, 'web', { abort: abort.signal })).rejects.toThrow('abort');
});
