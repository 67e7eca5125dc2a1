import { WherryError } from '#base/error.ts';
import { given } from '#base/given.ts';
import type { Context } from '#cli/command.ts';
import { type LogLines, openLogLines } from '#cli/compose/log-lines.ts';
import { projectOrName } from '#cli/compose/operation.ts';
import { composeCommand, warn } from '#cli/compose/project.ts';
import { colouredOf, sayWordless } from '#cli/compose/settings.ts';
import { INTERRUPTED } from '#cli/fail.ts';
import { readLogWish } from '#cli/log-wish.ts';
import { boolean, integer, text } from '#cli/values.ts';
import type { Subject } from '#compose/apply/restart.ts';
import { logName, projectContainers, specifiedContainer } from '#compose/view/containers.ts';
import { readLines } from '#compose/view/log.ts';
import { type Happening, monitorProject } from '#compose/view/monitor.ts';
import type { LogOptions } from '#container/logs.ts';
import { readState } from '#container/state.ts';
import type { Seen } from '#container/view.ts';

export default composeCommand({
  usage: '[SERVICE...]',
  summary: 'View output from containers',
  details: `
    Each line stands behind the name of its container. What is written to standard error comes with the rest, to standard
    output. --follow goes on until all containers have ended, and shows those that start meanwhile.`,
  examples: [{ does: 'The last lines of two services, and what comes', line: 'wherry compose logs -f -n 5 web db' }],
  flags: {
    follow: { short: 'f', as: boolean, summary: 'Follow log output' },
    index: { as: integer, default: '0', summary: 'index of the container if service has multiple replicas' },
    'no-color': { as: boolean, summary: 'Produce monochrome output' },
    'no-log-prefix': { as: boolean, summary: "Don't print prefix in logs" },
    since: {
      as: text,
      summary: 'Show logs since timestamp (e.g. 2013-01-02T13:23:37Z) or relative (e.g. 42m for 42 minutes)',
    },
    tail: {
      short: 'n',
      as: text,
      default: 'all',
      summary: 'Number of lines to show from the end of the logs for each container',
    },
    timestamps: { short: 't', as: boolean, summary: 'Show timestamps' },
    until: {
      as: text,
      summary: 'Show logs before a timestamp (e.g. 2013-01-02T13:23:37Z) or relative (e.g. 42m for 42 minutes)',
    },
  },
  run: async (context, names, { follow, index, noColor, noLogPrefix, timestamps, ...period }) => {
    if (index > 0 && names.length !== 1) {
      throw new WherryError('invalid', '--index requires one service to be selected');
    }
    const named = await projectOrName(context, names);
    const services = names.length > 0 ? names : attachedServices(named);
    const lines = openLogLines(context, { coloured: !noColor && colouredOf(context), prefixed: !noLogPrefix });
    const options = { follow, timestamps, ...readLogWish(period), ...(follow ? { abort: context.abort } : {}) };
    const containers = chosen(context, { name: named.name, services, index });
    await showLogs(context, { ...named, services, containers, lines, options });
    if (!follow || !context.abort.aborted) return 0;
    sayWordless(context);
    return INTERRUPTED;
  },
});

/** Without those that want to be left out (`attach: false`). */
function attachedServices({ project }: Subject): string[] {
  if (project === undefined) return [];
  const services = Object.values(project.services);
  const attached = services.filter(({ attach }) => attach !== false).map(({ name }) => name);
  return attached.length > 0 ? attached : services.map(({ name }) => name);
}

function chosen(
  { store }: Context,
  { name, services, index }: { name: string; services: readonly string[]; index: number },
): Seen[] {
  if (index > 0) {
    return [specifiedContainer(store, name, { service: services[0] ?? '', index, all: true, oneOff: false })];
  }
  const found = projectContainers(store, name, { services, all: true, oneOff: false });
  return found.sort((a, b) => (a.record.name < b.record.name ? -1 : 1));
}

interface Shown {
  name: string;
  services: readonly string[];
  containers: readonly Seen[];
  lines: LogLines;
  options: LogOptions & { timestamps: boolean };
}

async function showLogs(context: Context, { name, services, containers, lines, options }: Shown): Promise<void> {
  const show = (id: string, title: string, wish: LogOptions) =>
    readLines(context.store, id, { ...options, ...wish }, (line) => lines.log(title, line)).catch((error: unknown) => {
      if (!(error instanceof WherryError) || error.kind !== 'unavailable') throw error;
      const whole = containers.find(({ record }) => record.id === id)?.record.name ?? title;
      warn(context, `Can't retrieve logs for ${JSON.stringify(whole)}: Error response from daemon: ${error.message}`);
    });
  const monitor = options.follow ? monitorProject(context.store, name, { services, abort: context.abort }) : undefined;
  // One after the other where all is there: the lines of a container stay together.
  const reading = new Map<string, Promise<void>>();
  for (const { record } of containers) {
    const job = show(record.id, logName(record), {});
    if (options.follow) reading.set(record.id, job);
    else await job;
  }
  for await (const happening of monitor ?? []) takeHappening(context, { happening, lines, reading, show });
  await Promise.all(reading.values());
}

interface Taking {
  happening: Happening;
  lines: LogLines;
  reading: Map<string, Promise<void>>;
  show(id: string, title: string, wish: LogOptions): Promise<void>;
}

function takeHappening({ store }: Context, { happening, lines, reading, show }: Taking): void {
  const { kind, id, name, exitCode, restarting, replaces } = happening;
  const before = reading.get(id) ?? Promise.resolve();
  const queue = (job: () => Promise<void> | void) => void reading.set(id, before.then(job));
  if (kind === 'recreated') lines.status(replaces, 'has been recreated');
  if (kind === 'started') queue(() => show(id, name, given({ since: readState(store, id)?.startedAt })));
  if (kind === 'exited')
    queue(() => lines.status(name, `exited with code ${exitCode}${restarting ? ' (restarting)' : ''}`));
}
