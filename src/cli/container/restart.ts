import { WherryError } from '#base/error.ts';
import { command, given } from '#cli/command.ts';
import { eachName } from '#cli/each.ts';
import { integer, text } from '#cli/values.ts';
import { restartContainer } from '#engine/start.ts';

export default command({
  usage: 'CONTAINER [CONTAINER...]',
  summary: 'Restart one or more containers',
  details: 'Stops each container as `stop` does, where it runs, and starts it again.',
  flags: {
    signal: { short: 's', as: text, summary: 'Signal to send to the container' },
    timeout: { short: 't', as: integer, summary: 'Seconds to wait before killing the container' },
    time: {
      as: integer,
      summary: 'Seconds to wait before killing the container',
      deprecated: 'use --timeout instead',
    },
  },
  run: (context, names, { signal, timeout, time }) => {
    const options = given({ signal, timeout: timeout ?? time, abort: context.abort });
    return eachName(context, names, (name) => named(name, restartContainer(context.store, name, options)));
  },
});

/** Docker says which container could not be started again, but not twice which one does not exist. */
async function named(name: string, restart: Promise<void>): Promise<void> {
  try {
    await restart;
  } catch (error) {
    if (!(error instanceof WherryError) || error.exitCode === undefined) throw error;
    throw new WherryError(error.kind, `Cannot restart container ${name}: ${error.message}`, {
      cause: error,
      ...given({ hint: error.hint }),
    });
  }
}
