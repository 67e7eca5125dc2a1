/** restart, kill, pause, unpause, rm and wait: what is done to containers that a project has. */
import { WherryError } from '#base/error.ts';
import { given } from '#base/given.ts';
import { asDaemon } from '#compose/apply/errors.ts';
import { type Present, readPresent, shown } from '#compose/apply/identify.ts';
import { allOf, dependencyGraph, inOrder, withDependents } from '#compose/apply/order.ts';
import { projectFrom } from '#compose/apply/remains.ts';
import { act, type Scope, teller } from '#compose/apply/scope.ts';
import { waitFor } from '#compose/apply/start.ts';
import { removeOne, stopServices } from '#compose/apply/stop.ts';
import type { Project, Service } from '#compose/model/project.ts';
import { killContainer } from '#container/lifecycle.ts';
import { pauseContainer, unpauseContainer } from '#container/pause.ts';
import { waitContainer } from '#container/wait.ts';
import { restartContainer } from '#engine/start.ts';

/** What a verb is about: the file's project, or its name alone. */
export interface Subject {
  name: string;
  project?: Project | undefined;
}

const isActive = ({ status }: Present) => status !== 'created' && status !== 'exited';

/** The containers of the named services; without names all of the project's. */
function selected(scope: Scope, { name, project }: Subject, services: readonly string[]): Present[] {
  return readPresent(scope.store, name).filter(({ service, isOneOff }) => {
    if (isOneOff) return false;
    if (services.length > 0) return services.includes(service);
    return project === undefined || Object.hasOwn(project.services, service);
  });
}

/** Does it to each at once, and says what the engine throws as its daemon would. */
const each = (containers: readonly Present[], work: (container: Present) => Promise<void>) =>
  allOf(containers, async (container) => {
    try {
      await work(container);
    } catch (error) {
      throw asDaemon(error);
    }
  });

export interface RestartOptions {
  services?: readonly string[];
  /** Seconds. */
  timeout?: number;
  /** What depends on them (depends_on.restart) stays as it is. */
  noDeps?: boolean;
}

/** Restarts services, and those that are to be restarted with them. */
export async function restartServices(scope: Scope, subject: Subject, options: RestartOptions): Promise<void> {
  const { services = [], timeout, noDeps = false } = options;
  const containers = readPresent(scope.store, subject.name).filter(({ isOneOff }) => !isOneOff);
  const known = subject.project ?? (await projectFrom(scope.store, subject.name, containers));
  const project = withRestarts(known);
  const missing = services.find((service) => !Object.hasOwn(project.services, service));
  if (missing !== undefined) throw new WherryError('invalid', `no such service: ${missing}`);
  const graph = dependencyGraph(project);
  const chosen = services.length === 0 ? undefined : noDeps ? new Set(services) : withDependents(graph, services);
  await inOrder(graph, async (name) => {
    const service = project.services[name];
    const isChosen = (one: string) => chosen === undefined || chosen.has(one);
    if (service === undefined || !isChosen(name)) return;
    const awaited = Object.entries(service.depends_on ?? {}).filter(([dependency]) => isChosen(dependency));
    await waitFor(scope, project, { dependant: name, dependencies: Object.fromEntries(awaited), containers });
    const own = containers.filter((one) => one.service === name);
    await allOf(own, (container) => restartOne(scope, service, container, timeout));
  });
}

/** Only the dependencies that count for a restart. */
function withRestarts(project: Project): Project {
  const services = Object.entries(project.services).map(([name, service]): [string, Service] => {
    const kept = Object.entries(service.depends_on ?? {}).filter(([, { restart }]) => restart);
    return [name, { ...service, depends_on: Object.fromEntries(kept) }];
  });
  return { ...project, services: Object.fromEntries(services) };
}

async function restartOne(scope: Scope, service: Service, container: Present, timeout: number | undefined) {
  const tell = teller(scope, shown(container));
  const hooks = async (commands: Service['pre_stop']) => {
    if (!commands?.length) return;
    const { runHooks } = await import('#compose/apply/hooks.ts');
    await act(scope, () => runHooks(scope, container, service, commands));
  };
  if (container.status === 'running') await hooks(service.pre_stop);
  tell.working('Restarting');
  try {
    await act(scope, () => restartContainer(scope.store, container.id, given({ timeout, abort: scope.abort })));
  } catch (error) {
    throw asDaemon(error);
  }
  tell.done('Started');
  await hooks(service.post_start);
}

/** Stops services without removing them. */
export async function stopProject(
  scope: Scope,
  subject: Subject,
  { services = [], timeout }: { services?: readonly string[]; timeout?: number },
): Promise<void> {
  const containers = readPresent(scope.store, subject.name).filter(({ isOneOff }) => !isOneOff);
  const project = subject.project ?? (await projectFrom(scope.store, subject.name, containers));
  await stopServices(scope, project, containers, {
    ...(services.length === 0 ? {} : { services: new Set(services) }),
    ...given({ timeout }),
  });
}

export interface KillOptions {
  services?: readonly string[];
  signal: string;
  removeOrphans?: boolean;
}

/** Kills what runs. false: there was nothing. */
export async function killServices(scope: Scope, subject: Subject, options: KillOptions): Promise<boolean> {
  const { services = [], signal, removeOrphans = false } = options;
  const running = readPresent(scope.store, subject.name).filter(isActive);
  const named = running.filter(({ service }) => services.length === 0 || services.includes(service));
  const project = subject.project ?? (await projectFrom(scope.store, subject.name, named));
  const doomed = removeOrphans ? named : named.filter(({ service }) => Object.hasOwn(project.services, service));
  await each(doomed, async (container) => {
    const tell = teller(scope, shown(container));
    tell.working('Killing');
    try {
      await act(scope, () => killContainer(scope.store, container.id, signal));
    } catch (error) {
      tell.error('Error while Killing');
      throw error;
    }
    tell.done('Killed');
  });
  return doomed.length > 0;
}

/** Freezes what runs, or lets it go on. */
export async function pauseServices(
  scope: Scope,
  subject: Subject,
  { services = [], resume = false }: { services?: readonly string[]; resume?: boolean },
): Promise<void> {
  await each(selected(scope, subject, services).filter(isActive), async (container) => {
    await act(scope, () =>
      resume ? unpauseContainer(scope.store, container.id) : pauseContainer(scope.store, container.id),
    );
    teller(scope, shown(container)).done(resume ? 'Unpaused' : 'Paused');
  });
}

/** The containers that don't run, as rm takes them. */
export const stoppedContainers = (scope: Scope, subject: Subject, services: readonly string[]): Present[] =>
  selected(scope, subject, services).filter((container) => !isActive(container));

export const removeAll = (
  scope: Scope,
  containers: readonly Present[],
  options: { volumes: boolean; force: boolean },
): Promise<void> => each(containers, (container) => removeOne(scope, container, options));

/** Waits for the end of what runs; gives the exit status of the last. Throws kind `invalid` where nothing runs. */
export async function waitServices(
  scope: Scope,
  name: string,
  { services, ended }: { services: readonly string[]; ended: (id: string, status: number) => void },
): Promise<number> {
  const running = readPresent(scope.store, name).filter(
    (container) => isActive(container) && services.includes(container.service),
  );
  if (running.length === 0) throw new WherryError('invalid', `no containers for project "${name}"`);
  let last = 0;
  await each(running, async ({ id }) => {
    last = await waitContainer(scope.store, id, given({ abort: scope.abort }));
    ended(id, last);
  });
  return last;
}
