/** init: everything that a start needs is made, and nothing is started: for whoever wants to look, or to change it first. */
import { WherryError } from '#base/error.ts';
import { recordContainerEvent } from '#container/event.ts';
import { readHeld, writeHeld } from '#container/held.ts';
import { findContainer } from '#container/names.ts';
import type { ContainerRecord } from '#container/record.ts';
import { isRunning, readState } from '#container/state.ts';
import { prepareBundle } from '#engine/bundle.ts';
import { cleanupContainer } from '#engine/start.ts';
import type { Store } from '#store/store.ts';
import { lock } from '#sys/file.ts';
import { leaveSession } from '#sys/scope.ts';

/**
 * Mounts a container's root and volumes, joins its networks and writes its bundle. They stay until it has been started
 * and has ended, or `container cleanup`. Throws kind `not-found`, `conflict` for one that runs or is prepared already.
 */
export async function initContainer(store: Store, name: string): Promise<void> {
  const record = findContainer(store, name);
  const failure = await prepare(store, record);
  if (failure !== undefined) {
    await cleanupContainer(store, record.id);
    throw failure.error;
  }
  recordContainerEvent(store, record, 'init');
}

/** What went wrong after something had been made, which is to be given back. */
async function prepare(store: Store, record: ContainerRecord): Promise<{ error: unknown } | undefined> {
  const { id } = record;
  using _alone = await lock(store.path('containers', id));
  if (!mayInit(store, id)) {
    throw new WherryError('conflict', `container ${id} has already been created in runtime: container state improper`);
  }
  await leaveSession(store.host.uid);
  writeHeld(store, id, { prepared: true });
  try {
    await prepareBundle(store, record, {});
    return undefined;
  } catch (error) {
    return { error };
  }
}

/** Is there anything left to be prepared? */
export function mayInit(store: Store, id: string): boolean {
  return !isRunning(readState(store, id)) && !readHeld(store, id).prepared;
}
