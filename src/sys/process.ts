/** Other programs run to their end, and pids that are checked before they are believed. */
import { spawn } from 'node:child_process';
import { closeSync, readFileSync } from 'node:fs';
import { constants } from 'node:os';
import { hasCode, WherryError } from '#base/error.ts';

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
  signal?: AbortSignal;
}

/** Runs a program to its end and gives what it printed. Throws kind `unsupported` when it is not installed. */
export function run(program: string, args: readonly string[], options: RunOptions = {}): Promise<Finished> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, {
      stdio: [options.input === undefined ? 'ignore' : 'pipe', 'pipe', 'pipe'],
      ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
      ...(options.env === undefined ? {} : { env: options.env }),
      ...(options.signal === undefined ? {} : { signal: options.signal }),
    });
    const out: Buffer[] = [];
    const err: Buffer[] = [];
    child.stdout?.on('data', (chunk: Buffer) => out.push(chunk));
    child.stderr?.on('data', (chunk: Buffer) => err.push(chunk));
    child.once('error', (error) => reject(missing(program, error)));
    child.once('close', (code, signal) =>
      resolve({
        status: exitStatus(code, signal),
        stdout: Buffer.concat(out).toString(),
        stderr: Buffer.concat(err).toString(),
      }),
    );
    // A program that ends without reading its input is judged by its status, not by our EPIPE.
    child.stdin?.on('error', () => undefined);
    child.stdin?.end(options.input);
  });
}

/** The error for a program that could not be started at all. */
export function missing(program: string, cause: unknown): unknown {
  if (!hasCode(cause, 'ENOENT')) return cause;
  return new WherryError('unsupported', `Cannot run "${program}": it is not installed`, {
    hint: `Install the package that brings ${program} (install.sh names them all)`,
    cause,
  });
}

/** A process's end as one number: its exit code, or 128 + the signal's number. */
export function exitStatus(code: number | null, signal: NodeJS.Signals | null): number {
  return code ?? 128 + (signal === null ? 0 : constants.signals[signal]);
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
