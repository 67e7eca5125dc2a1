/** pause and unpause: a container's processes stand still, and its monitor keeps that in the state. */
import { WherryError } from '#base/error.ts';
import { listenToMonitor } from '#container/ear.ts';
import { recordContainerEvent, type Told } from '#container/event.ts';
import { freezeProcesses, type Means, thawProcesses } from '#container/freeze.ts';
import { findContainer } from '#container/names.ts';
import { isRestarting, isRunning, readState } from '#container/state.ts';
import type { Store } from '#store/store.ts';
import { lock } from '#sys/file.ts';
import { isSameProcess } from '#sys/process.ts';

const conflict = (message: string) => new WherryError('conflict', message);

/**
 * Pauses a container; gives by what means. Throws kind `not-found`, or `conflict` where it does not run or is paused.
 * The state says so first: whoever is killed in between leaves a container that can be continued.
 */
export async function pauseContainer(store: Store, name: string): Promise<Means> {
  const record = findContainer(store, name);
  using _held = await lock(store.path('containers', record.id));
  const state = readState(store, record.id);
  if (!isRunning(state)) throw conflict(`container ${record.id} is not running`);
  if (state.status === 'paused') throw conflict(`Container ${record.id} is already paused`);
  if (!isSameProcess(state.pid, state.pidStart) || !(await tell(store, record.id, 'pause'))) {
    throw isRestarting(record.id);
  }
  const means = await freezeProcesses(store, record.id, state);
  recordContainerEvent(store, record, 'pause');
  return means;
}

/** Lets a paused container go on. Throws kind `not-found`, or `conflict` where it is not paused. */
export async function unpauseContainer(store: Store, name: string): Promise<void> {
  const record = findContainer(store, name);
  if (!(await resumeIfPaused(store, record))) throw conflict(`Container ${record.id} is not paused`);
}

/** false where it is not paused. silent: it goes on only to end at once, which is no event of its own. */
export async function resumeIfPaused(store: Store, record: Told, { silent = false } = {}): Promise<boolean> {
  if (readState(store, record.id)?.status !== 'paused') return false;
  using _held = await lock(store.path('containers', record.id));
  const state = readState(store, record.id);
  if (state?.status !== 'paused') return false;
  await thawProcesses(store, record.id, state);
  // Before the monitor hears of it: it may tell of the end right after.
  if (!silent) recordContainerEvent(store, record, 'unpause');
  await tell(store, record.id, 'unpause');
  return true;
}

/** Has the monitor note it; false where it has no process now. */
async function tell(store: Store, id: string, word: 'pause' | 'unpause'): Promise<boolean> {
  const ear = listenToMonitor(store, id);
  ear?.say(word);
  const heard = await ear?.answer(word, 'not-running', 'exit');
  ear?.hangUp();
  return heard?.[0] === word;
}
