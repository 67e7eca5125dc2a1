/**
 * The system calls that Node lacks, one row each, through ffi-rs: the only module that knows it. Calls are synchronous.
 * A failed call throws a `NodeJS.ErrnoException` (`code`, `errno`, `syscall`, `path`), as Node's own fs does, so that
 * callers treat both alike.
 *
 * ffi-rs is loaded on first use: it costs about 5 ms.
 */
import { createRequire } from 'node:module';
import { constants } from 'node:os';
import { hasCode } from '#base/error.ts';

type Value = number | string | Buffer | null;

/** ffi-rs's DataType numbers; its own enum would have to be loaded to be read. */
const I32 = 1;
const I64 = 8;
const BYTES = 10;

/** How ffi-rs is told of an array: its FFITypeTag.Array, and what arrayConstructor() makes. */
const ARRAY = 997;
const bytes = ({ length }: Buffer) => ({ ffiTypeTag: ARRAY, type: BYTES, length });

interface Result {
  value: number;
  errnoCode: number;
}
interface Ffi {
  open(library: { library: string; path: string }): void;
  load(call: object): Result;
}

let loaded: Ffi | undefined;

function ffi(): Ffi {
  if (loaded === undefined) {
    loaded = binding();
    loaded.open({ library: 'c', path: 'libc.so.6' });
  }
  return loaded;
}

/**
 * The native half of ffi-rs by its own name: the package's JavaScript finds out which C library this is, of which there
 * is one, as the pinned Node runs with glibc only, and reads a list of what else there could be. That takes 3 ms.
 */
function binding(): Ffi {
  const load = createRequire(import.meta.url);
  try {
    return load(`@yuuang/ffi-rs-linux-${process.arch}-gnu`) as Ffi;
  } catch (error) {
    if (hasCode(error, 'MODULE_NOT_FOUND')) return load('ffi-rs') as Ffi;
    throw error;
  }
}

/**
 * Ends this process (_exit(2)) where nobody listens for its end: Node takes 1.5 ms to tidy up what the kernel takes away.
 * Does nothing where it would cost the time to load this, or where Node was given options, as for a profile at its end.
 */
export function exitAtOnce(status: number): void {
  if (loaded === undefined || process.listenerCount('exit') > 0 || process.execArgv.length > 0) return;
  call('_exit', 'this process', status);
}

const names = new Map(Object.entries(constants.errno).map(([name, number]) => [number, name]));

/**
 * Calls a function of the C library: for sys/ only. Strings go as NUL-terminated bytes, null as a null pointer, numbers as
 * 64 bits wide. path: what an error names. Throws on -1, with errno.
 */
export function call(name: string, path: string | Buffer, ...values: Value[]): number {
  const paramsValue = values.map((one) => (one === null ? 0 : typeof one === 'string' ? cString(one, name) : one));
  const { value, errnoCode } = ffi().load({
    library: 'c',
    funcName: name,
    retType: I32,
    paramsType: paramsValue.map((one) => (typeof one === 'number' ? I64 : bytes(one))),
    paramsValue,
    errno: true,
    freeResultMemory: false,
  });
  if (value !== -1) return value;
  throw systemError(errnoCode, name, path);
}

/** The error of a call as Node's own fs would throw it. */
export function systemError(number: number, syscall: string, path: string | Buffer): NodeJS.ErrnoException {
  const code = names.get(number) ?? `E${number}`;
  const message = `${code}: ${syscall} '${path}'`;
  return Object.assign(new Error(message), { code, errno: -number, syscall, path: path.toString() });
}

/** Where a buffer's bytes are in memory, for structures with pointers; valid as long as somebody has the buffer. */
export function pointerTo(buffer: Buffer): number {
  const { value } = ffi().load({
    library: 'c',
    // It gives a pointer to the first byte that is equal to the first byte.
    funcName: 'memchr',
    retType: I64,
    paramsType: [bytes(buffer), I64, I64],
    paramsValue: [buffer, buffer[0], 1],
    errno: true,
    freeResultMemory: false,
  });
  return value;
}

const CLOCK_REALTIME = 0;

/**
 * clock_gettime(2): nanoseconds since 1970. Undefined where it would cost the time to load this: Node's own clock has
 * milliseconds, and `performance`, which has more, takes 1 ms to load.
 */
export function realTime(): bigint | undefined {
  if (loaded === undefined) return undefined;
  const time = Buffer.alloc(16);
  call('clock_gettime', 'the clock', CLOCK_REALTIME, time);
  return time.readBigInt64LE(0) * 1_000_000_000n + time.readBigInt64LE(8);
}

/** A text with its NUL at the end. Throws EINVAL where it has one inside. */
export function cString(text: string, syscall: string): Buffer {
  if (text.includes('\0')) {
    throw Object.assign(new Error(`EINVAL: ${syscall} with a NUL byte in its argument`), { code: 'EINVAL', syscall });
  }
  return Buffer.from(`${text}\0`);
}

/** A path as given, or the raw bytes of a file name that is not UTF-8. */
export type Path = string | Buffer;
const c = (path: Path, name: string) =>
  typeof path === 'string' ? cString(path, name) : Buffer.concat([path, Buffer.of(0)]);

/** mount(2) flags. */
export const MS = {
  RDONLY: 1,
  NOSUID: 2,
  NODEV: 4,
  NOEXEC: 8,
  SYNCHRONOUS: 16,
  REMOUNT: 32,
  DIRSYNC: 128,
  NOATIME: 1024,
  NODIRATIME: 2048,
  BIND: 4096,
  REC: 16384,
  PRIVATE: 1 << 18,
  SLAVE: 1 << 19,
  RELATIME: 1 << 21,
  STRICTATIME: 1 << 24,
} as const;

/** mount(2). */
export function mount(source: string, target: string, type: string | null, flags: number, data: string | null): void {
  call('mount', target, source, target, type, flags, data);
}

/** umount2(2); lazy is MNT_DETACH. */
export function umount(target: string, options: { lazy?: boolean } = {}): void {
  call('umount2', target, target, options.lazy ? 2 : 0);
}

/** File type bits of mknod(2). */
export const S_IF = { FIFO: 0o010000, CHR: 0o020000, BLK: 0o060000 } as const;

/** mknod(2). In a user namespace only FIFOs and the overlay whiteout (a character device 0:0) may be made. */
export function mknod(path: Path, mode: number, major = 0, minor = 0): void {
  const device = (major & 0xfff) * 0x100 + (minor & 0xff) + (minor >>> 8) * 0x100000;
  call('mknod', path, c(path, 'mknod'), mode, device);
}

/** lsetxattr(2): on the file itself, never what a link points to. */
export function setxattr(path: Path, name: string, value: Buffer): void {
  call('lsetxattr', path, c(path, 'lsetxattr'), name, value, value.length, 0);
}

/** The most that an attribute's value, or the list of a file's attributes, has (xattr(7)). Made once: a tree has many. */
let attributeRoom: Buffer | undefined;

/** lremovexattr(2); an absent one is fine. */
export function removexattr(path: Path, name: string): void {
  try {
    call('lremovexattr', path, c(path, 'lremovexattr'), name);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENODATA') throw error;
  }
}

/** lgetxattr(2); undefined where the attribute is absent or the file system has none. */
export function getxattr(path: Path, name: string): Buffer | undefined {
  attributeRoom ??= Buffer.alloc(65536);
  try {
    const length = call('lgetxattr', path, c(path, 'lgetxattr'), name, attributeRoom, attributeRoom.length);
    return Buffer.from(attributeRoom.subarray(0, length));
  } catch (error) {
    if (['ENODATA', 'ENOTSUP', 'EOPNOTSUPP'].includes((error as NodeJS.ErrnoException).code ?? '')) return undefined;
    throw error;
  }
}

/** llistxattr(2). */
export function listxattr(path: Path): string[] {
  attributeRoom ??= Buffer.alloc(65536);
  const length = call('llistxattr', path, c(path, 'llistxattr'), attributeRoom, attributeRoom.length);
  return length === 0 ? [] : attributeRoom.toString('latin1', 0, length).split('\0').filter(Boolean);
}

/** utimensat(2) on the file itself, with whole nanoseconds, which Node's fs can't set. */
export function setTimes(path: Path, accessed: bigint, modified: bigint): void {
  const times = Buffer.alloc(32);
  [accessed, modified].forEach((time, index) => {
    let seconds = time / 1_000_000_000n;
    let nanoseconds = time % 1_000_000_000n;
    if (nanoseconds < 0n) {
      seconds -= 1n;
      nanoseconds += 1_000_000_000n;
    }
    times.writeBigInt64LE(seconds, index * 16);
    times.writeBigInt64LE(nanoseconds, index * 16 + 8);
  });
  call('utimensat', path, -100, c(path, 'utimensat'), times, 0x100);
}

/** flock(2) operations. */
export const LOCK = { SH: 1, EX: 2, NB: 4, UN: 8 } as const;

/** flock(2) on an open descriptor; the kernel lets it go when the process dies. */
export function flock(fd: number, operation: number): void {
  call('flock', `fd ${fd}`, fd, operation);
}

/** chroot(2) and chdir to its root. */
export function chroot(path: string): void {
  call('chroot', path, path);
  process.chdir('/');
}

/** fchdir(2): also out of a chroot, for who kept a descriptor from before. */
export function fchdir(fd: number): void {
  call('fchdir', `fd ${fd}`, fd);
}

/** syncfs(2): everything that was written to the file system of this descriptor is on the disk. */
export function syncfs(fd: number): void {
  call('syncfs', `fd ${fd}`, fd);
}

/** sync_file_range(2) for a whole file: its bytes start on their way to the disk, and nobody waits. */
export function startWriteback(fd: number): void {
  const SYNC_FILE_RANGE_WRITE = 2;
  call('sync_file_range', `fd ${fd}`, fd, 0, 0, SYNC_FILE_RANGE_WRITE);
}

/** posix_fadvise(2), POSIX_FADV_DONTNEED: what is on the disk of these bytes need not stay in memory. */
export function forgetPages(fd: number, offset: number, length: number): void {
  const DONTNEED = 4;
  call('posix_fadvise', `fd ${fd}`, fd, offset, length, DONTNEED);
}

/** openat2(2) resolve flags. */
export const RESOLVE = { NO_XDEV: 0x01, IN_ROOT: 0x10 } as const;

/** openat2(2), close-on-exec. resolve: what the kernel must not do on the way. */
export function openat2(directory: number, path: Path, flags: number, resolve: number): number {
  const O_CLOEXEC = 0o2000000;
  const how = Buffer.alloc(24);
  how.writeBigUInt64LE(BigInt(flags | O_CLOEXEC), 0);
  how.writeBigUInt64LE(BigInt(resolve), 16);
  return call('syscall', path, 437, directory, c(path, 'openat2'), how, how.length);
}

/** clone(2) flags that unshare(2) takes of a process with threads: it is for the calling thread alone. */
export const CLONE = { FS: 0x200, NEWNS: 0x20000 } as const;

/** unshare(2). */
export function unshare(flags: number): void {
  call('unshare', 'this thread', flags);
}

/** setns(2) into a mount namespace; root and working directory are its root then. */
export function setMountNamespace(fd: number): void {
  call('setns', `fd ${fd}`, fd, CLONE.NEWNS);
}

/** pivot_root(2) with the working directory as the new root and as the place of the old one (its man page, NOTES). */
export function pivotHere(): void {
  call('syscall', '.', 155, '.', '.');
}

/** pidfd_open(2): a handle that can't come to mean another process. */
export function pidfdOpen(pid: number): number {
  return call('syscall', `pid ${pid}`, 434, pid, 0);
}

/** pidfd_send_signal(2). */
export function pidfdSignal(pidfd: number, signal: number): void {
  call('syscall', `pidfd ${pidfd}`, 424, pidfd, signal, null, 0);
}

/** tcgetattr(3): a struct termios, as this machine has it. */
export function getTermios(fd: number): Buffer {
  const termios = Buffer.alloc(64);
  call('tcgetattr', `fd ${fd}`, fd, termios);
  return termios;
}

/** tcsetattr(3), at once. */
export function setTermios(fd: number, termios: Buffer): void {
  call('tcsetattr', `fd ${fd}`, fd, 0, termios);
}
