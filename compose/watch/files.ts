/** Changes of files below some paths, as inotify(7) tells them, directory by directory. */
import { type FSWatcher, lstatSync, readdirSync, watch } from 'node:fs';
import { dirname, join } from 'node:path';
import { hasCode, WherryError } from '#base/error.ts';
import { isWithin, type Rule } from '#compose/watch/rules.ts';

export interface Watching {
  /** Paths, some of which need not be there yet. */
  roots: readonly string[];
  /** A directory that is not entered. */
  isClosed: (directory: string) => boolean;
  /** Told of each file or directory that came, changed or went, perhaps several times. */
  changed: (path: string) => void;
}

/**
 * Watches from now on, and until it is disposed of. Links are not followed. What is in a directory that comes is told
 * of too: it may have been filled before anybody could watch it. Throws kind `unavailable` where the kernel has no more.
 */
export function watchFiles({ roots, isClosed, changed }: Watching): Disposable {
  const watchers = new Map<string, FSWatcher>();
  const isWanted = (path: string) => roots.some((root) => isWithin(root, path));

  function follow(directory: string, isNew: boolean): void {
    if (watchers.has(directory) || (isWanted(directory) && isClosed(directory))) return;
    const heard = (_: string, name: string | null) => name !== null && seen(join(directory, name));
    const watcher = tried(directory, () => watch(directory, heard));
    if (watcher === undefined) return;
    watcher.on('error', () => forget(directory));
    watchers.set(directory, watcher);
    if (isWanted(directory)) enter(directory, isNew);
  }

  function enter(directory: string, isNew: boolean): void {
    for (const entry of tried(directory, () => readdirSync(directory, { withFileTypes: true })) ?? []) {
      const path = join(directory, entry.name);
      if (isNew) changed(path);
      if (entry.isDirectory()) follow(path, isNew);
    }
  }

  function seen(path: string): void {
    if (isWanted(path)) changed(path);
    const status = lstatSync(path, { throwIfNoEntry: false });
    if (status === undefined) forget(path);
    if (!status?.isDirectory()) return;
    if (isWanted(path)) follow(path, true);
    // The next step on the way to a root that was not there.
    for (const root of roots.filter((one) => isWithin(path, one))) begin(root, true);
  }

  function forget(path: string): void {
    for (const [directory, watcher] of watchers)
      if (isWithin(path, directory)) {
        watcher.close();
        watchers.delete(directory);
      }
  }

  /** A file's directory is watched: editors put a new file in the place of the old one. */
  function begin(root: string, isNew: boolean): void {
    const status = lstatSync(root, { throwIfNoEntry: false });
    if (isNew && status !== undefined) changed(root);
    if (status?.isDirectory()) follow(root, isNew);
    follow(above(root), false);
  }

  const close = () => forget('/');
  try {
    for (const root of roots) begin(root, false);
  } catch (error) {
    close();
    throw error;
  }
  return { [Symbol.dispose]: close };
}

/** The files at or below a path that a rule covers; no directories, and nothing in those that are closed. */
export function filesBelow(path: string, rule: Pick<Rule, 'covers' | 'isClosed'>): string[] {
  const status = lstatSync(path, { throwIfNoEntry: false });
  if (!status?.isDirectory()) return status !== undefined && rule.covers(path) ? [path] : [];
  if (rule.isClosed(path)) return [];
  const names = tried(path, () => readdirSync(path)) ?? [];
  return names.flatMap((name) => filesBelow(join(path, name), rule));
}

/** The nearest directory above it that is there. */
function above(path: string): string {
  const directory = dirname(path);
  const isThere = lstatSync(directory, { throwIfNoEntry: false })?.isDirectory() ?? false;
  return isThere || directory === path ? directory : above(directory);
}

/** undefined: it is gone, or not ours to see. */
function tried<T>(path: string, work: () => T): T | undefined {
  try {
    return work();
  } catch (error) {
    if (hasCode(error, 'ENOENT', 'ENOTDIR', 'EACCES')) return undefined;
    if (!hasCode(error, 'ENOSPC', 'EMFILE')) throw error;
    throw new WherryError('unavailable', `Cannot watch "${path}": the kernel's limit of watches is reached`, {
      hint: 'Ignore directories that needn’t be watched, or have root raise fs.inotify.max_user_watches',
      cause: error,
    });
  }
}
