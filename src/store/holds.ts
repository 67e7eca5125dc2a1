/**
 * What a command that is at work counts on: blobs and layers that no image in the index needs yet, or not for long. Who
 * takes away what nobody needs leaves these. A file in tmp/ lists them, and counts for as long as its maker holds it by
 * flock: what a killed command brought is nobody's.
 */
import { closeSync, readdirSync, rmSync, writeSync } from 'node:fs';
import { hasCode } from '#base/error.ts';
import { stageFile, stagingName } from '#store/staging.ts';
import type { Store } from '#store/store.ts';
import { asStorageError, readText, tryLock } from '#sys/file.ts';

/** Digests of blobs, and diff IDs of layers. */
export interface Parts {
  blobs: readonly string[];
  diffIds: readonly string[];
}

/**
 * Holds these until disposed of. Under the catalogue's lock: then who is deleting has done so, and what is there stays.
 * The disposal comes after the new entries are in the index. Throws kind `unavailable` on a full disk.
 */
export function holdParts(store: Store, { blobs, diffIds }: Parts): Disposable {
  const path = store.path('tmp', stagingName('hold'));
  const fd = stageFile(path);
  try {
    writeSync(fd, [...blobs.map((digest) => `blob ${digest}\n`), ...diffIds.map((id) => `layer ${id}\n`)].join(''));
  } catch (error) {
    rmSync(path, { force: true });
    closeSync(fd);
    throw asStorageError(error, path);
  }
  return {
    [Symbol.dispose]: () => {
      rmSync(path, { force: true });
      closeSync(fd);
    },
  };
}

/** What living commands hold. Only under the catalogue's lock: else a hold may come between the question and its use. */
export async function heldParts(store: Store): Promise<{ blobs: Set<string>; diffIds: Set<string> }> {
  const held = { blobs: new Set<string>(), diffIds: new Set<string>() };
  for (const name of readdirSync(store.path('tmp'))) {
    if (!name.startsWith('hold-') || !(await isLocked(store.path('tmp', name)))) continue;
    for (const line of (readText(store.path('tmp', name)) ?? '').split('\n')) {
      const [kind, digest = ''] = line.split(' ');
      if (kind === 'blob') held.blobs.add(digest);
      else if (kind === 'layer') held.diffIds.add(digest);
    }
  }
  return held;
}

/** Does a living process hold this file? Asked for shared, so that two who ask at once do not take each other for holders. */
export async function isLocked(path: string): Promise<boolean> {
  try {
    using free = await tryLock(path, { shared: true });
    return free === undefined;
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return false;
    throw error;
  }
}
