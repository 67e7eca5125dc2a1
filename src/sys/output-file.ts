/** Files that users name for what they want written: whole in place of a former one, or not there at all. */
import { closeSync, lstatSync, openSync, renameSync, rmSync, type Stats, statSync, writeSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { hasCode, WherryError } from '#base/error.ts';
import { asStorageError } from '#sys/file.ts';
import { randomHex } from '#sys/random.ts';

export interface OutputFile extends Disposable {
  write(bytes: Uint8Array): void;
  /** Gives it its name. Disposed of without, nothing of it stays. */
  commit(): void;
}

/**
 * Opens a new file, which has its name when it is whole; only its owner may read it.
 * Throws kind `invalid` in Docker's words (moby/sys/atomicwriter) where there is none to be made.
 */
export function openOutputFile(path: string): OutputFile {
  checkDestination(path);
  const staged = join(dirname(path), `.tmp-${basename(path).slice(0, 200)}${randomHex(4)}`);
  const fd = attempt(path, () => openSync(staged, 'wx', 0o600));
  let open = true;
  const close = () => {
    if (open) closeSync(fd);
    open = false;
  };
  return {
    write: (bytes) => {
      attempt(path, () => {
        for (let at = 0; at < bytes.length; ) at += writeSync(fd, bytes, at);
      });
    },
    commit: () => {
      close();
      attempt(path, () => renameSync(staged, path));
    },
    [Symbol.dispose]: () => {
      close();
      rmSync(staged, { force: true });
    },
  };
}

/** What is no regular file is never replaced: it may be a device. */
function checkDestination(path: string): void {
  if (path === '') throw new WherryError('invalid', 'file name is empty');
  const directory = dirname(path);
  const parent = statSync(directory, { throwIfNoEntry: false });
  if (parent?.isDirectory() !== true) {
    const why = parent === undefined ? 'no such file or directory' : 'not a directory';
    throw new WherryError('invalid', `invalid output path: stat ${directory}: ${why}`);
  }
  const present = lstatSync(path, { throwIfNoEntry: false });
  const kind = present === undefined || present.isFile() ? undefined : kindOf(present);
  if (kind !== undefined) throw new WherryError('invalid', `cannot write to ${kind}`);
}

function kindOf(stat: Stats): string {
  if (stat.isDirectory()) return 'a directory';
  if (stat.isSymbolicLink()) return 'a symbolic link directly';
  if (stat.isFIFO()) return 'a named pipe (FIFO)';
  if (stat.isSocket()) return 'a socket';
  return `a ${stat.isBlockDevice() ? 'block' : 'character'} device file`;
}

function attempt<T>(path: string, action: () => T): T {
  try {
    return action();
  } catch (error) {
    if (hasCode(error, 'EACCES', 'EPERM')) {
      throw new WherryError('invalid', `open ${path}: permission denied`, { cause: error });
    }
    throw asStorageError(error, path);
  }
}
