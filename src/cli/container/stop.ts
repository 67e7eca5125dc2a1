import { command } from '#cli/command.ts';
import { eachName } from '#cli/each.ts';
import { stopFlags, stopOptions } from '#cli/stop-flags.ts';
import { stopContainer } from '#container/lifecycle.ts';

export default command({
  usage: 'CONTAINER [CONTAINER...]',
  summary: 'Stop one or more running containers',
  details: `
    The container's first process gets the stop signal (SIGTERM, or what the image or --stop-signal says) and, when the
    timeout has passed, SIGKILL. The timeout is 10 seconds unless --stop-timeout said otherwise; -1 waits without end.
    A restart policy does not bring back a container that was stopped by hand.`,
  examples: [{ does: 'Give a database a minute to finish', line: 'wherry stop --timeout 60 db' }],
  flags: stopFlags,
  run: (context, names, values) => {
    const cleaner = async () => (await import('#engine/start.ts')).cleanupContainer;
    const options = { ...stopOptions(context, values), cleaner };
    return eachName(context, names, (name) => stopContainer(context.store, name, options));
  },
});
