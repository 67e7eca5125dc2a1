/** attach: this command in front of a container that runs. */
import { WherryError } from '#base/error.ts';
import { type Context, given } from '#cli/command.ts';
import { attend } from '#cli/session.ts';
import type { ContainerRecord } from '#container/record.ts';
import { readState } from '#container/state.ts';

export interface AttachFlags {
  detachKeys?: string;
  noStdin: boolean;
  sigProxy: boolean;
}

const REFUSALS: Record<string, string> = {
  exited: 'You cannot attach to a stopped container, start it first',
  paused: 'You cannot attach to a paused container, unpause it first',
  restarting: 'You cannot attach to a restarting container, wait until it is running',
};

/** Stays until the container ends or the user leaves. Throws kind `invalid` for one that does not run. @returns the exit status */
export async function attachToContainer(
  context: Context,
  record: ContainerRecord,
  { detachKeys, noStdin, sigProxy }: AttachFlags,
): Promise<number> {
  const status = readState(context.store, record.id)?.status;
  const refusal = status === 'running' ? undefined : (REFUSALS[status ?? 'exited'] ?? REFUSALS.exited);
  if (refusal !== undefined) throw new WherryError('invalid', refusal);
  const attended = await attend(context, {
    container: record.id,
    streams: { stdin: !noStdin && record.config.OpenStdin, stdout: true, stderr: true },
    // A terminal's keys reach the container by themselves.
    signals: sigProxy && !record.config.Tty,
    ...given({ detachKeys }),
  });
  if (!attended.detached) return attended.status;
  context.err.line('read escape sequence');
  return 1;
}
