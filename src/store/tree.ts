/**
 * Paths below the current root, which is a layer: names as strings of one character a byte (latin1), without leading
 * slash, `.` or `..`; the root itself is the empty string.
 */
import { lstatSync, mkdirSync, readdirSync, rmSync } from 'node:fs';
import { hasCode } from '#base/error.ts';
import type { Path } from '#sys/ffi.ts';

/**
 * A member's name as a path. `..` stops at the root, as it does for Docker and podman, which unpack in a chroot too:
 * `../../etc/passwd` is `etc/passwd`.
 */
export function cleanName(name: string): string {
  if (!/(?:^|\/)\.{0,2}(?:\/|$)/.test(name)) return name;
  const parts: string[] = [];
  for (const part of name.split('/')) {
    if (part === '..') parts.pop();
    else if (part !== '' && part !== '.') parts.push(part);
  }
  return parts.join('/');
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: that is what ASCII is
const ASCII = /^[\x00-\x7f]*$/;

/** A path as Node and the kernel take it. ASCII goes as a string, which is faster. */
export function raw(path: string): Path {
  if (path === '') return '.';
  return ASCII.test(path) ? path : Buffer.from(path, 'latin1');
}

/** The directory that a path is in; the root's own is the root. */
export function parentOf(path: string): string {
  return path.slice(0, Math.max(0, path.lastIndexOf('/')));
}

/**
 * Runs what makes something new at a path. Only when that is refused, makes what is missing of its parents, or calls
 * `makeWay` for what is there already, and tries again: most members need neither.
 */
export function withPlace<T>(path: string, action: (at: Path) => T, makeWay: (path: string) => void): T {
  const at = raw(path);
  for (let attempt = 1; ; attempt += 1) {
    try {
      return action(at);
    } catch (error) {
      if (attempt > 2) throw error;
      if (hasCode(error, 'ENOENT')) makeParents(path);
      else if (hasCode(error, 'EEXIST')) makeWay(path);
      else throw error;
    }
  }
}

/** Parents that a layer does not name are root's with mode 0755, as with Docker. */
function makeParents(path: string): void {
  for (let slash = path.indexOf('/'); slash !== -1; slash = path.indexOf('/', slash + 1)) {
    const parent = raw(path.slice(0, slash));
    if (lstatSync(parent, { throwIfNoEntry: false }) === undefined) mkdirSync(parent, 0o755);
  }
}

/** Removes whatever is there; links are not followed. */
export function removeExisting(path: string): void {
  rmSync(raw(path), { recursive: true, force: true });
}

/** The bytes of all files, each hard-linked one once, as Docker counts a layer's size. */
export function contentSize(directory: string, seen = new Set<number>()): number {
  let size = 0;
  for (const name of readdirSync(raw(directory), { encoding: 'latin1' as 'utf8' })) {
    const path = directory === '' ? name : `${directory}/${name}`;
    const stat = lstatSync(raw(path));
    if (stat.isDirectory()) {
      size += contentSize(path, seen);
    } else if (!seen.has(stat.ino)) {
      if (stat.nlink > 1) seen.add(stat.ino);
      size += stat.size;
    }
  }
  return size;
}

/** A name for a message: one line, short, without control characters. */
export function printable(name: string): string {
  const text = Buffer.from(name.slice(0, 120), 'latin1').toString();
  return text.replace(/[^\P{C}]/gu, '?') + (name.length > 120 ? '…' : '');
}
