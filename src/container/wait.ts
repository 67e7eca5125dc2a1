/** wait: the end of a container, heard from its monitor. */
import { existsSync } from 'node:fs';
import { listenToMonitor } from '#container/ear.ts';
import { findContainer, readRecord } from '#container/names.ts';
import { isRunning, readState } from '#container/state.ts';
import type { Store } from '#store/store.ts';

/** not-running: created, exited or between two restarts; removed: gone altogether. */
export type WaitCondition = 'not-running' | 'removed';

/** Waits for a container and gives its exit status. Throws kind `not-found`, the abort's reason. */
export async function waitContainer(
  store: Store,
  name: string,
  { condition = 'not-running', abort }: { condition?: WaitCondition; abort?: AbortSignal } = {},
): Promise<number> {
  const record = findContainer(store, name);
  let status = await exitStatus(store, record.id, abort);
  if (condition === 'not-running') return status;
  while (existsSync(store.path('containers', record.id))) {
    abort?.throwIfAborted();
    if (isRunning(readState(store, record.id))) status = await exitStatus(store, record.id, abort);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  return status;
}

async function exitStatus(store: Store, id: string, abort: AbortSignal | undefined): Promise<number> {
  for (;;) {
    const state = readState(store, id);
    if (!isRunning(state)) return state?.exitCode ?? 0;
    const heard = await nextEnd(store, id, abort);
    abort?.throwIfAborted();
    if (heard?.[0] === 'exit') return Number(heard[1]);
    if (heard?.[0] === 'restarting') return readState(store, id)?.exitCode ?? 0;
    if (readRecord(store, id) === undefined) return 0;
    // The monitor has gone without a word; a moment later its state tells why.
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

/** The monitor's word on the container's next end; undefined when there is no monitor, or no more. */
async function nextEnd(store: Store, id: string, abort: AbortSignal | undefined): Promise<string[] | undefined> {
  const ear = listenToMonitor(store, id);
  if (ear === undefined) return undefined;
  const stop = () => ear.hangUp();
  abort?.addEventListener('abort', stop, { once: true });
  try {
    ear.say('wait');
    return await ear.hear('exit', 'restarting');
  } finally {
    abort?.removeEventListener('abort', stop);
    ear.hangUp();
  }
}
