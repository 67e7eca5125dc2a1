import { command, given } from '#cli/command.ts';
import { eachName } from '#cli/each.ts';
import { integer, text } from '#cli/values.ts';
import { stopContainer } from '#container/lifecycle.ts';

export default command({
  usage: 'CONTAINER [CONTAINER...]',
  summary: 'Stop one or more running containers',
  details: `
    The container's first process gets the stop signal (SIGTERM, or what the image or --stop-signal says) and, when the
    timeout has passed, SIGKILL. The timeout is 10 seconds unless --stop-timeout said otherwise; -1 waits without end.
    A restart policy does not bring back a container that was stopped by hand.`,
  examples: [{ does: 'Give a database a minute to finish', line: 'wherry stop --timeout 60 db' }],
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
    return eachName(context, names, (name) => stopContainer(context.store, name, options));
  },
});
