/** rm --link: one of a container's own names for others, of --link, is taken away. */
import { WherryError } from '#base/error.ts';
import { findContainer, readRecord, replaceRecord } from '#container/names.ts';
import type { ContainerRecord } from '#container/record.ts';
import { isRunning, readState } from '#container/state.ts';
import { changeHosts } from '#engine/connect.ts';
import { readLink } from '#network/endpoints.ts';
import { forgetLink } from '#network/leases.ts';
import type { Store } from '#store/store.ts';
import { lock } from '#sys/file.ts';

/**
 * text: `CONTAINER/ALIAS`. A container that runs keeps what its environment says of the other one, as with Docker; links
 * on networks of the user's stay. Throws kind `not-found` or `conflict` in Docker's words.
 */
export async function removeLink(store: Store, text: string): Promise<void> {
  const [, name = '', alias = ''] = /^\/?([^/]*)\/?(.*)$/.exec(text) ?? [];
  const { id } = owner(store, name, text);
  if (alias === '') {
    throw new WherryError('conflict', 'Conflict, cannot remove the default link name of the container');
  }
  using _held = await lock(store.path('containers', id));
  const record = readRecord(store, id);
  const links = record?.hostConfig.Links ?? [];
  const left = links.filter((link) => readLink(link).alias !== alias);
  if (record === undefined || left.length === links.length) throw absent(text);
  replaceRecord(store, { ...record, hostConfig: { ...record.hostConfig, Links: left.length === 0 ? null : left } });
  if (!isRunning(readState(store, id))) return;
  await forgetLink(store, id, alias);
  changeHosts(store, { id }, { names: [alias], entries: [] });
}

const absent = (text: string) => new WherryError('not-found', `No such container: ${text}`);

function owner(store: Store, name: string, text: string): ContainerRecord {
  try {
    return findContainer(store, name);
  } catch (error) {
    if (error instanceof WherryError && error.kind === 'not-found') throw absent(text);
    throw error;
  }
}
