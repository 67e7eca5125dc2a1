/**
 * The names under which targets of one bake find each other's images. They carry the process that made them, so that another
 * can tell which are left of one that was killed.
 */
import { existsSync } from 'node:fs';
import { removeImages } from '#engine/images.ts';
import { readCatalog } from '#image/catalog.ts';
import type { Store } from '#store/store.ts';

const REPOSITORY = 'localhost/wherry-bake';

/** A repository for this bake alone. */
export const linkedPrefix = () => `${REPOSITORY}-${process.pid}-${Date.now()}`;

/** Removes these names; what they meant stays in the cache, or under its other names. Those that are not there are none. */
export async function forgetLinked(store: Store, names: readonly string[]): Promise<void> {
  if (names.length === 0) return;
  for await (const _ of removeImages(store, names, { force: true, prune: true, platforms: [] }));
}

/** Removes the names that killed bakes have left. */
export async function forgetDeadLinked(store: Store): Promise<void> {
  const left = readCatalog(store).flatMap(({ name = '' }) => {
    const pid = name.startsWith(`${REPOSITORY}-`) ? /^\d+/.exec(name.slice(REPOSITORY.length + 1))?.[0] : undefined;
    return pid === undefined || existsSync(`/proc/${pid}`) ? [] : [name];
  });
  await forgetLinked(store, left);
}
