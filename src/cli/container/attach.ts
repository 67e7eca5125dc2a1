import { WherryError } from '#base/error.ts';
import { command, given } from '#cli/command.ts';
import { attend } from '#cli/session.ts';
import { boolean, text } from '#cli/values.ts';
import { findContainer } from '#container/names.ts';
import { readState } from '#container/state.ts';

export default command({
  usage: 'CONTAINER',
  summary: 'Attach local standard input, output, and error streams to a running container',
  details: `
    Several commands may be attached at once. With a terminal, ctrl-p ctrl-q leaves the container alone
    (--detach-keys names other keys). The exit status is the container's.`,
  flags: {
    'detach-keys': { as: text, summary: 'Override the key sequence for detaching a container' },
    'no-stdin': { as: boolean, summary: 'Do not attach STDIN' },
    'sig-proxy': { as: boolean, default: 'true', summary: 'Proxy all received signals to the process' },
  },
  run: async (context, [name = ''], { detachKeys, noStdin, sigProxy }) => {
    const record = findContainer(context.store, name);
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
  },
});

const REFUSALS: Record<string, string> = {
  exited: 'You cannot attach to a stopped container, start it first',
  paused: 'You cannot attach to a paused container, unpause it first',
  restarting: 'You cannot attach to a restarting container, wait until it is running',
};
