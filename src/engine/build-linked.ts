/**
 * The names under which targets of one bake find each other's images. Each bake holds a file for as long as it runs, and its
 * names carry that file's, so that another can tell which are left of one that was killed.
 */
import { closeSync, mkdirSync, rmSync } from 'node:fs';
import { removeImages } from '#engine/images.ts';
import { readCatalog } from '#image/catalog.ts';
import { isLocked } from '#store/holds.ts';
import { stageFile, stagingName } from '#store/staging.ts';
import type { Store } from '#store/store.ts';

const REPOSITORY = 'localhost/wherry-bake';
/** With the name of the file that its bake holds. */
const LINKED = new RegExp(`^${REPOSITORY}-(hold-[a-z0-9-]+):`);
/** Beside the notes of builds: who finds one that nobody holds takes it away (dropLeftLayers). */
const FOLDER = ['build', 'work'];

export interface Linking extends Disposable {
  /** A repository for this bake alone. */
  prefix: string;
}

/** Until it is disposed of the names that begin with its prefix are those of a bake at work. */
export function openLinking(store: Store): Linking {
  mkdirSync(store.path(...FOLDER), { recursive: true, mode: 0o700 });
  const name = stagingName('hold');
  const path = store.path(...FOLDER, name);
  const fd = stageFile(path);
  return {
    prefix: `${REPOSITORY}-${name}`,
    [Symbol.dispose]: () => {
      rmSync(path, { force: true });
      closeSync(fd);
    },
  };
}

/** Removes these names; what they meant stays in the cache, or under its other names. Those that are not there are none. */
export async function forgetLinked(store: Store, names: readonly string[]): Promise<void> {
  if (names.length === 0) return;
  for await (const _ of removeImages(store, names, { force: true, prune: true, platforms: [] }));
}

/** Removes the names that killed bakes have left. */
export async function forgetDeadLinked(store: Store): Promise<void> {
  const left: string[] = [];
  for (const { name = '' } of readCatalog(store)) {
    const held = LINKED.exec(name)?.[1];
    if (held !== undefined && !(await isLocked(store.path(...FOLDER, held)))) left.push(name);
  }
  await forgetLinked(store, left);
}
