import { WherryError } from '#base/error.ts';
import { ago, humanDuration } from '#base/units.ts';
import { needBuilder } from '#build/builders.ts';
import { type BuildRecord, fullRef, listBuilds } from '#build/history.ts';
import { BUILDER_FLAG, inBuildx } from '#cli/buildx/buildx.ts';
import { command } from '#cli/command.ts';
import { printRows } from '#cli/table.ts';
import { boolean, listOf, text } from '#cli/values.ts';

const HEADERS = { Ref: 'BUILD ID', Name: 'NAME', Status: 'STATUS', CreatedAt: 'CREATED AT', Duration: 'DURATION' };

export default command({
  usage: '',
  summary: 'List build records',
  details: 'The last fifty builds of this user. A build is recorded when it has ended.',
  examples: [{ does: 'Builds that failed', line: 'wherry buildx history ls --filter status=error' }],
  flags: {
    ...BUILDER_FLAG,
    filter: { as: listOf('stringArray'), summary: 'Provide filter values (e.g., "status=error")' },
    format: { as: text, default: 'table', summary: 'Format the output' },
    local: { as: boolean, summary: 'List records for current repository only' },
    'no-trunc': { as: boolean, summary: "Don't truncate output" },
  },
  run: (context, _args, { builder, filter, format, local, noTrunc }) =>
    inBuildx(context, async () => {
      needBuilder(context.store, builder);
      const keep = filter.map(filterOf);
      const records = listBuilds(context.store).filter(
        (record) => keep.every((test) => test(record)) && (!local || isBelow(record.context)),
      );
      if (format === 'json') {
        for (const record of records) context.out.line(JSON.stringify(asJson(record)));
        return;
      }
      await printRows(
        context.out,
        records.map((record) => rowOf(record, noTrunc)),
        {
          headers: HEADERS,
          columns: Object.keys(HEADERS),
          format,
          type: 'history.lsContext',
          runPrefix: 'template parsing error: ',
        },
      );
    }),
});

const statusOf = ({ error }: BuildRecord) => (error === undefined ? 'Completed' : 'Error');

const NAME_WIDTH = 36;

function rowOf(record: BuildRecord, noTrunc: boolean): object {
  const { ref, name, started, completed } = record;
  const shown = noTrunc || name.length <= NAME_WIDTH ? name : `${name.slice(0, NAME_WIDTH - 3)}...`;
  return {
    Ref: ref,
    Name: shown,
    Status: statusOf(record),
    CreatedAt: ago(new Date(started)),
    Duration: spent(completed - started),
  };
}

/** As buildx: tenths of seconds, and words from a minute on. */
export function spent(milliseconds: number): string {
  return milliseconds < 60_000 ? `${(milliseconds / 1000).toFixed(1)}s` : humanDuration(milliseconds);
}

function asJson(record: BuildRecord): object {
  const { name, started, completed, steps } = record;
  return {
    cached_steps: steps.cached,
    completed_at: new Date(completed).toISOString(),
    completed_steps: steps.completed,
    created_at: new Date(started).toISOString(),
    name,
    ref: fullRef(record),
    status: statusOf(record),
    total_steps: steps.total,
  };
}

function filterOf(text: string): (record: BuildRecord) => boolean {
  const [, key = '', value = ''] = /^([^=]*)=(.*)$/s.exec(text) ?? [];
  if (key === 'status') return (record) => statusOf(record).toLowerCase() === value.toLowerCase();
  if (key === 'ref') return ({ ref }) => ref.startsWith(value);
  if (key === 'name') return ({ name }) => name === value;
  throw new WherryError('invalid', `unsupported filter "${text}"`);
}

/** Was it built from where we are? */
function isBelow(context: string): boolean {
  const here = process.cwd();
  return context === here || context.startsWith(`${here}/`);
}
