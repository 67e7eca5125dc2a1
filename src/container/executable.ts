/**
 * Would this command be found in that running container? Looked up before the runtime is asked, whose own complaint
 * would come out on the user's standard error in its own words. What can't be told is left to the runtime.
 */
import { closeSync, constants, openSync, readSync, statSync } from 'node:fs';
import { posix } from 'node:path';
import { hasCode, WherryError } from '#base/error.ts';
import type { Process } from '#oci/spec.ts';
import { isTakenByFormat } from '#sys/binfmt.ts';
import { resolveInRoot } from '#sys/rooted.ts';

const NOT_THERE = ['ENOENT', 'ENOTDIR'];

/** Why a process can't be started. */
export interface Hindrance {
  /** In Docker's words. */
  why: string;
  /** The program is there, and the kernel is going to refuse it: so it is runc's process that says it. */
  byKernel?: true;
}

/** What keeps this process from being started in the container with this first process; undefined: it may work. */
export function hindranceOf(pid: number, { args, cwd, env }: Process): Hindrance | undefined {
  const root = `/proc/${pid}/root`;
  return unlessHidden(() => {
    if (!posix.isAbsolute(cwd)) return { why: 'Cwd must be an absolute path' };
    if (typeAt(root, cwd) === undefined)
      return { why: `chdir to cwd ("${cwd}") set in config.json failed: no such file or directory` };
    const [command = ''] = args;
    const candidates = pathsOf(command, cwd, env).map((path) => ({ path, type: typeAt(root, path) }));
    const program = candidates.find(({ type }) => type === 'program');
    if (program === undefined) return { why: notFound(command, new Set(candidates.map(({ type }) => type))) };
    const refusal = refusalOf(root, program.path);
    const name = command.includes('/') ? command : program.path;
    return refusal === undefined ? undefined : { why: `exec ${name}: ${refusal}`, byKernel: true };
  });
}

/** Is this command, as a path from this directory, a directory in that root? What can't be looked at is none. */
export function isDirectoryInRoot(root: string, cwd: string, command: string): boolean {
  const look = () => command.includes('/') && typeAt(root, posix.resolve('/', cwd, command)) === 'directory';
  return unlessHidden(look) ?? false;
}

/** What is not ours to look at, or changes under our eyes, is unknown: the runtime will say. */
function unlessHidden<T>(look: () => T): T | undefined {
  try {
    return look();
  } catch (error) {
    if (hasCode(error, 'EACCES', 'EPERM', 'ELOOP') || error instanceof WherryError) return undefined;
    throw error;
  }
}

/** So much of a file the kernel looks at (BINPRM_BUF_SIZE). */
const HEADER = 256;

function refusalOf(root: string, path: string): string | undefined {
  const header = beginningOf(resolveInRoot(root, path));
  if (header.subarray(0, 4).equals(ELF) || isTakenByFormat(header)) return undefined;
  if (!header.subarray(0, 2).equals(Buffer.from('#!'))) return 'exec format error';
  const interpreter = /^#![ \t]*([^ \t\n]+)/.exec(header.toString('latin1'))?.[1] ?? '';
  if (!interpreter.startsWith('/') || header.indexOf('\n') < 0) return undefined;
  return typeAt(root, interpreter) === undefined ? 'no such file or directory' : undefined;
}

const ELF = Buffer.from('\x7fELF', 'latin1');

function beginningOf(path: string): Buffer {
  const fd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  try {
    const header = Buffer.alloc(HEADER);
    return header.subarray(0, readSync(fd, header, 0, HEADER, 0));
  } finally {
    closeSync(fd);
  }
}

type Type = 'program' | 'file' | 'directory';

/** types: of what has its name. As execvp(3) and runc: the search goes on past what can't be executed. */
function notFound(command: string, types: ReadonlySet<Type | undefined>): string {
  if (types.has('file')) return `exec: "${command}": permission denied`;
  if (!command.includes('/')) return `exec: "${command}": executable file not found in $PATH`;
  if (types.has('directory')) return `exec: "${command}": is a directory: permission denied`;
  return `exec: "${command}": stat ${command}: no such file or directory`;
}

/** Where a command may be, in the order in which it is looked for. */
function pathsOf(command: string, cwd: string, env: readonly string[]): string[] {
  if (command.includes('/')) return [posix.resolve(cwd, command)];
  const path = env.find((entry) => entry.startsWith('PATH='))?.slice('PATH='.length) ?? '';
  return command === '' ? [] : path.split(':').map((directory) => posix.resolve(cwd, directory, command));
}

/** undefined: nothing there. */
function typeAt(root: string, path: string): Type | undefined {
  try {
    const stat = statSync(resolveInRoot(root, path));
    if (stat.isDirectory()) return 'directory';
    return (stat.mode & 0o111) === 0 ? 'file' : 'program';
  } catch (error) {
    if (hasCode(error, ...NOT_THERE)) return undefined;
    throw error;
  }
}
