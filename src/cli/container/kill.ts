import { command } from '#cli/command.ts';
import { eachName } from '#cli/each.ts';
import { text } from '#cli/values.ts';
import { killContainer } from '#container/lifecycle.ts';

export default command({
  usage: 'CONTAINER [CONTAINER...]',
  summary: 'Kill one or more running containers',
  details: `
    The container's first process gets SIGKILL, or the signal that --signal names (TERM, SIGHUP, 15, RTMIN+1).
    A restart policy does not bring back a container that was killed by hand.`,
  examples: [{ does: 'Have a web server read its configuration again', line: 'wherry kill --signal HUP web' }],
  flags: { signal: { short: 's', as: text, summary: 'Signal to send to the container' } },
  run: (context, names, { signal }) =>
    eachName(context, names, (name) => killContainer(context.store, name, signal || 'KILL')),
});
