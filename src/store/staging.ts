/**
 * Places in tmp/ where things grow until they are whole. Each is held by a flock of the process that fills it, so that
 * sweep() can tell what is being made from what a killed command left: the kernel lets go of a dead process's locks.
 */
import { closeSync, constants, fchmodSync, fstatSync, fsync, mkdirSync, openSync } from 'node:fs';
import { promisify } from 'node:util';
import { hasCode } from '#base/error.ts';
import { flock, LOCK } from '#sys/ffi.ts';
import { asStorageError } from '#sys/file.ts';

let counter = 0;

/** A name for `tmp/` that nobody else uses, also not a process of the same id in another pid namespace. */
export function stagingName(kind: 'blob' | 'layer' | 'container' | 'context' | 'gone' | 'hold' | 'step'): string {
  counter += 1;
  const moment = process.hrtime.bigint().toString(36);
  return `${kind}-${process.pid}-${moment}-${counter}`;
}

/** Makes a new file and holds it. The descriptor is open for writing and is the lock. */
export function stageFile(path: string): number {
  return held(path, () => openSync(path, 'wx', 0o600));
}

/** Makes a new directory and holds it by the descriptor. */
export function stageDirectory(path: string, mode: number): number {
  return held(path, () => {
    mkdirSync(path, { mode });
    const fd = openSync(path, constants.O_RDONLY | constants.O_DIRECTORY);
    // Whatever the umask.
    fchmodSync(fd, mode);
    return fd;
  });
}

/** Between the making and the lock, a sweep may have taken the thing for a dead one's: then it is made once more. */
function held(path: string, make: () => number): number {
  for (;;) {
    let fd: number;
    try {
      fd = make();
    } catch (error) {
      if (hasCode(error, 'ENOENT')) continue;
      throw asStorageError(error, path);
    }
    flock(fd, LOCK.EX);
    if (fstatSync(fd).nlink > 0) return fd;
    closeSync(fd);
  }
}

/** A rename is on the disk when the directory is: without this some file systems forget it at a power cut. */
export async function syncDirectory(path: string): Promise<void> {
  const fd = openSync(path, 'r');
  try {
    await promisify(fsync)(fd);
  } finally {
    closeSync(fd);
  }
}
