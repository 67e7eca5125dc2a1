/** unshare: a program of the user's choice in the user's own namespaces, where the store's owners and mounts are seen. */
import { WherryError } from '#base/error.ts';
import { findTool } from '#sys/host.ts';
import { ended, spawn } from '#sys/spawn.ts';

/** What the terminal sends to all in front of it: the program decides. */
const TERMINAL_SIGNALS = ['SIGINT', 'SIGQUIT'] as const;
const PASSED_ON = ['SIGTERM', 'SIGHUP'] as const;

/**
 * Runs it with our own streams, and gives its exit status. Without a program: the user's shell.
 * Throws kind `invalid` in podman's words, with exit code 127 or 126, for one that can't be run.
 */
export async function runInside([program = process.env.SHELL || '/bin/sh', ...args]: readonly string[]) {
  const path = program.includes('/') ? program : findTool(program);
  if (path === undefined) throw refusal(program, 'executable file not found in $PATH', 127);
  const ignore = () => undefined;
  for (const signal of TERMINAL_SIGNALS) process.on(signal, ignore);
  try {
    const pid = spawn(path, args, { stdio: [0, 1, 2] });
    for (const signal of PASSED_ON) process.on(signal, () => process.kill(pid, signal));
    return await ended(pid);
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    if (code === 'ENOENT') throw refusal(program, 'no such file or directory', 127);
    if (code === 'EACCES') throw refusal(program, 'permission denied', 126);
    throw error;
  }
}

function refusal(program: string, why: string, exitCode: number): WherryError {
  return new WherryError('invalid', `exec: ${JSON.stringify(program)}: ${why}`, { exitCode });
}
