/** The host's side of a copy: what the user's own paths are, in the words of Docker's client where they don't do. */
import { type BigIntStats, lstatSync, readlinkSync, realpathSync, type Stats, statSync } from 'node:fs';
import { posix } from 'node:path';
import { reasonOf } from '#base/errno.ts';
import { hasCode, WherryError } from '#base/error.ts';
import { type CopyPoint, type CopySource, clean, followed, keepEnding, splitPath } from '#container/copy-paths.ts';
import { resolveInRoot } from '#sys/rooted.ts';

/** A local path from the root, its ending kept. */
export const absolute = (path: string) => keepEnding(posix.resolve(path), path);

function refuse(message: string, cause?: unknown): WherryError {
  return new WherryError('invalid', message, { cause });
}

/** A system call on a user's path; what it refuses is told as Go's os package tells it. */
function attempt<T>(call: string, path: string, action: () => T): T {
  try {
    return action();
  } catch (error) {
    const reason = reasonOf(error);
    throw reason === undefined ? error : refuse(`${call} ${path}: ${reason}`, error);
  }
}

/** May something be written there at all? Throws kind `invalid` in Docker's words. */
export function checkOutput(path: string): void {
  const directory = splitPath(clean(path)).directory;
  if (directory !== '.' && statSync(directory, { throwIfNoEntry: false }) === undefined) {
    throw refuse(`invalid output path: directory ${JSON.stringify(directory)} does not exist`);
  }
  const what = attempt('stat', path, () => statIfThere(path));
  const why = what === undefined ? undefined : oddity(what);
  if (why === undefined) return;
  throw refuse(`invalid output path: ${JSON.stringify(path)} must be a directory or a regular file: ${why}`);
}

function statIfThere(path: string): Stats | undefined {
  try {
    return statSync(path);
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return undefined;
    throw error;
  }
}

/** What keeps a file from being written to; undefined where nothing does. */
export function oddity(stat: Pick<BigIntStats, 'isBlockDevice' | 'isCharacterDevice'>): string | undefined {
  return stat.isBlockDevice() || stat.isCharacterDevice() ? 'got a device' : undefined;
}

/** A source on the host: links on the way are followed, the last one only where that is asked for. */
export function sourceOutside(path: string, followLink: boolean): CopySource {
  const source = followLink ? followedSource(path) : plainSource(path);
  const stat = attempt('lstat', source.path, () => lstatSync(source.path));
  return { ...source, isDirectory: stat.isDirectory() };
}

function followedSource(path: string): { path: string; rename?: string } {
  return followed(path, evaluate(path));
}

function plainSource(path: string): { path: string; rename?: string } {
  const slash = path.lastIndexOf('/') + 1;
  const directory = evaluate(path.slice(0, slash));
  const resolved = `${directory.replace(/\/$/, '')}/${path.slice(slash)}`;
  const renamed = path.endsWith('/') && posix.basename(path) !== posix.basename(resolved);
  return renamed ? { path: resolved, rename: posix.basename(path) } : { path: resolved };
}

/** filepath.EvalSymlinks: each step is looked at by lstat, and only a directory has something below it. */
function evaluate(path: string): string {
  try {
    return realpathSync.native(path);
  } catch (error) {
    if (hasCode(error, 'ENOTDIR')) throw refuse('not a directory', error);
    const reason = reasonOf(error);
    throw reason === undefined ? error : refuse(`lstat ${missingPart(path)}: ${reason}`, error);
  }
}

/** The first part of where a path leads that can't be seen. */
function missingPart(path: string): string {
  const parts = resolveInRoot('/', path).split('/');
  for (let count = 2; count < parts.length; count += 1) {
    const part = parts.slice(0, count).join('/');
    if (lstatSync(part, { throwIfNoEntry: false }) === undefined) return part;
  }
  return parts.join('/');
}

/** Docker's, for links at the end of a destination. */
const MOST_LINKS = 10;

/** A destination on the host: links at its end are followed, also to what is not there yet in a directory that is. */
export function destinationOutside(path: string): CopyPoint {
  let at = path;
  for (let links = 0; ; links += 1) {
    const stat = attempt('lstat', at, () => lstatIfThere(at));
    if (stat === undefined) return absent(at);
    if (!stat.isSymbolicLink()) return { path: at, exists: true, isDirectory: stat.isDirectory() };
    if (links > MOST_LINKS) throw refuse(`too many symlinks in ${path}`);
    const target = attempt('readlink', at, () => readlinkSync(at));
    at = target.startsWith('/') ? target : posix.join(splitPath(at).directory, target);
  }
}

function lstatIfThere(path: string): Stats | undefined {
  try {
    return lstatSync(path);
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return undefined;
    throw error;
  }
}

function absent(path: string): CopyPoint {
  const { directory } = splitPath(path);
  const parent = attempt('stat', directory, () => statSync(directory));
  if (!parent.isDirectory()) throw refuse('not a directory');
  return { path, exists: false, isDirectory: false };
}
