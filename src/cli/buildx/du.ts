import { ago, humanSize } from '#base/units.ts';
import { needBuilder } from '#build/builders.ts';
import { BUILDER_FLAG, inBuildx } from '#cli/buildx/buildx.ts';
import { type Context, command } from '#cli/command.ts';
import { printRows } from '#cli/table.ts';
import { boolean, listOf, text } from '#cli/values.ts';
import { readFilter } from '#engine/build-prune.ts';
import { type CacheUsage, cacheUsage } from '#engine/build-usage.ts';

const HEADERS = {
  ID: 'ID',
  Reclaimable: 'RECLAIMABLE',
  Size: 'SIZE',
  LastUsedAt: 'LAST ACCESSED',
  CreatedAt: 'CREATED AT',
  Description: 'DESCRIPTION',
  Mutable: 'MUTABLE',
  Shared: 'SHARED',
  Type: 'TYPE',
  UsageCount: 'USAGE COUNT',
};

export default command({
  usage: '',
  summary: 'Disk usage',
  details: `
    Lists what builds have kept for later ones. A size with a star is that of a layer which an image has as well, so that
    removing the record alone frees nothing; an ID with a star is something that builds write into.`,
  examples: [{ does: 'What takes the most', line: "wherry buildx du --format '{{.Size}} {{.Description}}'" }],
  flags: {
    ...BUILDER_FLAG,
    filter: { as: listOf('filter'), summary: 'Provide filter values' },
    format: { as: text, summary: 'Format the output' },
    verbose: { as: boolean, summary: 'Shorthand for "--format=pretty"' },
  },
  run: (context, _args, { builder, filter, format = '', verbose }) =>
    inBuildx(context, async () => {
      needBuilder(context.store, builder);
      const filters = filter.map(readFilter);
      const usage = (await cacheUsage(context.store)).filter((one) => filters.every((matches) => matches(one)));
      if (verbose || format === 'pretty') {
        for (const one of usage) context.out.write(pretty(one));
        return printSummary(context, usage, filters);
      }
      if (format === 'json') {
        for (const one of usage) context.out.line(JSON.stringify(asJson(one)));
        return;
      }
      const isTable = format === '' || format.startsWith('table');
      await printRows(
        context.out,
        usage.map((one) => cacheRow(one, isTable)),
        {
          headers: HEADERS,
          columns: ['ID', 'Reclaimable', 'Size', 'LastUsedAt'],
          format,
          type: 'commands.diskusageContext',
          runPrefix: 'template parsing error: ',
        },
      );
      if (format === '' || format === 'table') printSummary(context, usage, filters);
    }),
});

/** marked: with the stars that a table has. */
function cacheRow(usage: CacheUsage, marked: boolean): object {
  const { id, size, mutable, shared, used, created, description, type, uses } = usage;
  return {
    ID: marked && mutable ? `${id}*` : id,
    Reclaimable: String(!usage.inUse),
    Size: marked && shared ? `${humanSize(size, 4)}*` : humanSize(size, 4),
    LastUsedAt: ago(used),
    CreatedAt: created,
    Description: description,
    Mutable: String(mutable),
    Shared: String(shared),
    Type: type,
    UsageCount: String(uses),
  };
}

function asJson(usage: CacheUsage) {
  return {
    CreatedAt: usage.created,
    Description: usage.description,
    ID: usage.id,
    LastUsedAt: ago(usage.used),
    Mutable: usage.mutable,
    ...(usage.parents.length === 0 ? {} : { Parents: usage.parents }),
    Reclaimable: !usage.inUse,
    Shared: usage.shared,
    Size: humanSize(usage.size, 4),
    Type: usage.type,
    UsageCount: usage.uses,
  };
}

function pretty(usage: CacheUsage): string {
  const row = asJson(usage);
  const lines = [
    `ID:           ${row.ID}`,
    ...(row.Parents === undefined ? [] : ['Parents:', ...row.Parents.map((parent) => ` - ${parent}`)]),
    `Created at:   ${row.CreatedAt}`,
    `Mutable:      ${row.Mutable}`,
    `Reclaimable:  ${row.Reclaimable}`,
    `Shared:       ${row.Shared}`,
    `Size:         ${row.Size}`,
    `Description:  ${row.Description}`,
    `Usage count:  ${row.UsageCount}`,
    `Last used:    ${row.LastUsedAt}`,
    `Type:         ${row.Type}`,
  ];
  return `${lines.join('\n')}\n\n`;
}

const sum = (usage: readonly CacheUsage[]) => usage.reduce((total, { size }) => total + size, 0);

/** Of the whole cache: what filters choose has no sum. */
function printSummary({ out }: Context, usage: readonly CacheUsage[], filters: readonly unknown[]): void {
  if (filters.length > 0) return;
  const [shared, rest] = [usage.filter((one) => one.shared), usage.filter((one) => !one.shared)];
  if (shared.length > 0) {
    out.line(`Shared:\t\t${humanSize(sum(shared), 4)}`);
    out.line(`Private:\t${humanSize(sum(rest), 4)}`);
  }
  out.line(`Reclaimable:\t${humanSize(sum(usage.filter(({ inUse }) => !inUse)), 4)}`);
  out.line(`Total:\t\t${humanSize(sum(usage), 4)}`);
}
