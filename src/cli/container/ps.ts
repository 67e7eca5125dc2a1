import { type Context, command } from '#cli/command.ts';
import { LIST_FORMAT_SUMMARY } from '#cli/format.ts';
import { printRows } from '#cli/table.ts';
import { boolean, filter, integer, text } from '#cli/values.ts';
import { listSeen, psRow, type Seen } from '#container/view.ts';

const HEADERS = {
  ID: 'CONTAINER ID',
  Image: 'IMAGE',
  Command: 'COMMAND',
  CreatedAt: 'CREATED AT',
  RunningFor: 'CREATED',
  Ports: 'PORTS',
  Platform: 'PLATFORM',
  State: 'STATE',
  Status: 'STATUS',
  Size: 'SIZE',
  Names: 'NAMES',
  Labels: 'LABELS',
  LocalVolumes: 'LOCAL VOLUMES',
  Mounts: 'MOUNTS',
  Networks: 'NETWORKS',
};

const COLUMNS = ['ID', 'Image', 'Command', 'RunningFor', 'Status', 'Ports', 'Names'];

export default command({
  usage: '',
  summary: 'List containers',
  details: `
    Filters: id, name, label, status (created, running, paused, restarting, exited), exited=STATUS, ancestor=IMAGE,
    before and since=CONTAINER, volume, network, publish and expose=PORT, health. Several values of one filter mean
    any of them, several filters all of them.`,
  examples: [
    { does: 'What ended badly', line: 'wherry ps --all --filter exited=1' },
    { does: 'Names and ports', line: "wherry ps --format 'table {{.Names}}\\t{{.Ports}}'" },
  ],
  flags: {
    all: { short: 'a', as: boolean, summary: 'Show all containers (default shows just running)' },
    filter: { short: 'f', as: filter, summary: 'Filter output based on conditions provided' },
    format: { as: text, summary: LIST_FORMAT_SUMMARY },
    last: { short: 'n', as: integer, default: '-1', summary: 'Show n last created containers (includes all states)' },
    latest: { short: 'l', as: boolean, summary: 'Show the latest created container (includes all states)' },
    'no-trunc': { as: boolean, summary: "Don't truncate output" },
    quiet: { short: 'q', as: boolean, summary: 'Only display container IDs' },
    size: { short: 's', as: boolean, summary: 'Display total file sizes' },
  },
  run: async (context, _args, { all, filter: filters, format, last, latest, noTrunc, quiet, size }) => {
    const limit = latest ? 1 : last;
    const seen = await select(context, filters, { all: all || limit > 0 });
    const wanted = limit > 0 ? seen.slice(0, limit) : seen;
    const columns = size ? [...COLUMNS, 'Size'] : COLUMNS;
    const shape = { headers: HEADERS, columns, format, quiet: quiet ? 'ID' : undefined, type: 'ContainerContext' };
    const options = { truncate: !noTrunc };
    if (quiet)
      return printRows(
        context.out,
        wanted.map((one) => psRow(one, options)),
        shape,
      );
    const { imageNamer, sizeOf } = await import('#cli/describe.ts');
    const measured = size || /\.Size/.test(format ?? '');
    const details = {
      ...options,
      image: imageNamer(context.store, options),
      ...(measured ? { size: (record: Seen['record']) => sizeOf(context.store, record) } : {}),
    };
    return printRows(
      context.out,
      wanted.map((one) => psRow(one, details)),
      shape,
    );
  },
});

/** What the filters leave, newest first. A damaged record is told of, and does not keep the others from being listed. */
async function select(context: Context, filters: readonly string[], { all }: { all: boolean }): Promise<Seen[]> {
  const corrupt = (error: Error) => context.err.line(`warning: ${error.message}`);
  if (filters.length === 0) return listSeen(context.store, { all, corrupt });
  const [{ readSelection }, { descendance }] = await Promise.all([
    import('#container/select.ts'),
    import('#cli/describe.ts'),
  ]);
  const selection = readSelection(context.store, filters, descendance(context.store));
  return listSeen(context.store, { all: all || selection.all, corrupt }).filter(selection.matches);
}
