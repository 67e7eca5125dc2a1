/**
 * Would this command be found in that running container? Looked up before the runtime is asked, whose own complaint
 * would come out on the user's standard error in its own words. What can't be told is left to the runtime.
 */
import { statSync } from 'node:fs';
import { posix } from 'node:path';
import { hasCode, WherryError } from '#base/error.ts';
import type { Process } from '#oci/spec.ts';
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

type Type = 'program' | 'file' | 'directory';

function whyNotFound(root: string, command: string, cwd: string, env: readonly string[]): string | undefined {
  if (command.includes('/')) {
    const found = typeAt(root, posix.resolve(cwd, command));
    if (found === undefined) return `exec: "${command}": stat ${command}: no such file or directory`;
    return found === 'program' ? undefined : unusable(command, found);
  }
  const path = env.find((entry) => entry.startsWith('PATH='))?.slice('PATH='.length) ?? '';
  // As execvp(3) and runc: the search goes on past what can't be executed.
  const types =
    command === '' ? [] : path.split(':').map((directory) => typeAt(root, posix.resolve(cwd, directory, command)));
  if (types.includes('program')) return undefined;
  if (types.includes('file')) return unusable(command, 'file');
  return `exec: "${command}": executable file not found in $PATH`;
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
