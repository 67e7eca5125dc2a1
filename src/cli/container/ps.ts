import { WherryError } from '#base/error.ts';
import { type Context, command } from '#cli/command.ts';
import { listFormat } from '#cli/config-file.ts';
import { type Shown, SORTS, sortRows, withNamespaces } from '#cli/container/ps-podman.ts';
import { PS_RAW } from '#cli/container/ps-raw.ts';
import { LIST_FORMAT_SUMMARY } from '#cli/format.ts';
import { printRows } from '#cli/table.ts';
import { boolean, choice, filter, integer, text, unsigned } from '#cli/values.ts';
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
  // podman's, with --ns
  PID: 'PID',
  CGROUPNS: 'CGROUPNS',
  IPC: 'IPC',
  MNT: 'MNT',
  NET: 'NET',
  PIDNS: 'PIDNS',
  USERNS: 'USERNS',
  UTS: 'UTS',
};

const COLUMNS = ['ID', 'Image', 'Command', 'RunningFor', 'Status', 'Ports', 'Names'];
const NAMESPACES = ['ID', 'Names', 'PID', 'CGROUPNS', 'IPC', 'MNT', 'NET', 'PIDNS', 'USERNS', 'UTS'];

export default command({
  usage: '',
  summary: 'List containers',
  details: `
    Filters: id, name, label, status (created, running, paused, restarting, removing, exited, dead), exited=STATUS,
    ancestor=IMAGE, before and since=CONTAINER, volume, network, publish and expose=PORT, health, is-task. Several values
    of one filter mean any of them, several filters all of them.

    podman's flags work, too: --ns shows the namespaces of each container's first process, --sort orders by command,
    created, id, image, names, runningfor, size or status, --watch SECONDS shows the list over and over, --noheading leaves
    the line of headers out.

    A format that is wanted always is psFormat in ~/.docker/config.json.`,
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
    noheading: { as: boolean, summary: 'Do not print headers', hidden: true },
    ns: { as: boolean, summary: 'Display namespace information', hidden: true },
    quiet: { short: 'q', as: boolean, summary: 'Only display container IDs' },
    size: { short: 's', as: boolean, summary: 'Display total file sizes' },
    sort: { as: choice(SORTS), summary: `Sort output by: ${SORTS.join(', ')}`, hidden: true },
    watch: { short: 'w', as: unsigned, summary: 'Show the list every so many seconds', hidden: true },
  },
  run: async (context, _args, { watch, format, quiet, size, ns, ...wish }) => {
    if (ns && (quiet || size)) throw new WherryError('invalid', 'quiet conflicts with size and namespace');
    const wanted: Wish = { ...wish, quiet, size, ns, format: formatOf(context, format, quiet) };
    // Docker tries a template on no container first: it may be wrong where there is none to show.
    const tried = format || wanted.format;
    const fields = tried ? await fieldsUsed(tried) : new Set<string>();
    const measured = size || (!quiet && !context.given.has('size') && fields.has('Size'));
    await show(context, wanted, measured);
    while (watch) {
      const { setTimeout } = await import('node:timers/promises');
      await setTimeout(watch * 1000, undefined, { signal: context.abort });
      await show(context, wanted, measured);
    }
  },
});

interface Wish {
  all: boolean;
  filter: string[];
  format: string | undefined;
  last: number;
  latest: boolean;
  noTrunc: boolean;
  noheading: boolean;
  ns: boolean;
  quiet: boolean;
  size: boolean;
  sort: (typeof SORTS)[number] | undefined;
}

function formatOf({ err }: Context, format: string | undefined, quiet: boolean): string | undefined {
  if (!format || !quiet) return listFormat(err, 'psFormat', { format, quiet });
  err.line('WARNING: Ignoring custom format, because both --format and --quiet are set.');
  return format === 'raw' ? format : undefined;
}

async function show(context: Context, wish: Wish, measured: boolean): Promise<void> {
  const { format, last, latest, noTrunc, ns, quiet, size } = wish;
  const limit = latest ? 1 : last;
  const seen = await select(context, wish.filter, { all: wish.all || limit > 0, brief: isUsual(wish) });
  const wanted = limit > 0 ? seen.slice(0, limit) : seen;
  const rows = await rowsOf(context, wanted, {
    ...wish,
    truncate: !noTrunc,
    measured: measured || wish.sort === 'size',
  });
  await printRows(
    context.out,
    wish.sort === undefined ? rows.map(({ row }) => row) : sortRows([...rows], wish.sort).map(({ row }) => row),
    {
      headers: HEADERS,
      columns: ns ? NAMESPACES : size ? [...COLUMNS, 'Size'] : COLUMNS,
      format,
      quiet: quiet ? 'ID' : undefined,
      headless: wish.noheading,
      raw: size ? [...PS_RAW, 'size: {{.Size}}'] : PS_RAW,
      type: 'ContainerContext',
    },
  );
}

/** Docker's table, or its IDs. */
const isUsual = ({ format, ns, size, sort }: Wish): boolean => !(format || ns || size || sort);

interface RowsWish {
  quiet: boolean;
  ns: boolean;
  truncate: boolean;
  measured: boolean;
}

/** A row is made when its turn comes. */
async function rowsOf(
  context: Context,
  wanted: readonly Seen[],
  wish: RowsWish,
): Promise<IteratorObject<Shown, undefined>> {
  const { truncate, measured } = wish;
  const seen = wanted.values();
  if (wish.quiet && !measured) return seen.map((one) => ({ seen: one, row: psRow(one, { truncate }), bytes: 0 }));
  const { imageNamer, sizeOf } = await import('#cli/describe.ts');
  const image = imageNamer(context.store, { truncate });
  return seen.map((one) => {
    const size = measured ? sizeOf(context.store, one.record) : undefined;
    const row = psRow(one, { truncate, image, ...(size === undefined ? {} : { size: () => size }) });
    return { seen: one, row: wish.ns ? withNamespaces(row, one) : row, bytes: size?.own ?? 0 };
  });
}

/** The fields that a template reads, found by trying it on a container that is not there. Throws kind `invalid`. */
async function fieldsUsed(format: string): Promise<Set<string>> {
  const used = new Set<string>();
  if (['json', 'raw', 'table'].includes(format)) return used;
  const { compileTemplate } = await import('#cli/template.ts');
  const empty = { Label: (_key: string) => '' };
  for (const name of Object.keys(HEADERS)) {
    const get = () => {
      used.add(name);
      return '';
    };
    Object.defineProperty(empty, name, { get, enumerable: true });
  }
  const render = compileTemplate(format, {
    parsePrefix: 'failed to parse template: ',
    parseStatus: 1,
    runPrefix: 'failed to execute template: ',
    type: '*formatter.ContainerContext',
  });
  render(empty);
  return used;
}

/** What the filters leave, newest first. A damaged record is told of, and does not keep the others from being listed. */
async function select(
  context: Context,
  filters: readonly string[],
  { all, brief }: { all: boolean; brief: boolean },
): Promise<Seen[]> {
  const corrupt = (error: Error) => context.err.line(`warning: ${error.message}`);
  if (filters.length === 0) return listSeen(context.store, { all, brief, corrupt });
  const [{ readSelection }, { descendance }] = await Promise.all([
    import('#container/select.ts'),
    import('#cli/describe.ts'),
  ]);
  const selection = readSelection(context.store, filters, descendance(context.store));
  return listSeen(context.store, { all: all || selection.all, corrupt }).filter(selection.matches);
}
