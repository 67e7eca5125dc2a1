/** exec's side of a session: the process in the container, with this command in front of it. */
import { WherryError } from '#base/error.ts';
import type { Context } from '#cli/command.ts';
import { checkKeys, checkTerminal, detachKeys, openStage, type Stage } from '#cli/session.ts';
import { windowSize } from '#cli/terminal.ts';
import { recordContainerEvent } from '#container/event.ts';
import { type Exec, type ExecRequest, execContainer } from '#container/exec.ts';
import { findContainer } from '#container/names.ts';

/**
 * Runs a process in a container and stays in front of it, unless it is a detached one. Gives the exit status: the
 * process's own, 126 or 127 when it could not be started (Docker writes why to standard output), 1 when the user left.
 */
export async function attendExec(
  context: Context,
  name: string,
  request: ExecRequest,
  keysFlag: string | undefined,
): Promise<number> {
  checkTerminal(request.tty, request.streams);
  checkKeys(keysFlag);
  const keys = request.tty && !request.detach ? detachKeys(context, keysFlag) : undefined;
  const sized = request.tty && process.stdout.isTTY ? { ...request, size: windowSize() } : request;
  let stage: Stage | undefined;
  try {
    const exec = await execContainer(context.store, name, sized, async (id) => {
      stage = openStage({ terminal: request.tty, keys });
      await stage.connect(context, id, request.streams);
    });
    const status = await stay(context, request, { exec, stage });
    if (status !== 'detached') return status;
    if (exec.kind === 'started') noteDetached(context.store, name, exec.id);
  } finally {
    stage?.close();
  }
  // The terminal is its old self again, and ends this line as it should.
  context.err.line('read escape sequence');
  return 1;
}

function noteDetached(store: Context['store'], name: string, execID: string): void {
  recordContainerEvent(store, findContainer(store, name), 'exec_detach', { execID });
}

async function stay(
  context: Context,
  request: ExecRequest,
  { exec, stage }: { exec: Exec; stage: Stage | undefined },
): Promise<number | 'detached'> {
  if (exec.kind === 'refused') {
    if (request.detach) throw new WherryError('unavailable', exec.message);
    // Docker's daemon ends its line as for a terminal, whether there is one or not.
    if (exec.byKernel && !request.tty) context.err.line(exec.message);
    else context.out.write(`${exec.message}\r\n`);
    return exec.status;
  }
  stage?.begin(exec.resize);
  const ended = stage?.attachment()?.ended;
  const first = await (ended === undefined ? exec.exited : Promise.race([ended, exec.exited]));
  if (typeof first === 'object' && first.reason === 'detached') {
    exec.leave();
    return 'detached';
  }
  // Both: the last output is written.
  await ended;
  return exec.exited;
}
