/** Other programs run to their end, and pids that are checked before they are believed. */
import { closeSync, fstatSync, readFileSync, readSync, writeSync } from 'node:fs';
import { hasCode, WherryError } from '#base/error.ts';
import { findTool } from '#sys/host.ts';
import { ended, memoryFile, spawn } from '#sys/spawn.ts';

export interface Finished {
  /** The exit status, or 128 + the signal's number. */
  status: number;
  stdout: string;
  stderr: string;
}

export interface RunOptions {
  input?: string;
  cwd?: string;
  env?: NodeJS.ProcessEnv;
  /** Ends it by SIGTERM; the call then throws the reason. */
  abort?: AbortSignal | undefined;
}

/** Runs a program to its end and gives what it printed. Throws kind `unsupported` when it is not installed. */
export async function run(program: string, args: readonly string[], options: RunOptions = {}): Promise<Finished> {
  const { input, abort, ...surroundings } = options;
  abort?.throwIfAborted();
  const path = program.includes('/') ? program : findTool(program, options.env);
  if (path === undefined) throw missing(program, { code: 'ENOENT' });
  const [stdout, stderr] = [memoryFile(), memoryFile()];
  const stdin = input === undefined ? ('ignore' as const) : memoryFile();
  try {
    // Written at a place of its own, it leaves the reader's at the beginning.
    if (stdin !== 'ignore') writeSync(stdin, input ?? '', 0);
    const pid = spawn(path, args, { ...surroundings, stdio: [stdin, stdout, stderr] });
    const stop = () => process.kill(pid, 'SIGTERM');
    abort?.addEventListener('abort', stop, { once: true });
    const status = await ended(pid).finally(() => abort?.removeEventListener('abort', stop));
    abort?.throwIfAborted();
    return { status, stdout: contents(stdout), stderr: contents(stderr) };
  } catch (error) {
    throw missing(program, error);
  } finally {
    for (const fd of [stdin, stdout, stderr]) if (fd !== 'ignore') closeSync(fd);
  }
}

function contents(fd: number): string {
  const text = Buffer.alloc(fstatSync(fd).size);
  const size = text.length === 0 ? 0 : readSync(fd, text, 0, text.length, 0);
  return text.toString('utf8', 0, size);
}

/** The error for a program that could not be started at all. */
export function missing(program: string, cause: unknown): unknown {
  if (!hasCode(cause, 'ENOENT')) return cause;
  return new WherryError('unsupported', `Cannot run "${program}": it is not installed`, {
    hint: `Install the package that brings ${program} (install.sh names them all)`,
    cause,
  });
}

/**
 * When a process started, in clock ticks since boot (proc_pid_stat(5), field 22); undefined when there is none or
 * it is a zombie. Together with the pid it names one process until the next boot.
 */
export function startTime(pid: number): number | undefined {
  let text: string;
  try {
    text = readFileSync(`/proc/${pid}/stat`, 'latin1');
  } catch (error) {
    if (hasCode(error, 'ENOENT', 'ESRCH')) return undefined;
    throw error;
  }
  // The second field is the program's name in parentheses and may hold anything, parentheses too.
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  if (fields[0] === 'Z' || fields[0] === 'X') return undefined;
  return Number(fields[19]);
}

/** When this process was forked, in milliseconds since 1970, to a hundredth of a second: before its program was even loaded. */
export function ownStart(): number {
  const uptime = Number.parseFloat(readFileSync('/proc/uptime', 'latin1'));
  const started = (startTime(process.pid) ?? 0) / TICKS;
  return Date.now() - Math.max(uptime - started, 0) * 1000;
}

/** Clock ticks a second, of what /proc tells programs (time(7), USER_HZ). */
const TICKS = 100;

/** A process's program and its arguments; none where there is no such process, or it is another user's. */
export function commandLine(pid: number): string[] {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0');
  } catch (error) {
    if (hasCode(error, 'ENOENT', 'ESRCH', 'EACCES')) return [];
    throw error;
  }
}

/** Is this pid still the process that it was when its start time was noted? */
export function isSameProcess(pid: number, start: number): boolean {
  return pid > 0 && startTime(pid) === start;
}

/**
 * Signals that very process, never one that got its pid later.
 * @returns false when it has ended
 */
export async function signalProcess(pid: number, start: number, signal: number): Promise<boolean> {
  const { pidfdOpen, pidfdSignal } = await import('#sys/ffi.ts');
  let pidfd: number;
  try {
    pidfd = pidfdOpen(pid);
  } catch (error) {
    if (hasCode(error, 'ESRCH', 'EINVAL')) return false;
    throw error;
  }
  try {
    if (!isSameProcess(pid, start)) return false;
    pidfdSignal(pidfd, signal);
    return true;
  } catch (error) {
    if (hasCode(error, 'ESRCH')) return false;
    throw error;
  } finally {
    closeSync(pidfd);
  }
}
