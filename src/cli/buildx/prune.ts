import { ago, humanSize } from '#base/units.ts';
import { needBuilder } from '#build/builders.ts';
import { BUILDER_FLAG, inBuildx } from '#cli/buildx/buildx.ts';
import { type Context, command } from '#cli/command.ts';
import { confirm } from '#cli/prune.ts';
import { boolean, bytes, listOf } from '#cli/values.ts';
import { pruneCache } from '#engine/build-prune.ts';
import type { CacheUsage } from '#engine/build-usage.ts';

const space = (summary: string) => ({ as: bytes, summary }) as const;

export default command({
  usage: '',
  summary: 'Remove build cache',
  details: `
    Takes what no image has; with --all what images have, too, so that their next build begins anew. Images stay.
    Filters: until=24h, id=ID, type=regular|exec.cachemount, description~=REGEX, inuse, shared, private.`,
  examples: [
    { does: 'What nobody has used for two days', line: 'wherry builder prune --force --filter until=48h' },
    { does: 'Keep ten gigabytes', line: 'wherry buildx prune --force --reserved-space 10GB' },
  ],
  flags: {
    all: { short: 'a', as: boolean, summary: 'Include internal/frontend images' },
    ...BUILDER_FLAG,
    filter: { as: listOf('filter'), summary: 'Provide filter values' },
    force: { short: 'f', as: boolean, summary: 'Do not prompt for confirmation' },
    'keep-storage': {
      ...space('Amount of disk space to keep for cache'),
      deprecated: 'keep-storage flag has been changed to reserved-space',
    },
    'max-used-space': space('Maximum amount of disk space allowed to keep for cache'),
    'min-free-space': space('Target amount of free disk space after pruning'),
    'reserved-space': space('Amount of disk space always allowed to keep for cache'),
    verbose: { as: boolean, summary: 'Provide a more verbose output' },
  },
  run: (context, _args, values) =>
    inBuildx(context, async () => {
      needBuilder(context.store, values.builder);
      const { all, filter: filters, force, maxUsedSpace, minFreeSpace, verbose } = values;
      const reserved = values.reservedSpace ?? values.keepStorage;
      const what = all ? 'all build cache' : 'all dangling build cache';
      if (!force && !(await confirm(context, `This will remove ${what}.`))) return;
      const limits = { reserved, most: maxUsedSpace, free: minFreeSpace };
      const { removed, reclaimed } = await pruneCache(context.store, { all, filters, limits });
      for (const line of listed(removed, verbose)) context.out.line(line);
      printTotal(context, reclaimed);
    }),
});

const WIDTHS = [40, 8, 10] as const;

/** As buildx lists them: columns of fixed widths behind tabs. */
function listed(removed: readonly CacheUsage[], verbose: boolean): string[] {
  if (removed.length === 0) return [];
  if (verbose) return removed.map(({ id, description, size }) => `${id}\t${humanSize(size, 4)}\t${description}`);
  const rows = removed.map(({ id, mutable, size, used }) => {
    const cells = [mutable ? `${id}*` : id, 'true', humanSize(size, 4)].map((cell, at) =>
      cell.padEnd(at === 1 ? 0 : (WIDTHS[at] ?? 0)),
    );
    return `${cells.join('\t')}\t${ago(used)}`;
  });
  return ['ID\t\t\t\t\t\tRECLAIMABLE\tSIZE\t\tLAST ACCESSED', ...rows];
}

const printTotal = ({ out }: Context, reclaimed: number) => out.line(`Total:\t${humanSize(reclaimed, 4)}`);
