/**
 * Programs started by posix_spawn(3). Node's child_process loads the modules of its network first, and forks, which copies
 * the page tables of the whole process: 5 ms until the first program runs, where this takes 1. It is for programs that
 * need no streams of Node's; a pipe or socket is handed over as a descriptor.
 */
import { constants } from 'node:fs';
import { call, cString, pointerTo, systemError } from '#sys/ffi.ts';

export interface SpawnOptions {
  /** What becomes descriptor 0, 1, 2 and so on; 'ignore' is /dev/null. Everything else of ours stays behind. */
  stdio: readonly (number | 'ignore')[];
  env?: NodeJS.ProcessEnv;
  cwd?: string;
  /** In a session of its own (setsid(2)), where no signal of our terminal reaches it. */
  session?: boolean;
}

/** posix_spawnattr_setflags(3). */
const FLAG = { SETSIGDEF: 4, SETSIGMASK: 8, SETSID: 0x80 };

/** Larger than glibc's structures, posix_spawn_file_actions_t (80 bytes) and posix_spawnattr_t (336). */
const STRUCTURE = 512;

/**
 * Starts a program by its absolute path and gives its pid; the caller waits for its end by ended(), or ends first.
 * Signals are at their defaults in it. Throws the system's error (`code`), as ENOENT or EACCES, when it can't be executed.
 */
export function spawn(path: string, args: readonly string[], options: SpawnOptions): number {
  const { stdio, env = process.env, cwd, session = false } = options;
  const [actions, attributes, pid] = [Buffer.alloc(STRUCTURE), Buffer.alloc(STRUCTURE), Buffer.alloc(4)];
  const raised: number[] = [];
  succeed(path, call('posix_spawn_file_actions_init', path, actions));
  succeed(path, call('posix_spawnattr_init', path, attributes));
  try {
    stdio.forEach((source, target) => {
      if (source === 'ignore') {
        succeed(
          path,
          call('posix_spawn_file_actions_addopen', path, actions, target, '/dev/null', constants.O_RDWR, 0),
        );
      } else {
        // One that an earlier target would overwrite is moved out of the way.
        const safe = source === target || source >= stdio.length ? source : raise(source);
        if (safe !== source) raised.push(safe);
        succeed(path, call('posix_spawn_file_actions_adddup2', path, actions, safe, target));
      }
    });
    if (cwd !== undefined) succeed(path, call('posix_spawn_file_actions_addchdir_np', path, actions, cwd));
    succeed(path, call('posix_spawnattr_setsigdefault', path, attributes, ALL_SIGNALS));
    succeed(path, call('posix_spawnattr_setsigmask', path, attributes, NO_SIGNALS));
    const flags = FLAG.SETSIGDEF | FLAG.SETSIGMASK | (session ? FLAG.SETSID : 0);
    succeed(path, call('posix_spawnattr_setflags', path, attributes, flags));
    const variables = Object.entries(env).flatMap(([name, value]) => (value === undefined ? [] : `${name}=${value}`));
    const [argv, envp] = [vector([path, ...args]), vector(variables)];
    succeed(path, call('posix_spawn', path, pid, path, actions, attributes, argv.pointers, envp.pointers));
    return pid.readInt32LE();
  } finally {
    call('posix_spawn_file_actions_destroy', path, actions);
    call('posix_spawnattr_destroy', path, attributes);
    for (const fd of raised) call('close', path, fd);
  }
}

/** sigset_t, 128 bytes; 32 and 33 are the C library's own. */
const NO_SIGNALS = Buffer.alloc(128);
const ALL_SIGNALS = Buffer.alloc(128);
ALL_SIGNALS.writeBigUInt64LE(0xffff_ffff_ffff_ffffn & ~(3n << 31n));

const F_DUPFD_CLOEXEC = 1030;
const raise = (fd: number) => call('fcntl', `fd ${fd}`, fd, F_DUPFD_CLOEXEC, 10);

/** A vector of C strings with its null at the end. `text` is what it points into: keep it as long. */
function vector(words: readonly string[]): { pointers: Buffer; text: Buffer } {
  const encoded = words.map((word) => cString(word, 'posix_spawn'));
  const text = Buffer.concat(encoded);
  const pointers = Buffer.alloc((words.length + 1) * 8);
  let at = text.length === 0 ? 0 : pointerTo(text);
  encoded.forEach((word, index) => {
    pointers.writeBigUInt64LE(BigInt(at), index * 8);
    at += word.length;
  });
  return { pointers, text };
}

/** These functions give the error instead of setting errno. */
function succeed(path: string, error: number): void {
  if (error !== 0) throw systemError(error, 'posix_spawn', path);
}

/** Whom somebody waits for. */
const waiting = new Map<number, (status: number) => void>();
let alive: NodeJS.Timeout | undefined;

/** When a started program has ended: its exit status, or 128 + the signal's number. Once for each. */
export function ended(pid: number): Promise<number> {
  return new Promise((resolve) => {
    if (waiting.size === 0) watch();
    waiting.set(pid, resolve);
    // It may have ended before we listened.
    reap();
  });
}

function watch(): void {
  process.on('SIGCHLD', reap);
  // A signal's handler alone keeps no process running.
  alive = setInterval(reap, 2 ** 31 - 1);
}

function reap(): void {
  for (const [pid, resolve] of waiting) {
    const status = statusOf(pid);
    if (status === undefined) continue;
    waiting.delete(pid);
    resolve(status);
  }
  if (waiting.size > 0) return;
  process.off('SIGCHLD', reap);
  clearInterval(alive);
}

const WNOHANG = 1;

/** waitpid(2) for one child; undefined while it runs. */
function statusOf(pid: number): number | undefined {
  const status = Buffer.alloc(4);
  if (call('waitpid', `pid ${pid}`, pid, status, WNOHANG) === 0) return undefined;
  const value = status.readInt32LE();
  const signal = value & 0x7f;
  return signal === 0 ? (value >> 8) & 0xff : 128 + signal;
}

/** A pair of connected stream sockets (socketpair(2)); neither is inherited. */
export function socketPair(): [number, number] {
  const AF_UNIX = 1;
  const SOCK_STREAM_CLOEXEC = 1 | 0o2000000;
  const pair = Buffer.alloc(8);
  call('socketpair', 'socket pair', AF_UNIX, SOCK_STREAM_CLOEXEC, 0, pair);
  return [pair.readInt32LE(0), pair.readInt32LE(4)];
}

/** A pipe (pipe2(2)), to read from and to write to; neither end is inherited. */
export function pipe(): [number, number] {
  const O_CLOEXEC = 0o2000000;
  const ends = Buffer.alloc(8);
  call('pipe2', 'pipe', ends, O_CLOEXEC);
  return [ends.readInt32LE(0), ends.readInt32LE(4)];
}

/** A file in memory without a name (memfd_create(2)): what a program prints is read from it when the program has ended. */
export function memoryFile(): number {
  const MFD_CLOEXEC = 1;
  return call('memfd_create', 'memory file', 'wherry', MFD_CLOEXEC);
}
