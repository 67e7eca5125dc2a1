import { command } from '#cli/command.ts';
import { confirm, printReclaimed, printRemoved, pruneFlags } from '#cli/prune.ts';

export default command({
  usage: '',
  summary: 'Remove all stopped containers',
  details: `
    Their volumes stay: volume prune takes those that nobody uses then.
    Filters: until=TIME, label=KEY[=VALUE], label!=KEY[=VALUE].`,
  examples: [
    { does: 'What ended and was made more than a day ago', line: 'wherry container prune --force --filter until=24h' },
  ],
  flags: pruneFlags(),
  run: async (context, _args, { filter: filters, force }) => {
    if (!force && !(await confirm(context, 'This will remove all stopped containers.'))) return;
    const { pruneContainers } = await import('#engine/prune.ts');
    const { removed, reclaimed } = await pruneContainers(context.store, filters);
    printRemoved(context, 'Deleted Containers', removed);
    printReclaimed(context, reclaimed);
  },
});
