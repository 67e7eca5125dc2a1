import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { containerIds } from '#container/names.ts';
import type { State } from '#container/record.ts';
import { writeState } from '#container/state.ts';
import { openStore, type Store } from '#engine/open.ts';
import { startTime } from '#sys/process.ts';
import { record } from '#test/support/requests.ts';
import { temporaryStore, unprivileged } from '#test/support/store.ts';

/** A container of this name's digits, as another boot left it, or as the state says. */
function container(store: Store, digit: string, AutoRemove: boolean, change: Partial<State> | undefined): string {
  const id = digit.repeat(64);
  mkdirSync(store.path('containers', id));
  const made = { ...record({ host: { AutoRemove } }), id, name: `name-${digit}` };
  writeFileSync(store.path('containers', id, 'container.json'), JSON.stringify(made));
  if (change !== undefined) writeState(store, id, { ...running, ...change });
  return id;
}

const running: State = {
  status: 'running',
  pid: 4711,
  pidStart: 1,
  monitorPid: process.pid,
  monitorStart: startTime(process.pid) ?? 0,
  bootId: 'another-boot',
  startedAt: '2026-01-02T03:04:05.000000006Z',
  finishedAt: '0001-01-01T00:00:00Z',
  exitCode: 0,
  oomKilled: false,
  restartCount: 0,
  error: '',
};

test.skipIf(unprivileged)('what ran with --rm before the boot is gone when the store is first opened', async () => {
  const store = temporaryStore();
  container(store, 'a', true, {});
  const kept = [
    container(store, 'b', false, {}),
    container(store, 'c', true, undefined),
    container(store, 'd', true, { bootId: 'this-boot' }),
  ];
  await openStore(store.host);
  expect(containerIds(store).sort()).toEqual(kept);
});

test.skipIf(unprivileged)('that is looked for once in a boot', async () => {
  const store = temporaryStore();
  await openStore(store.host);
  const id = container(store, 'a', true, { status: 'exited' });
  await openStore(store.host);
  expect(containerIds(store)).toEqual([id]);
  rmSync(join(store.runtime, 'opened'), { recursive: true });
  await openStore(store.host);
  expect(containerIds(store)).toEqual([]);
});
