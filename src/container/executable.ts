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

/** Why a process can't be started in the container with this first process, in Docker's words; undefined: it may work. */
export function whyNotExecutable(pid: number, { args, cwd, env }: Process): string | undefined {
  const root = `/proc/${pid}/root`;
  try {
    if (!posix.isAbsolute(cwd)) return 'Cwd must be an absolute path';
    if (typeAt(root, cwd) === undefined)
      return `chdir to cwd ("${cwd}") set in config.json failed: no such file or directory`;
    return whyNotFound(root, args[0] ?? '', cwd, env);
  } catch (error) {
    // Not ours to look at, or changed under our eyes: the runtime will say.
    if (hasCode(error, 'EACCES', 'EPERM', 'ELOOP') || error instanceof WherryError) return undefined;
    throw error;
  }
}

/** Is this command, as a path from this directory, a directory in that root? What can't be looked at is none. */
export function isDirectoryInRoot(root: string, cwd: string, command: string): boolean {
  try {
    return command.includes('/') && typeAt(root, posix.resolve('/', cwd, command)) === 'directory';
  } catch (error) {
    if (hasCode(error, 'EACCES', 'EPERM', 'ELOOP') || error instanceof WherryError) return false;
    throw error;
  }
}

/**
 * What runc says where the kernel is going to refuse a program that is there: a file without an executable's header, a
 * script without its interpreter. undefined: it may work.
 */
export function whyRefused(pid: number, { args, cwd, env }: Process): string | undefined {
  const root = `/proc/${pid}/root`;
  try {
    const path = pathsOf(args[0] ?? '', cwd, env).find((one) => typeAt(root, one) === 'program');
    if (path === undefined) return undefined;
    const why = refusalOf(root, path);
    return why && `exec ${args[0]?.includes('/') ? args[0] : path}: ${why}`;
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

function whyNotFound(root: string, command: string, cwd: string, env: readonly string[]): string | undefined {
  if (command.includes('/')) {
    const found = typeAt(root, posix.resolve(cwd, command));
    if (found === undefined) return `exec: "${command}": stat ${command}: no such file or directory`;
    return found === 'program' ? undefined : unusable(command, found);
  }
  // As execvp(3) and runc: the search goes on past what can't be executed.
  const types = pathsOf(command, cwd, env).map((path) => typeAt(root, path));
  if (types.includes('program')) return undefined;
  if (types.includes('file')) return unusable(command, 'file');
  return `exec: "${command}": executable file not found in $PATH`;
}

/** Where a command may be, in the order in which it is looked for. */
function pathsOf(command: string, cwd: string, env: readonly string[]): string[] {
  if (command.includes('/')) return [posix.resolve(cwd, command)];
  const path = env.find((entry) => entry.startsWith('PATH='))?.slice('PATH='.length) ?? '';
  return command === '' ? [] : path.split(':').map((directory) => posix.resolve(cwd, directory, command));
}

function unusable(command: string, found: Type): string {
  return `exec: "${command}": ${found === 'directory' ? 'is a directory: ' : ''}permission denied`;
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
