/** rename: a container's name is what its record says; both names are reserved for it meanwhile. */
import { WherryError } from '#base/error.ts';
import { recordContainerEvent, writeEventFile } from '#container/event.ts';
import { findContainer, readRecord, releaseName, replaceRecord, reserveName } from '#container/names.ts';
import type { ContainerRecord } from '#container/record.ts';
import { isRunning, readState } from '#container/state.ts';
import type { Store } from '#store/store.ts';
import { lock } from '#sys/file.ts';

/**
 * Gives a container another name, whether it runs or not. It has the old one until it has the new one. then: what else
 * has to know of it, while nobody starts or removes the container. Throws kind `not-found`, `conflict`, `unavailable` in
 * Docker's words.
 */
export async function renameContainer(
  store: Store,
  name: string,
  newName: string,
  then: (record: ContainerRecord) => Promise<void>,
): Promise<void> {
  const { id } = findContainer(store, name);
  using _held = await lock(store.path('containers', id));
  const before = readRecord(store, id);
  if (before === undefined) throw new WherryError('not-found', `No such container: ${name}`);
  if (newName.replace(/^\//, '') === before.name) {
    throw new WherryError('unavailable', 'Renaming a container with the same name as its current name');
  }
  const record = { ...before, name: reserve(store, newName, id) };
  replaceRecord(store, record);
  releaseName(store, before.name, id);
  if (isRunning(readState(store, id))) writeEventFile(store, record);
  await then(record);
  recordContainerEvent(store, record, 'rename', { oldName: `/${before.name}` });
}

/** Docker's daemon says where it failed, and has its names with a slash. */
function reserve(store: Store, name: string, id: string): string {
  try {
    return reserveName(store, name, id);
  } catch (error) {
    if (!(error instanceof WherryError)) throw error;
    const said = error.message.replace(/^(Invalid container name \()\/?/, '$1/');
    const kind = error.kind === 'invalid' ? 'unavailable' : error.kind;
    throw new WherryError(kind, `Error when allocating new name: ${said}`, { cause: error });
  }
}
