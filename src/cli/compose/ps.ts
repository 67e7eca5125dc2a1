import { WherryError } from '#base/error.ts';
import type { Context, Output } from '#cli/command.ts';
import { projectOrName } from '#cli/compose/operation.ts';
import { composeCommand } from '#cli/compose/project.ts';
import { type Listener, listen } from '#cli/compose/standing.ts';
import { listFormat } from '#cli/config-file.ts';
import { PS_RAW } from '#cli/container/ps-raw.ts';
import { LIST_FORMAT_SUMMARY } from '#cli/format.ts';
import { printRows } from '#cli/table.ts';
import { boolean, list, text } from '#cli/values.ts';
import type { Project } from '#compose/model/project.ts';
import { projectContainers, projectOf, serviceOf } from '#compose/view/containers.ts';
import { containerIds } from '#container/names.ts';
import { NEVER } from '#container/state.ts';
import { portsOf, psRow, type Seen, statusOf } from '#container/view.ts';

const HEADERS = {
  ID: 'CONTAINER ID',
  Name: 'NAME',
  Project: 'PROJECT',
  Service: 'SERVICE',
  Image: 'IMAGE',
  Command: 'COMMAND',
  CreatedAt: 'CREATED AT',
  RunningFor: 'CREATED',
  Ports: 'PORTS',
  State: 'STATE',
  Status: 'STATUS',
  Size: 'SIZE',
  Labels: 'LABELS',
};

const COLUMNS = ['Name', 'Image', 'Command', 'Service', 'RunningFor', 'Status', 'Ports'];

export default composeCommand({
  usage: '[SERVICE...]',
  summary: 'List containers',
  details: `
    Containers are found by their labels, by whatever means they were made. Those of services that the files don't know any
    more are listed too, unless --orphans=false.`,
  examples: [
    { does: 'What has ended', line: 'wherry compose ps --status exited' },
    { does: 'Names and states, for scripts', line: "wherry compose ps --all --format '{{.Name}} {{.State}}'" },
  ],
  flags: {
    all: {
      short: 'a',
      as: boolean,
      summary: 'Show all stopped containers (including those created by the run command)',
    },
    filter: { as: text, summary: 'Filter services by a property (supported filters: status)' },
    format: { as: text, default: 'table', summary: LIST_FORMAT_SUMMARY },
    'no-trunc': { as: boolean, summary: "Don't truncate output" },
    orphans: { as: boolean, default: 'true', summary: 'Include orphaned services (not declared by project)' },
    quiet: { short: 'q', as: boolean, summary: 'Only display IDs' },
    services: { as: boolean, summary: 'Display services' },
    status: {
      as: list,
      summary:
        'Filter services by status. Values: [paused | restarting | removing | running | dead | created | exited]',
    },
  },
  run: async (context, names, { all, filter, format, noTrunc, orphans, quiet, services, status }) => {
    const statuses = [...status, ...readFilter(filter)];
    const listener = listen(context, context.out);
    const { look, ask, output: out } = listener;
    const { name, project } = await projectOrName(context, names, { look, ask });
    const seen = projectContainers(context.store, name, {
      services: wantedServices(names, project, orphans),
      all: all || statuses.length > 0,
      oneOff: all || statuses.length > 0,
      corrupt: (error) => context.err.line(`warning: ${error.message}`),
    })
      .filter(({ state }) => statuses.length === 0 || statuses.includes(statusOf(state)))
      .sort((a, b) => (a.record.name < b.record.name ? -1 : 1));
    if (quiet) for (const { record } of seen) out.line(record.id);
    else if (services) out.line([...new Set(seen.map(({ record }) => serviceOf(record)))].join('\n'));
    else await printContainers(context, seen, { format, truncate: !noTrunc, out });
    // What else formats tell is not known to stand.
    if (format === 'table') await noteList(context, listener, seen);
  },
});

/** The statuses that --filter asks for. */
function readFilter(filter: string | undefined): string[] {
  if (!filter) return [];
  const at = filter.indexOf('=');
  if (at < 0) throw new WherryError('invalid', 'arguments to --filter should be in form KEY=VAL');
  const name = filter.slice(0, at);
  if (name === 'status') return [filter.slice(at + 1)];
  if (name === 'source') throw new WherryError('unsupported', 'not implemented');
  throw new WherryError('invalid', `unknown filter ${name}`);
}

function wantedServices(names: readonly string[], project: Project | undefined, orphans: boolean): readonly string[] {
  if (project === undefined || (names.length === 0 && orphans)) return names;
  const declared = Object.keys(project.services);
  const missing = names.find((name) => !declared.includes(name));
  if (missing !== undefined) throw new WherryError('invalid', `no such service: ${missing}`);
  return names.length > 0 ? names : declared;
}

async function printContainers(
  context: Context,
  seen: readonly Seen[],
  { format, truncate, out }: { format: string; truncate: boolean; out: Output },
): Promise<void> {
  const { imageNamer } = await import('#cli/describe.ts');
  const image = imageNamer(context.store, { truncate });
  await printRows(
    out,
    seen.map((one) => rowOf(one, { truncate, image })),
    {
      headers: HEADERS,
      columns: COLUMNS,
      format: format || listFormat(context.err, 'psFormat', { format, quiet: false }),
      raw: PS_RAW,
      type: 'ContainerContext',
      runPrefix: 'template parsing error: ',
    },
  );
}

/** Of more containers than that a note would take longer than it saves. */
const FEW = 64;

/** The list stands while no container of the store has changed, and no age is told in other words. */
async function noteList(context: Context, listener: Listener, seen: readonly Seen[]): Promise<void> {
  const containers = containerIds(context.store);
  if (containers.length > FEW) return;
  await listener.note(() => ({ containers, volumes: [], health: true, moments: seen.flatMap(momentsOf) }));
}

/** Of what its row tells the age. */
const momentsOf = ({ record, state }: Seen): string[] => [
  record.created,
  ...(state === undefined ? [] : [state.startedAt, state.finishedAt].filter((moment) => moment !== NEVER)),
];

/** docker ps's row, and what compose has besides. */
function rowOf(seen: Seen, options: Parameters<typeof psRow>[1]): object {
  const { record, state } = seen;
  const status = statusOf(state);
  const row = psRow(seen, options);
  const { Platform: _platform, ...shared } = Object.getOwnPropertyDescriptors(row);
  return Object.defineProperties(
    {
      ExitCode: status === 'exited' ? (state?.exitCode ?? 0) : 0,
      Health: status === 'running' ? (seen.health()?.Status ?? '') : '',
      Name: record.name,
      Project: projectOf(record),
      Publishers: portsOf(seen)
        .sort((a, b) => a.inside - b.inside)
        .map(({ ip, inside, outside, protocol }) => ({
          URL: ip,
          TargetPort: inside,
          PublishedPort: outside,
          Protocol: protocol,
        })),
      Service: serviceOf(record),
    },
    shared,
  );
}
