import { WherryError } from '#base/error.ts';
import { command } from '#cli/command.ts';
import { confirm, imageLines, printReclaimed, printRemoved, pruneFlags } from '#cli/prune.ts';
import { boolean } from '#cli/values.ts';

export default command({
  usage: '',
  summary: 'Remove unused data',
  details: `
    Stopped containers first, then the networks, the volumes (with --volumes) and the images that nothing uses then.
    Filters: until=TIME (not with --volumes), label=KEY[=VALUE], label!=KEY[=VALUE].`,
  examples: [
    { does: 'Everything that no running container needs', line: 'wherry system prune --all --volumes --force' },
  ],
  flags: {
    all: { short: 'a', as: boolean, summary: 'Remove all unused images not just dangling ones' },
    ...pruneFlags('label=<key>=<value>'),
    volumes: { as: boolean, summary: 'Prune anonymous volumes' },
  },
  run: async (context, _args, { all, filter: filters, force, volumes }) => {
    if (volumes && filters.some((one) => /^\s*until\s*=/i.test(one))) {
      throw new WherryError('invalid', 'ERROR: The "until" filter is not supported with "--volumes"');
    }
    if (!force && !(await confirm(context, warning({ all, filters, volumes })))) return;
    const { store } = context;
    const { pruneContainers, pruneImages, pruneNetworks, pruneVolumes } = await import('#engine/prune.ts');
    const containers = await pruneContainers(store, filters);
    printRemoved(context, 'Deleted Containers', containers.removed);
    printRemoved(context, 'Deleted Networks', await pruneNetworks(store, filters));
    const lost = volumes ? await pruneVolumes(store, { filters }) : { removed: [], reclaimed: 0 };
    printRemoved(context, 'Deleted Volumes', lost.removed);
    const images = await pruneImages(store, { all, filters });
    printRemoved(context, 'Deleted Images', imageLines(images.removed));
    const { pruneCache } = await import('#engine/build-prune.ts');
    const cache = await pruneCache(store, { all, filters: filters.filter((one) => /^\s*until\s*=/i.test(one)) });
    printRemoved(
      context,
      'Deleted build cache objects',
      cache.removed.map(({ id }) => id),
    );
    printReclaimed(context, containers.reclaimed + lost.reclaimed + images.reclaimed + cache.reclaimed);
  },
});

function warning({ all, filters, volumes }: { all: boolean; filters: readonly string[]; volumes: boolean }): string {
  const items = [
    'all stopped containers',
    'all networks not used by at least one container',
    ...(volumes ? ['all anonymous volumes not used by at least one container'] : []),
    all ? 'all images without at least one container associated to them' : 'all dangling images',
    all ? 'all build cache' : 'unused build cache',
  ];
  const listed = (lines: readonly string[]) => lines.map((line) => `  - ${line}\n`).join('');
  const filtered =
    filters.length === 0 ? '' : `\n  Items to be pruned will be filtered with:\n${listed([...filters].sort())}`;
  return `This will remove:\n${listed(items)}${filtered}`;
}
