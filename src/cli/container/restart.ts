import { command } from '#cli/command.ts';
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
    return eachName(context, names, (name) => restartContainer(context.store, name, options));
  },
});
