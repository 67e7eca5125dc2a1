import { restated, WherryError } from '#base/error.ts';
import { type Context, command, given } from '#cli/command.ts';
import { eachName } from '#cli/each.ts';
import { boolean, text } from '#cli/values.ts';
import { findContainer } from '#container/names.ts';
import { startContainer } from '#engine/start.ts';

export default command({
  usage: 'CONTAINER [CONTAINER...]',
  summary: 'Start one or more stopped containers',
  details:
    "With --attach or --interactive the command stays with the one container, and its exit status is the container's.",
  examples: [{ does: 'Run a shell that was left again', line: 'wherry start --attach --interactive shell' }],
  flags: {
    attach: { short: 'a', as: boolean, summary: 'Attach STDOUT/STDERR and forward signals' },
    checkpoint: { as: text, hidden: true, summary: 'Restore from this checkpoint' },
    'checkpoint-dir': { as: text, hidden: true, summary: 'Use a custom checkpoint storage directory' },
    'detach-keys': { as: text, summary: 'Override the key sequence for detaching a container' },
    interactive: { short: 'i', as: boolean, summary: "Attach container's STDIN" },
  },
  run: (context, names, { attach, checkpoint, checkpointDir, detachKeys, interactive }) => {
    if (refuseExperiments(context, { checkpoint, 'checkpoint-dir': checkpointDir })) return 1;
    if (attach || interactive) return startInFront(context, names, { attach, interactive, detachKeys });
    return eachName(
      context,
      names,
      async (name) => {
        const session = await startContainer(context.store, name);
        session?.leave();
      },
      { sum: (failed) => `Error: failed to start containers: ${failed.join(', ')}` },
    );
  },
});

/** As Docker's client with a daemon that does not experiment: a line for each flag. */
function refuseExperiments({ err }: Context, flags: Record<string, string | undefined>): boolean {
  const given = Object.keys(flags).filter((name) => flags[name] !== undefined);
  for (const name of given) {
    err.line(`"--${name}" is only supported on a Docker daemon with experimental features enabled`);
  }
  return given.length > 0;
}

interface InFront {
  attach: boolean;
  interactive: boolean;
  detachKeys: string | undefined;
}

async function startInFront(context: Context, names: readonly string[], { attach, interactive, detachKeys }: InFront) {
  const [name = '', ...others] = names;
  if (others.length > 0) throw new WherryError('invalid', 'you cannot start and attach multiple containers at once');
  const record = findContainer(context.store, name);
  const { attend } = await import('#cli/session.ts');
  const { status } = await attend(context, {
    container: record.id,
    // Docker: -i alone shows the output, too.
    streams: { stdin: interactive && record.config.OpenStdin, stdout: true, stderr: true },
    signals: attach && !record.config.Tty,
    ...given({ detachKeys }),
    start: (options) => startContainer(context.store, record.id, options).catch(withoutStatus),
  });
  return status;
}

/** Only run tells by its status (126, 127) why nothing was started. */
function withoutStatus(error: unknown): never {
  if (!(error instanceof WherryError)) throw error;
  throw restated(error, {});
}
