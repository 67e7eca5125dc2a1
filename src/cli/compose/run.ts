import { readFileSync } from 'node:fs';
import { WherryError } from '#base/error.ts';
import { type Context, given, type Values } from '#cli/command.ts';
import { createOptions, ignoresOrphans, withFlags } from '#cli/compose/create-flags.ts';
import { operate } from '#cli/compose/operation.ts';
import { composeCommand, isDryRun, refuseDryRun } from '#cli/compose/project.ts';
import { sayWordless } from '#cli/compose/settings.ts';
import { openTrusted } from '#cli/compose/trust.ts';
import { removeUnstarted } from '#cli/create-container.ts';
import { isTerminal } from '#cli/output.ts';
import { reason } from '#cli/run-files.ts';
import { boolean, list, listOf, text } from '#cli/values.ts';
import { asDaemon } from '#compose/apply/errors.ts';
import { createOneOff, type OneOff } from '#compose/apply/oneoff.ts';
import { parseMount } from '#compose/model/mounts.ts';
import { parsePorts } from '#compose/model/ports.ts';
import type { Project, Service } from '#compose/model/project.ts';
import { withSelected } from '#compose/model/select.ts';
import { shellWords } from '#compose/model/shell-words.ts';
import { startContainer } from '#engine/start.ts';

const strings = listOf('stringArray');

const FLAGS = {
  build: { as: boolean, summary: 'Build image before starting container' },
  'cap-add': { as: list, summary: 'Add Linux capabilities' },
  'cap-drop': { as: list, summary: 'Drop Linux capabilities' },
  detach: { short: 'd', as: boolean, summary: 'Run container in background and print container ID' },
  entrypoint: { as: text, summary: 'Override the entrypoint of the image' },
  env: { short: 'e', as: strings, summary: 'Set environment variables' },
  'env-from-file': { as: strings, summary: 'Set environment variables from file' },
  interactive: { short: 'i', as: boolean, default: 'true', summary: 'Keep STDIN open even if not attached' },
  label: { short: 'l', as: strings, summary: 'Add or override a label' },
  name: { as: text, summary: 'Assign a name to the container' },
  'no-TTY': {
    short: 'T',
    as: boolean,
    default: 'true',
    summary: 'Disable pseudo-TTY allocation (default: auto-detected)',
  },
  'no-deps': { as: boolean, summary: "Don't start linked services" },
  publish: { short: 'p', as: strings, summary: "Publish a container's port(s) to the host" },
  pull: { as: text, default: 'policy', summary: 'Pull image before running ("always"|"missing"|"never")' },
  quiet: { short: 'q', as: boolean, summary: "Don't print anything to STDOUT" },
  'quiet-build': { as: boolean, summary: 'Suppress progress output from the build process' },
  'quiet-pull': { as: boolean, summary: 'Pull without printing progress information' },
  'remove-orphans': { as: boolean, summary: 'Remove containers for services not defined in the Compose file' },
  rm: { as: boolean, summary: 'Automatically remove the container when it exits' },
  'service-ports': {
    short: 'P',
    as: boolean,
    summary: "Run command with all service's ports enabled and mapped to the host",
  },
  tty: { short: 't', as: boolean, default: 'true', summary: 'Allocate a pseudo-TTY', hidden: true },
  'use-aliases': {
    as: boolean,
    summary: "Use the service's network useAliases in the network(s) the container connects to",
  },
  user: { short: 'u', as: text, summary: 'Run as specified username or uid' },
  volume: { short: 'v', as: strings, summary: 'Bind mount a volume' },
  workdir: { short: 'w', as: text, summary: 'Working directory inside the container' },
} as const;

type RunValues = Values<typeof FLAGS>;

export default composeCommand({
  usage: 'SERVICE [COMMAND] [ARGS...]',
  summary: 'Run a one-off command on a service',
  details: `
    What the service depends on is started first. The container is one of its own, without the service's ports unless
    --service-ports is given, and its exit status is run's.`,
  examples: [{ does: 'Look around where a service runs', line: 'wherry compose run --rm web sh' }],
  interspersed: false,
  flags: FLAGS,
  run: async (context, [name = '', ...command], values) => {
    const tty = checkRun(context, values);
    const opened = withFlags(context, await openTrusted(context, [name], { yes: false }), { ...values, scale: [] });
    const project = values.noDeps ? withSelected(opened, [name], 'ignore') : opened;
    const service = await changed(context, project, { name, command, tty, values });
    if (service.tty && values.interactive && !values.detach && !isTerminal(0)) {
      throw invalid('the input device is not a TTY');
    }
    const oneOff: OneOff = {
      service,
      autoRemove: values.rm,
      interactive: values.interactive,
      aliases: values.useAliases,
      noDeps: values.noDeps,
      ...given({ name: values.name || undefined }),
    };
    const made = await operate(context, { values, title: 'Running', quiet: values.quiet, signals: false }, (scope) => {
      const options = createOptions(context, project, scope, { ...CREATE, ...values });
      return createOneOff(
        scope,
        project,
        oneOff,
        ignoresOrphans(project) ? { ...options, orphans: 'ignore' } : options,
      );
    });
    if (!values.detach) refuseDryRun(context, values, 'interactive run');
    else if (isDryRun(context, values)) return context.out.line(made.id);
    try {
      if (values.detach) return await inBackground(context, made.id);
      const status = await inFront(context, made.id, values);
      // Who wants quiet has no JSON, either, as with docker compose.
      if (status !== 0) values.quiet ? context.err.line('') : sayWordless(context);
      return status;
    } catch (error) {
      if (values.rm) await removeUnstarted(context, made.id);
      throw asDaemon(error);
    }
  },
});

const CREATE = { noBuild: false, forceRecreate: false, noRecreate: false, scale: [], yes: false };

const invalid = (message: string) => new WherryError('invalid', message);

/** Does it get a terminal? Throws kind `invalid` in compose's words for flags that contradict each other. */
function checkRun({ given: flags, out }: Context, values: RunValues): boolean {
  if (values.publish.length > 0 && values.servicePorts) {
    throw invalid('--service-ports and --publish are incompatible');
  }
  if (flags.has('tty')) {
    if (flags.has('no-TTY')) throw invalid("--tty and --no-TTY can't be used together");
    return values.tty;
  }
  if (flags.has('no-TTY')) return !values.noTTY;
  if (!flags.has('interactive') && !isTerminal(0)) return false;
  return out.isTerminal;
}

interface Line {
  name: string;
  command: readonly string[];
  tty: boolean;
  values: RunValues;
}

/** The service as the command line changes it. Throws kind `invalid`. */
async function changed(context: Context, project: Project, { name, command, tty, values }: Line): Promise<Service> {
  const service = project.services[name];
  if (service === undefined) throw invalid(`no such service: ${name}`);
  const { capAdd, capDrop, user, workdir } = values;
  const without = (list: readonly string[] = [], others: readonly string[]) =>
    list.filter((one) => !others.includes(one));
  const published = values.publish.length > 0 ? (parsePorts([...values.publish], 'ports') as Service['ports']) : [];
  const ports = values.servicePorts ? service.ports : published;
  const volumes = values.volume.map((one) => parseMount(one) as NonNullable<Service['volumes']>[number]);
  const { entrypoint, words } = entrypointOf(context, service, command, values);
  const { tty: _, stdin_open: __, ...rest } = service;
  return {
    ...rest,
    // What is false is left out as everywhere: the hash is of what is there.
    ...(tty ? { tty } : {}),
    ...(values.interactive ? { stdin_open: true } : {}),
    ports: ports ?? [],
    volumes: [...(service.volumes ?? []), ...volumes],
    cap_add: [...without(service.cap_add, capDrop), ...capAdd],
    cap_drop: [...without(service.cap_drop, capAdd), ...capDrop],
    environment: { ...service.environment, ...(await environmentOf(project, values)) },
    labels: { ...service.labels, ...Object.fromEntries(values.label.map(readLabel)) },
    ...given({ user: user || undefined, working_dir: workdir || undefined, command: words, entrypoint }),
  };
}

/** With an entrypoint of its own the service's command counts no more. */
function entrypointOf({ given: flags }: Context, service: Service, command: readonly string[], values: RunValues) {
  const hasOwn = flags.has('entrypoint');
  const entrypoint = hasOwn ? shellWords(values.entrypoint ?? '') : service.entrypoint;
  const words = command.length > 0 ? [...command] : hasOwn ? [] : service.command;
  return { entrypoint, words };
}

function readLabel(label: string): [string, string] {
  const at = label.indexOf('=');
  if (at < 0) throw invalid('label must be set as KEY=VALUE');
  return [label.slice(0, at), label.slice(at + 1)];
}

/** -e, then what only the files have. A name alone takes the value that the environment has. */
async function environmentOf(project: Project, { env, envFromFile }: RunValues): Promise<Record<string, string>> {
  const flags = env.flatMap((entry): [string, string][] => {
    const at = entry.indexOf('=');
    if (at >= 0) return [[entry.slice(0, at), entry.slice(at + 1)]];
    const value = project.environment[entry];
    return value === undefined ? [] : [[entry, value]];
  });
  const known: Record<string, string> = Object.fromEntries(flags);
  const { readVariables } = await import('#compose/load/dotenv.ts');
  for (const path of envFromFile) {
    const read: Record<string, string> = {};
    readVariables(readText(path), read, (name) => known[name]);
    for (const [name, value] of Object.entries(read)) known[name] ??= value;
  }
  return known;
}

function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (cause) {
    throw new WherryError('invalid', `open ${path}: ${reason(cause)}`, { cause });
  }
}

async function inBackground(context: Context, id: string): Promise<number> {
  const session = await startContainer(context.store, id);
  session?.leave();
  context.out.line(id);
  return 0;
}

async function inFront(context: Context, id: string, { interactive }: RunValues): Promise<number> {
  const { attend } = await import('#cli/session.ts');
  const { status } = await attend(context, {
    container: id,
    streams: { stdin: interactive, stdout: true, stderr: true },
    signals: true,
    start: (options) => startContainer(context.store, id, options),
  });
  return status;
}
