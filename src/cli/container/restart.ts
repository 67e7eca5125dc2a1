import { WherryError } from '#base/error.ts';
import { command, given } from '#cli/command.ts';
import { eachName } from '#cli/each.ts';
import { stopFlags, stopOptions } from '#cli/stop-flags.ts';
import { restartContainer } from '#engine/start.ts';

export default command({
  usage: 'CONTAINER [CONTAINER...]',
  summary: 'Restart one or more containers',
  details: 'Stops each container as `stop` does, where it runs, and starts it again.',
  flags: stopFlags,
  run: (context, names, values) => {
    const options = stopOptions(context, values);
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
