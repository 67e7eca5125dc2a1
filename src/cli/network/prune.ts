import { command } from '#cli/command.ts';
import { confirm, printRemoved, pruneFlags } from '#cli/prune.ts';

export default command({
  usage: '',
  summary: 'Remove all unused networks',
  details: 'Filters: until=TIME, label=KEY[=VALUE], label!=KEY[=VALUE].',
  examples: [{ does: 'Networks that no container is to join', line: 'wherry network prune --force' }],
  flags: pruneFlags(),
  run: async (context, _args, { filter: filters, force }) => {
    const warning = 'This will remove all custom networks not used by at least one container.';
    if (!force && !(await confirm(context, warning))) return;
    const { pruneNetworks } = await import('#engine/prune.ts');
    printRemoved(context, 'Deleted Networks', await pruneNetworks(context.store, filters));
  },
});
