import { command } from '#cli/command.ts';
import { confirm, imageLines, printReclaimed, printRemoved, pruneFlags } from '#cli/prune.ts';
import { boolean } from '#cli/values.ts';

export default command({
  usage: '',
  summary: 'Remove unused images',
  details: `
    Takes images without a tag, with --all every image that no container was made from; and what killed pulls left.
    Filters: until=TIME, label=KEY[=VALUE], label!=KEY[=VALUE], dangling=true|false.`,
  examples: [
    { does: 'What was made more than ten days ago', line: 'wherry image prune --all --force --filter until=240h' },
  ],
  flags: {
    all: { short: 'a', as: boolean, summary: 'Remove all unused images, not just dangling ones' },
    ...pruneFlags(),
  },
  run: async (context, _args, { all, filter: filters, force }) => {
    const which = all ? 'images without at least one container associated to them' : 'dangling images';
    if (!force && !(await confirm(context, `This will remove all ${which}.`))) return;
    const { pruneImages } = await import('#engine/prune.ts');
    const { removed, reclaimed } = await pruneImages(context.store, { all, filters });
    printRemoved(context, 'Deleted Images', imageLines(removed));
    printReclaimed(context, reclaimed);
  },
});
