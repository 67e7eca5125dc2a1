import { WherryError } from '#base/error.ts';
import { command } from '#cli/command.ts';
import { confirm, printReclaimed, printRemoved, pruneFlags } from '#cli/prune.ts';
import { boolean } from '#cli/values.ts';

export default command({
  usage: '',
  summary: 'Remove unused local volumes',
  details: `
    Takes volumes that were made for a container that is gone; with --all those with names, too.
    Filters: label=KEY[=VALUE], label!=KEY[=VALUE], all=true|false.`,
  examples: [{ does: 'All that no container mounts', line: 'wherry volume prune --all --force' }],
  flags: {
    all: { short: 'a', as: boolean, summary: 'Remove all unused volumes, not just anonymous ones' },
    ...pruneFlags('label=<label>'),
  },
  run: async (context, _args, { all, filter: filters, force }) => {
    if (all && filters.some((one) => /^\s*all\s*=/i.test(one))) {
      throw new WherryError('invalid', 'conflicting options: cannot specify both --all and --filter all=1');
    }
    const which = all ? 'all local volumes' : 'anonymous local volumes';
    if (!force && !(await confirm(context, `This will remove ${which} not used by at least one container.`))) return;
    const { pruneVolumes } = await import('#engine/prune.ts');
    const { removed, reclaimed } = await pruneVolumes(context.store, { all, filters });
    printRemoved(context, 'Deleted Volumes', removed);
    printReclaimed(context, reclaimed);
  },
});
