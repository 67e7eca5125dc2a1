import { WherryError } from '#base/error.ts';
import { type Context, given, type Values } from '#cli/command.ts';
import { CREATE_FLAGS, createOptions, ignoresOrphans, withFlags } from '#cli/compose/create-flags.ts';
import { operate } from '#cli/compose/operation.ts';
import { composeCommand, isDryRun } from '#cli/compose/project.ts';
import { isOn } from '#cli/compose/questions.ts';
import { infoOf } from '#cli/compose/settings.ts';
import { hearing, type Listener, listen, noteUp } from '#cli/compose/standing.ts';
import { openTrusted } from '#cli/compose/trust.ts';
import { boolean, integer, listOf, text } from '#cli/values.ts';
import { type CreateOptions, createProject } from '#compose/apply/create.ts';
import type { Scope } from '#compose/apply/scope.ts';
import { startProject } from '#compose/apply/start.ts';
import type { Project } from '#compose/model/project.ts';
import { withSelected } from '#compose/model/select.ts';

const strings = listOf('stringArray');

const FLAGS = {
  ...CREATE_FLAGS,
  'abort-on-container-exit': {
    as: boolean,
    summary: 'Stops all containers if any container was stopped. Incompatible with -d',
  },
  'abort-on-container-failure': {
    as: boolean,
    summary: 'Stops all containers if any container exited with failure. Incompatible with -d',
  },
  'always-recreate-deps': {
    as: boolean,
    summary: 'Recreate dependent containers. Incompatible with --no-recreate.',
  },
  attach: {
    as: strings,
    summary: 'Restrict attaching to the specified services. Incompatible with --attach-dependencies.',
  },
  'attach-dependencies': { as: boolean, summary: 'Automatically attach to log output of dependent services' },
  detach: { short: 'd', as: boolean, summary: 'Detached mode: Run containers in the background' },
  'exit-code-from': {
    as: text,
    summary: 'Return the exit code of the selected service container. Implies --abort-on-container-exit',
  },
  menu: {
    as: boolean,
    summary:
      'Enable interactive shortcuts when running attached. Incompatible with --detach. Can also be enable/disable by setting COMPOSE_MENU environment var.',
  },
  'no-attach': { as: strings, summary: 'Do not attach (stream logs) to the specified services' },
  'no-color': { as: boolean, summary: 'Produce monochrome output' },
  'no-deps': { as: boolean, summary: "Don't start linked services" },
  'no-log-prefix': { as: boolean, summary: "Don't print prefix in logs" },
  'no-start': { as: boolean, summary: "Don't start the services after creating them" },
  pull: { as: text, default: 'policy', summary: 'Pull image before running ("always"|"missing"|"never")' },
  'quiet-build': { as: boolean, summary: 'Suppress the build output' },
  'renew-anon-volumes': {
    short: 'V',
    as: boolean,
    summary: 'Recreate anonymous volumes instead of retrieving data from the previous containers',
  },
  timeout: {
    short: 't',
    as: integer,
    summary: 'Use this timeout in seconds for container shutdown when attached or when containers are already running',
  },
  timestamps: { as: boolean, summary: 'Show timestamps' },
  wait: { as: boolean, summary: 'Wait for services to be running|healthy. Implies detached mode.' },
  'wait-timeout': {
    as: integer,
    summary: 'Maximum duration in seconds to wait for the project to be running|healthy',
  },
  watch: {
    short: 'w',
    as: boolean,
    summary: 'Watch source code and rebuild/refresh containers when files are updated.',
  },
} as const;

type UpValues = Values<typeof FLAGS>;

export default composeCommand({
  usage: '[SERVICE...]',
  summary: 'Create and start containers',
  details: `
    Containers whose configuration, image, networks or volumes have changed are made anew; their anonymous volumes go on.
    What depends on another service waits for it as depends_on says. An interrupted up is continued by the next.`,
  examples: [{ does: 'Start a project and wait until it is healthy', line: 'wherry compose up --detach --wait' }],
  flags: FLAGS,
  run: async (context, services, values) => {
    const detach = checkUp(values);
    const listener = listen(context, infoOf(context));
    const hears = hearing(listener);
    const project = await chosenProject(context, services, { values, listener });
    const isAttached = !detach && !values.noStart;
    if (values.watch) checkWatch(project);
    await operate(context, { values, title: 'Running', output: listener.output }, async (heard) => {
      const scope = hears.within(heard);
      await createProject(scope, project, upOptions(context, project, services, { scope, values }));
      if (isAttached || values.noStart) return;
      await startProject(scope, project, { wait: values.wait, waitTimeout: (values.waitTimeout ?? 0) * 1000 });
    });
    if (!isAttached) {
      if (values.noStart || isDryRun(context, values)) return;
      return noteUp(context, project, listener, hears.isHealthAsked());
    }
    if (isDryRun(context, values)) {
      return context.out.line("end of 'compose up' output, interactive run is not supported in dry-run mode");
    }
    const { stayInFront } = await import('#cli/compose/up-attached.ts');
    if (!isWatched(project)) return stayInFront(context, project, services, values, {});
    const { watchBeside } = await import('#cli/compose/watching.ts');
    return stayInFront(context, project, services, values, { watch: watchBeside(context, project) });
  },
});

const invalid = (message: string) => new WherryError('invalid', message);

/** With the flags in it. Throws kind `invalid` in compose's words. */
async function chosenProject(
  context: Context,
  services: readonly string[],
  { values, listener: { look, ask } }: { values: UpValues; listener: Listener },
): Promise<Project> {
  const opened = await openTrusted(context, services, { yes: values.yes, look, ask });
  if (Object.keys(opened.services).length === 0) throw invalid('no service selected');
  const flagged = withFlags(context, opened, values);
  const project = values.noDeps ? withSelected(flagged, services, 'ignore') : flagged;
  const { exitCodeFrom, attach } = values;
  const unknown = attach.filter((name) => !Object.hasOwn(project.services, name));
  if (unknown.length > 0) throw invalid(`cannot attach to services not included in up: ${unknown.join(', ')}`);
  if (exitCodeFrom && !Object.hasOwn(project.services, exitCodeFrom))
    throw invalid(`no such service: ${exitCodeFrom}: not found`);
  return project;
}

const isWatched = ({ services }: Project): boolean =>
  Object.values(services).some(({ develop }) => develop?.watch !== undefined);

function checkWatch(project: Project): void {
  if (isWatched(project)) return;
  const what = 'none of the selected services is configured for watch';
  throw invalid(`${what}, see https://docs.docker.com/compose/how-tos/file-watch/`);
}

function upOptions(
  context: Context,
  project: Project,
  services: readonly string[],
  { scope, values }: { scope: Scope; values: UpValues },
): CreateOptions {
  const { timeout, noRecreate, forceRecreate, renewAnonVolumes, alwaysRecreateDeps } = values;
  const unless = (isForced: boolean) => (noRecreate ? 'never' : isForced ? 'force' : 'diverged');
  return {
    ...createOptions(context, project, scope, values),
    orphans: orphansOf(context, project, values),
    recreate: unless(forceRecreate || renewAnonVolumes),
    recreateDependencies: unless(alwaysRecreateDeps),
    inherit: !renewAnonVolumes,
    ...(services.length > 0 ? { services } : {}),
    ...given({ timeout: context.given.has('timeout') ? timeout : undefined }),
  };
}

/** --remove-orphans, or COMPOSE_REMOVE_ORPHANS, which no other command but down and kill reads. */
function orphansOf({ given: flags }: Context, project: Project, { removeOrphans }: UpValues) {
  const remove = flags.has('remove-orphans') ? removeOrphans : isOn('COMPOSE_REMOVE_ORPHANS', project.environment);
  const ignore = ignoresOrphans(project);
  if (remove && ignore) throw invalid('cannot combine COMPOSE_IGNORE_ORPHANS and --remove-orphans');
  return remove ? 'remove' : ignore ? 'ignore' : 'warn';
}

const OTHERS = '--abort-on-container-exit, --abort-on-container-failure, --attach, --attach-dependencies or --watch';

/** --exit-code-from means --abort-on-container-exit, too. */
const endsOnExit = ({ abortOnContainerExit, abortOnContainerFailure, exitCodeFrom }: UpValues): boolean =>
  abortOnContainerExit || (Boolean(exitCodeFrom) && !abortOnContainerFailure);

/** Does it go into the background? Throws kind `invalid` in compose's words for flags that contradict each other. */
function checkUp(values: UpValues): boolean {
  const { wait, abortOnContainerFailure: onFailure, noRecreate, noBuild } = values;
  const onExit = endsOnExit(values);
  const names = values.attachDependencies || values.attach.length > 0;
  const detach = values.detach || wait;
  const contradictions: [boolean, string][] = [
    [onExit && onFailure, '--abort-on-container-failure cannot be combined with --abort-on-container-exit'],
    [
      wait && (names || onExit),
      '--wait cannot be combined with --abort-on-container-exit, --attach or --attach-dependencies',
    ],
    [values.build && noBuild, '--build and --no-build are incompatible'],
    [
      detach && (names || onExit || onFailure || values.watch),
      `--${wait ? 'wait' : 'detach'} cannot be combined with ${OTHERS}`,
    ],
    [noRecreate && values.renewAnonVolumes, '--no-recreate and --renew-anon-volumes are incompatible'],
    [noRecreate && values.forceRecreate, '--force-recreate and --no-recreate are incompatible'],
    [noRecreate && values.alwaysRecreateDeps, '--always-recreate-deps and --no-recreate are incompatible'],
    [noBuild && values.watch, '--no-build and --watch are incompatible'],
    [values.attach.length > 0 && values.attachDependencies, 'cannot combine --attach and --attach-dependencies'],
  ];
  const found = contradictions.find(([is]) => is);
  if (found !== undefined) throw invalid(found[1]);
  return detach;
}
