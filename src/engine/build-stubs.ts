/** What a runtime makes to mount on, in a tree that lacks it: taken away when the step has ended, as BuildKit does. */
import { lstatSync, readdirSync, rmdirSync, unlinkSync } from 'node:fs';
import { dirname } from 'node:path';
import { hasCode } from '#base/error.ts';
import { setTimes } from '#sys/ffi.ts';
import { resolveInRoot } from '#sys/rooted.ts';

/** What is missing at these paths of a mounted root, the deepest first. */
export function missingPlaces(root: string, paths: readonly string[]): string[] {
  const missing = paths.flatMap((path) => {
    const found: string[] = [];
    for (let at = resolveInRoot(root, path); at !== root && isMissing(at); at = dirname(at)) found.push(at);
    return found;
  });
  return [...new Set(missing)].sort((one, other) => other.length - one.length);
}

/** Removes those that are there now and are empty; a directory that they were in has its times again. */
export function removeStubs(missing: readonly string[]): void {
  for (const path of missing) {
    const stat = lstatSync(path, { throwIfNoEntry: false });
    if (stat === undefined) continue;
    if (stat.isDirectory() ? readdirSync(path).length > 0 : stat.size > 0 || !stat.isFile()) continue;
    const { atimeNs, mtimeNs } = lstatSync(dirname(path), { bigint: true });
    if (stat.isDirectory()) rmdirSync(path);
    else unlinkSync(path);
    setTimes(dirname(path), atimeNs, mtimeNs);
  }
}

function isMissing(path: string): boolean {
  try {
    return lstatSync(path, { throwIfNoEntry: false }) === undefined;
  } catch (error) {
    if (hasCode(error, 'ENOTDIR')) return true;
    throw error;
  }
}
