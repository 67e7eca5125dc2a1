/** `watch`: what changes in a project's files goes into its containers, or has them restarted or built anew. */
import { existsSync, readFileSync, realpathSync } from 'node:fs';
import { join } from 'node:path';
import { WherryError } from '#base/error.ts';
import { readIgnoreFile } from '#build/dockerfile/ignore.ts';
import { createProject } from '#compose/apply/create.ts';
import { runHooks } from '#compose/apply/hooks.ts';
import { readPresent } from '#compose/apply/identify.ts';
import { restartServices } from '#compose/apply/restart.ts';
import type { Scope } from '#compose/apply/scope.ts';
import { startProject } from '#compose/apply/start.ts';
import type { Hook, Project, Service, Trigger } from '#compose/model/project.ts';
import { withSelected } from '#compose/model/select.ts';
import { batches } from '#compose/watch/batches.ts';
import { filesBelow, watchFiles } from '#compose/watch/files.ts';
import { isBound, mappingOf, type Patterns, type Rule, rulesOf, type Work, workFor } from '#compose/watch/rules.ts';
import { syncFiles } from '#compose/watch/sync.ts';

export interface WatchOptions {
  /** Ends it. */
  abort: AbortSignal;
  /** One line in compose's words. */
  log: (text: string) => void;
  /** Builds these services' images. */
  build: (services: readonly Service[]) => Promise<void>;
  /** What they were built from before goes. */
  prune?: () => void | Promise<void>;
}

/** The project with its rules' paths as they really are: events name those. */
function resolved(project: Project): Project {
  const real = (trigger: Trigger) => ({
    ...trigger,
    path: existsSync(trigger.path) ? realpathSync(trigger.path) : trigger.path,
  });
  const services = Object.entries(project.services).map(([name, service]): [string, Service] => [
    name,
    service.develop?.watch === undefined
      ? service
      : { ...service, develop: { watch: service.develop.watch.map(real) } },
  ]);
  return { ...project, services: Object.fromEntries(services) };
}

/**
 * Watches until it is aborted. What goes wrong with one batch is said, and the next one is waited for.
 * Throws kind `invalid` in compose's words where there is nothing to watch.
 */
export async function watchProject(scope: Scope, given: Project, options: WatchOptions): Promise<void> {
  const project = resolved(given);
  const services = Object.values(project.services);
  const rules = services.flatMap((service) => rulesOf(service, dockerignoreOf(service)));
  const watched = services.flatMap((service) =>
    (service.develop?.watch ?? []).filter((one) => !told(scope, service, one)),
  );
  if (watched.length === 0) {
    const what = 'none of the selected services is configured for watch, consider setting a';
    throw new WherryError('invalid', `${what} 'develop' section`);
  }
  const changes = batches(options.abort);
  using _ = watchFiles({
    roots: [...new Set(watched.map(({ path }) => path))],
    isClosed: (directory) => rules.every((rule) => rule.isClosed(directory)),
    changed: changes.add,
  });
  for (const service of services) await syncFirst(scope, project, service, rules);
  options.log('Watch enabled');
  for await (const paths of changes.read()) {
    if (paths.length > LARGE) options.log(LARGE_WORDS);
    try {
      await apply(scope, project, workFor(rules, paths), options);
    } catch (error) {
      if (options.abort.aborted || !(error instanceof WherryError)) throw error;
      scope.warn(`Error handling changed files: ${error.message}`);
    }
  }
}

const LARGE = 1000;
const LARGE_WORDS = 'Large batch of file changes detected. If you just switched branches, this is expected.';

/** Is it in the container by a mount, and not to be watched? */
function told(scope: Scope, service: Service, trigger: Trigger): boolean {
  if (!isBound(service, trigger)) return false;
  scope.warn(`path '${trigger.path}' also declared by a bind mount volume, this path won't be monitored!\n`);
  return true;
}

/** The Dockerfile's own goes before that of the context, as in a build. */
function dockerignoreOf({ build }: Service): Patterns | undefined {
  const root = build?.context;
  if (root === undefined || !root.startsWith('/')) return undefined;
  const own = join(root, `${build?.dockerfile ?? 'Dockerfile'}.dockerignore`);
  const file = [own, join(root, '.dockerignore')].find((path) => existsSync(path));
  return file === undefined ? undefined : { root, patterns: readIgnoreFile(readFileSync(file, 'utf8')) };
}

/** initial_sync: what is there before anything changes. */
async function syncFirst(scope: Scope, project: Project, service: Service, rules: readonly Rule[]): Promise<void> {
  const wanted = rules.filter(
    ({ service: name, trigger }) =>
      name === service.name &&
      ['sync', 'sync+restart'].includes(trigger.action) &&
      (trigger.initial_sync === true || trigger['x-initialSync'] === true) &&
      !isBound(service, trigger),
  );
  for (const rule of wanted) {
    const files = filesBelow(rule.trigger.path, rule);
    await syncFiles(
      scope,
      project,
      service.name,
      files.map((path) => mappingOf(rule.trigger, path)),
    );
  }
}

async function apply(scope: Scope, project: Project, work: Work, options: WatchOptions): Promise<void> {
  if (work.rebuild.size > 0) await rebuild(scope, project, [...work.rebuild], options);
  for (const [service, mappings] of work.sync) {
    options.log(`Syncing service "${service}" after ${mappings.length} changes were detected`);
    await syncFiles(scope, project, service, mappings);
  }
  if (work.restart.size > 0) {
    const services = [...work.restart];
    await restartServices(quietly(scope), { name: project.name, project }, { services });
    options.log(`service(s) ${listed(services)} restarted`);
  }
  for (const [service, hooks] of work.exec) await execute(scope, project, service, [...hooks]);
}

/** Go's %q of a list. */
const listed = (names: readonly string[]) => `[${names.map((name) => JSON.stringify(name)).join(' ')}]`;

/** Steps of what happens by itself are not shown: their words would stand between those of the containers. */
const quietly = (scope: Scope): Scope => ({ ...scope, report: () => undefined });

/** Of what a command prints all is seen. */
const SHOWN = { stdin: false, stdout: true, stderr: true };

async function execute(scope: Scope, project: Project, name: string, hooks: Hook[]): Promise<void> {
  const service = project.services[name];
  if (service === undefined) return;
  const containers = readPresent(scope.store, project.name).filter(
    (one) => one.service === name && !one.isOneOff && one.status === 'running',
  );
  await Promise.all(containers.map((container) => runHooks(scope, container, service, hooks, SHOWN)));
}

async function rebuild(scope: Scope, project: Project, services: string[], options: WatchOptions): Promise<void> {
  const { log, build, prune } = options;
  const chosen = services.flatMap((name) => project.services[name] ?? []);
  log(`Rebuilding service(s) ${listed(services)} after changes were detected...`);
  await said(log, 'Build failed. Error: ', () => build(chosen));
  await prune?.();
  log(`service(s) ${listed(services)} successfully built`);
  const creating = {
    services,
    recreate: 'force',
    recreateDependencies: 'never',
    inherit: true,
    orphans: 'ignore',
    noBuild: true,
    build,
    confirm: () => Promise.resolve(false),
  } as const;
  await said(log, 'Failed to recreate services after update. Error: ', () =>
    createProject(quietly(scope), project, creating),
  );
  await said(log, 'Application failed to start after update. Error: ', () =>
    startProject(quietly(scope), withSelected(project, services)),
  );
}

/** Says what went wrong before it is thrown. */
async function said(log: WatchOptions['log'], words: string, work: () => Promise<unknown>): Promise<void> {
  try {
    await work();
  } catch (error) {
    if (error instanceof WherryError) log(`${words}${error.message}`);
    throw error;
  }
}
