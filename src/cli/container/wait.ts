import { command } from '#cli/command.ts';
import { eachName } from '#cli/each.ts';
import { waitContainer } from '#container/wait.ts';

export default command({
  usage: 'CONTAINER [CONTAINER...]',
  summary: 'Block until one or more containers stop, then print their exit codes',
  examples: [{ does: 'Wait for a job and show how it ended', line: 'wherry wait job' }],
  flags: {},
  run: (context, names) =>
    eachName(context, names, (name) => waitContainer(context.store, name, { abort: context.abort }), {
      parallel: 1,
      show: (_name, status) => String(status),
    }),
});
