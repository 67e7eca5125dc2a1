/**
 * RUN --mount=type=cache: directories that stay from build to build, `build/cache-mounts/<key>/<n>`. shared: one for all;
 * locked: one, and who comes later waits; private: one more where the others are in use.
 */
import { chmodSync, chownSync, mkdirSync, renameSync, statSync, utimesSync } from 'node:fs';
import { join } from 'node:path';
import { keyOf } from '#build/solve/cache.ts';
import { treeId } from '#build/solve/keys.ts';
import type { SolvedMount } from '#build/solve/means.ts';
import type { Store } from '#store/store.ts';
import { type Lock, lock, replace, tryLock } from '#sys/file.ts';

export interface CacheMount extends Disposable {
  path: string;
}

/** Waits for a locked one until the build is given up. */
export async function openCache(store: Store, mount: SolvedMount, abort: AbortSignal): Promise<CacheMount> {
  const folder = store.path('build', 'cache-mounts', cacheKey(mount));
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  replace(join(folder, 'mount.json'), JSON.stringify({ id: mount.id ?? mount.target }));
  const { place, held } = await choose(folder, mount, abort);
  const path = join(place, 'data');
  try {
    if (statSync(path, { throwIfNoEntry: false }) === undefined) await fill(store, mount, path);
    utimesSync(place, new Date(), new Date());
    return { path, [Symbol.dispose]: () => held?.[Symbol.dispose]() };
  } catch (error) {
    held?.[Symbol.dispose]();
    throw error;
  }
}

/** With another origin it is another cache. */
function cacheKey({ id, target, from, source }: SolvedMount): string {
  const origin = from?.kind === 'tree' ? [treeId(from.layers), source ?? '/'] : [];
  return keyOf(['cache', id ?? target, ...origin]);
}

async function choose(
  folder: string,
  { sharing = 'shared' }: SolvedMount,
  abort: AbortSignal,
): Promise<{ place: string; held: Lock | undefined }> {
  if (sharing !== 'private') {
    const place = join(folder, '0');
    mkdirSync(place, { recursive: true, mode: 0o700 });
    // Who shares it keeps it from being pruned; who wants it alone waits for all of them.
    return { place, held: sharing === 'shared' ? await lock(place, { shared: true }) : await lockUnless(place, abort) };
  }
  for (let number = 0; ; number += 1) {
    const place = join(folder, String(number));
    mkdirSync(place, { recursive: true, mode: 0o700 });
    const held = await tryLock(place);
    if (held !== undefined) return { place, held };
  }
}

async function lockUnless(place: string, abort: AbortSignal): Promise<Lock> {
  for (let pause = 1; ; pause = Math.min(pause * 2, 50)) {
    abort.throwIfAborted();
    const held = await tryLock(place);
    if (held !== undefined) return held;
    await new Promise((resolve) => setTimeout(resolve, pause));
  }
}

async function fill(store: Store, { from, source, uid, gid, mode }: SolvedMount, path: string): Promise<void> {
  const staged = `${path}.new`;
  mkdirSync(staged, { recursive: true, mode: 0o755 });
  if (from !== undefined) {
    const { copyTree } = await import('#build/solve/origin.ts');
    await copyTree(store, from, source ?? '/', staged);
  } else {
    chmodSync(staged, mode ?? 0o755);
    chownSync(staged, uid ?? 0, gid ?? 0);
  }
  renameSync(staged, path);
}
