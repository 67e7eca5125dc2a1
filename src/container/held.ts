/**
 * What keeps a container's root mounted although it does not run: counted mounts (`mount`), and a start that is prepared
 * (`init`). Both are noted beside the record, and are true in the mount namespace only in which they were made.
 */
import { existsSync, readlinkSync, rmSync } from 'node:fs';
import type { Store } from '#store/store.ts';
import { readJson, replace } from '#sys/file.ts';

interface Held {
  /** The namespace's number, and the boot in which it had it. */
  namespace: string;
  bootId: string;
  /** How many mounts have not been taken back. */
  count: number;
  prepared: boolean;
}

const pathOf = (store: Store, id: string) => store.path('containers', id, 'held.json');

const here = (store: Store) => ({ namespace: readlinkSync('/proc/self/ns/mnt'), bootId: store.bootId });

const NOTHING = { count: 0, prepared: false };

/** What holds it here and now. */
export function readHeld(store: Store, id: string): Pick<Held, 'count' | 'prepared'> {
  // Of most containers there is nothing, and each end of one asks.
  if (!existsSync(pathOf(store, id))) return NOTHING;
  const { namespace, bootId } = here(store);
  const held = readJson<Held>(pathOf(store, id));
  return held?.namespace === namespace && held.bootId === bootId ? held : NOTHING;
}

/** Notes what holds it from now on. Under the container's lock. */
export function writeHeld(store: Store, id: string, change: Partial<Pick<Held, 'count' | 'prepared'>>): void {
  const { count, prepared } = { ...readHeld(store, id), ...change };
  if (count === 0 && !prepared) rmSync(pathOf(store, id), { force: true });
  else replace(pathOf(store, id), JSON.stringify({ ...here(store), count, prepared }));
}
