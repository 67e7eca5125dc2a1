/** Files that stay whole: replaced by rename, reserved by exclusive link, locked by flock. */
import {
  closeSync,
  constants,
  fchmodSync,
  fstatSync,
  fsyncSync,
  linkSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  unlinkSync,
  writeSync,
} from 'node:fs';
import { dirname } from 'node:path';
import { FREE_SPACE } from '#base/errno.ts';
import { hasCode, WherryError } from '#base/error.ts';

let counter = 0;

/** A name beside `path` that no other process and no other call uses. */
function beside(path: string): string {
  counter += 1;
  return `${path}.${process.pid}.${counter}.tmp`;
}

interface WriteOptions {
  durable?: boolean;
  mode?: number;
}

/**
 * Writes a file so that others see the old or the new content, never a part of it.
 * durable: on disk before the rename (fsync(2)), for what a power cut must not take.
 */
export function replace(path: string, data: string | Buffer, options: WriteOptions = {}): void {
  const staged = beside(path);
  writeNew(staged, data, options);
  try {
    renameSync(staged, path);
  } catch (error) {
    rmSync(staged, { force: true });
    throw asStorageError(error, path);
  }
}

/** A new file, whole or not at all. */
function writeNew(path: string, data: string | Buffer, options: WriteOptions) {
  try {
    writeAll(path, data, options);
  } catch (error) {
    rmSync(path, { force: true });
    throw asStorageError(error, path);
  }
}

function writeAll(path: string, data: string | Buffer, { durable, mode }: WriteOptions): void {
  const fd = openSync(path, 'wx', mode ?? 0o600);
  try {
    const bytes = typeof data === 'string' ? Buffer.from(data) : data;
    for (let written = 0; written < bytes.length; ) written += writeSync(fd, bytes, written);
    if (mode !== undefined) fchmodSync(fd, mode);
    if (durable) fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}

/**
 * Takes a name: makes `path` with this content unless it is there. The content is there as soon as the name is.
 * @returns false when somebody has it already
 */
export function reserve(path: string, content: string): boolean {
  const staged = beside(path);
  writeNew(staged, content, {});
  try {
    linkSync(staged, path);
    return true;
  } catch (error) {
    if (hasCode(error, 'EEXIST')) return false;
    throw asStorageError(error, path);
  } finally {
    unlinkSync(staged);
  }
}

/** A file's text, or undefined where it is absent, or about a process that has ended. */
export function readText(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    if (hasCode(error, 'ENOENT', 'ENOTDIR', 'ESRCH')) return undefined;
    throw error;
  }
}

/** A file's JSON, or undefined where it is absent. Throws kind `corrupt` where it does not parse. */
export function readJson<T>(path: string): T | undefined {
  const text = readText(path);
  if (text === undefined) return undefined;
  try {
    return JSON.parse(text) as T;
  } catch (cause) {
    throw new WherryError('corrupt', `Cannot read "${path}": it is not valid JSON`, {
      hint: 'Run `wherry system check --repair`, or remove what the file belongs to',
      cause,
    });
  }
}

const STORAGE_REASONS: Record<string, string> = {
  ENOSPC: 'no space left on the device',
  EDQUOT: 'no space left on the device',
  EROFS: 'the file system is read-only',
  EFBIG: 'the file would be larger than the file system, or a limit (ulimit -f), allows',
};

/** What is the user's to mend: a disk or quota that is full, a file system that takes no more. All else stays as it is. */
export function asStorageError(error: unknown, path: string): unknown {
  const why = STORAGE_REASONS[(error as NodeJS.ErrnoException | null)?.code ?? ''];
  if (why === undefined) return error;
  return new WherryError('unavailable', `Cannot write in "${dirname(path)}": ${why}`, {
    hint: FREE_SPACE,
    cause: error,
  });
}

/** Held until disposed of, or until the process ends. */
export interface Lock extends Disposable {
  readonly fd: number;
}

export interface LockOptions {
  shared?: boolean;
  /** Answer undefined at once instead of waiting for another holder. */
  tryOnly?: boolean;
}

/**
 * flock(2) on a file or directory itself. Waits without blocking the event loop: others' locks are short.
 * Throws ENOENT when the path is gone (also when it went while we waited).
 */
export async function lock(path: string, options: LockOptions = {}): Promise<Lock> {
  for (let pause = 1; ; pause = Math.min(pause * 2, 50)) {
    const held = await tryLock(path, options);
    if (held !== undefined) return held;
    await new Promise((resolve) => setTimeout(resolve, pause));
  }
}

/** As lock(), but undefined when another holds it now. */
export async function tryLock(path: string, { shared = false }: LockOptions = {}): Promise<Lock | undefined> {
  const { flock, LOCK } = await import('#sys/ffi.ts');
  const fd = openSync(path, constants.O_RDONLY);
  try {
    flock(fd, (shared ? LOCK.SH : LOCK.EX) | LOCK.NB);
  } catch (error) {
    closeSync(fd);
    if (hasCode(error, 'EWOULDBLOCK', 'EAGAIN')) return undefined;
    throw error;
  }
  if (!leadsTo(path, fd)) {
    // Removed or replaced while we asked: whoever comes now would lock another.
    closeSync(fd);
    return tryLock(path, { shared });
  }
  return { fd, [Symbol.dispose]: () => closeSync(fd) };
}

function leadsTo(path: string, fd: number): boolean {
  const now = statSync(path, { throwIfNoEntry: false });
  const held = fstatSync(fd);
  return now !== undefined && now.ino === held.ino && now.dev === held.dev;
}

/** mkdir -p with an exact mode for what is made, whatever the umask. */
export function makeDirectory(path: string, mode = 0o700): void {
  mkdirSync(path, { recursive: true, mode });
}

/**
 * rm -rf that also enters directories without permission bits (images have them) and never follows a link.
 * What is a mount point inside is not entered: it fails with EBUSY.
 */
export function removeTree(path: string): void {
  rmSync(path, { recursive: true, force: true, maxRetries: 2 });
}
