import { command } from '#cli/command.ts';
import { eachName } from '#cli/each.ts';
import { unpauseContainer } from '#container/pause.ts';

export default command({
  usage: 'CONTAINER [CONTAINER...]',
  summary: 'Unpause all processes within one or more containers',
  details: 'Lets containers go on that pause has stopped, whichever command did that.',
  examples: [{ does: 'Go on', line: 'wherry unpause web' }],
  flags: {},
  run: (context, names) => eachName(context, names, (name) => unpauseContainer(context.store, name)),
});
