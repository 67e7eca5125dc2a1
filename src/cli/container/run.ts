import type { CreateRequest } from '#base/api.ts';
import { WherryError } from '#base/error.ts';
import { type Context, command } from '#cli/command.ts';
import { asDaemonError, create, removeUnstarted } from '#cli/create-container.ts';
import { isTerminal } from '#cli/output.ts';
import { imageFlags, REQUEST_FLAGS } from '#cli/run-flags.ts';
import { windowsMistake } from '#cli/run-limits.ts';
import { requestFrom } from '#cli/run-request.ts';
import { boolean, text } from '#cli/values.ts';
import { startContainer } from '#engine/start.ts';

export default command({
  usage: 'IMAGE [COMMAND] [ARG...]',
  summary: 'Create and run a new container from an image',
  details: `
    The image is pulled where it is missing. The command replaces the image's own; with an entrypoint, it is what the
    entrypoint gets.

    Without -d the container runs in front: its output comes here, its input with -i, and its exit status is run's.
    125 stands for a failure of run itself, 126 for a command that can't be executed, 127 for one that is not there.`,
  examples: [
    { does: 'Run one command and leave nothing behind', line: 'wherry run --rm localhost/busybox echo hello' },
    { does: 'Give a container data on its standard input', line: 'wherry run --rm -i localhost/busybox sort' },
  ],
  interspersed: false,
  prefixed: true,
  flags: {
    ...REQUEST_FLAGS,
    ...imageFlags('running'),
    detach: { short: 'd', as: boolean, summary: 'Run container in background and print container ID' },
    'detach-keys': { as: text, summary: 'Override the key sequence for detaching a container' },
    'sig-proxy': { as: boolean, default: 'true', summary: 'Proxy received signals to the process' },
  },
  run: async (context, args, { pull, quiet, replace, detach, detachKeys, sigProxy, ...values }) => {
    const foreign = windowsMistake(context.given);
    if (foreign !== undefined) {
      context.err.line(foreign);
      return 1;
    }
    const request = requestFrom({ args, values, given: context.given });
    const mistake = detach ? detachedMistake(values.attach) : terminalMistake(request);
    if (mistake !== undefined) {
      // Docker's client says these two bare, with status 1.
      context.err.line(mistake);
      return 1;
    }
    if (detachKeys !== undefined) (await import('#container/keys.ts')).parseKeys(detachKeys);
    await fitStreams(context, request, detach);
    const id = await create(context, request, { pull, quiet, replace });
    try {
      return await (detach ? startDetached(context, id) : stayInFront(context, request, { id, detachKeys, sigProxy }));
    } catch (error) {
      if (request.hostConfig.AutoRemove) await removeUnstarted(context, id);
      throw withStatus(asDaemonError(error));
    }
  },
});

function detachedMistake(attach: readonly string[]): string | undefined {
  return attach.length > 0 ? 'conflicting options: cannot specify both --attach and --detach' : undefined;
}

function terminalMistake({ config }: CreateRequest): string | undefined {
  return config.Tty && config.AttachStdin && !isTerminal(0) ? 'the input device is not a TTY' : undefined;
}

/** A detached container has no stream of ours; a terminal has the size of ours from its start. */
async function fitStreams(context: Context, { config, hostConfig }: CreateRequest, detach: boolean): Promise<void> {
  if (detach) Object.assign(config, { AttachStdin: false, AttachStdout: false, AttachStderr: false, StdinOnce: false });
  if (!config.Tty || !context.out.isTerminal) return;
  const { windowSize } = await import('#cli/terminal.ts');
  hostConfig.ConsoleSize = windowSize(1);
}

/** The id is out before the start, as with Docker: a script has it even where that fails. */
async function startDetached(context: Context, id: string): Promise<number> {
  context.out.line(id);
  const session = await startContainer(context.store, id);
  session?.leave();
  return 0;
}

interface Front {
  id: string;
  detachKeys: string | undefined;
  sigProxy: boolean;
}

async function stayInFront(
  context: Context,
  { config }: CreateRequest,
  { id, detachKeys, sigProxy }: Front,
): Promise<number> {
  const { attend } = await import('#cli/session.ts');
  const { status } = await attend(context, {
    container: id,
    streams: { stdin: config.AttachStdin, stdout: config.AttachStdout, stderr: config.AttachStderr },
    signals: sigProxy,
    ...(detachKeys === undefined ? {} : { detachKeys }),
    start: (options) => startContainer(context.store, id, options),
  });
  return status;
}

/** Docker's client reads the statuses of a failed start out of its text. */
function withStatus(error: unknown): unknown {
  if (!(error instanceof WherryError) || error.exitCode !== undefined) return error;
  const exitCode = /executable file not found|no such file or directory/.test(error.message)
    ? 127
    : /permission denied|is a directory/.test(error.message)
      ? 126
      : 125;
  const { kind, message, cause, hint } = error;
  return new WherryError(kind, message, { cause, exitCode, ...(hint === undefined ? {} : { hint }) });
}
