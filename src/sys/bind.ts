/** Bind mounts of one part of a tree that somebody may be changing. */
import { closeSync, constants, fstatSync, mkdirSync, openSync, writeFileSync } from 'node:fs';
import { MS, mount } from '#sys/ffi.ts';
import { O_PATH, openInRoot } from '#sys/rooted.ts';

/**
 * Binds what a relative path leads to in `root` at `target`, which is made; links on the way stay inside of root. What
 * was found is what is mounted, whatever becomes of the path meanwhile. Throws the system's error (`code`).
 */
export function bindInRoot(root: string, path: string, target: string): void {
  const top = openSync(root, constants.O_RDONLY | constants.O_DIRECTORY);
  try {
    const part = openInRoot(top, path, O_PATH);
    try {
      if (fstatSync(part).isDirectory()) mkdirSync(target, { recursive: true });
      else writeFileSync(target, '');
      mount(`/proc/self/fd/${part}`, target, null, MS.BIND | MS.REC, null);
    } finally {
      closeSync(part);
    }
  } finally {
    closeSync(top);
  }
}
