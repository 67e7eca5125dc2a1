/** start: containers run when those are there, or healthy, or through, that they depend on. */
import { WherryError } from '#base/error.ts';
import { formatDuration } from '#base/units.ts';
import { asDaemon } from '#compose/apply/errors.ts';
import { copyFiles } from '#compose/apply/files.ts';
import { type Present, shown } from '#compose/apply/identify.ts';
import { allOf, dependencyGraph, inOrder } from '#compose/apply/order.ts';
import { scaleOf } from '#compose/apply/request.ts';
import { act, presentNow, type Scope, teller } from '#compose/apply/scope.ts';
import type { DependsOn, Project, Service } from '#compose/model/project.ts';
import { readHealth } from '#container/health.ts';
import { findContainer } from '#container/names.ts';
import { readState } from '#container/state.ts';
import type { Store } from '#engine/open.ts';
import { startContainer } from '#engine/start.ts';

export interface StartOptions {
  /** Until every service runs, or is healthy, or is through where others wait for that. */
  wait?: boolean;
  /** Milliseconds; 0 or absent: as long as it takes. */
  waitTimeout?: number;
}

/** --wait's condition: healthy where there is a check, else running. */
const RUNNING_OR_HEALTHY = 'running_or_healthy';

/** Starts a project's containers. Throws in compose's words for a dependency that failed, or what the start throws. */
export async function startProject(scope: Scope, project: Project, options: StartOptions = {}): Promise<void> {
  const containers = presentNow(scope, project.name).filter(({ isOneOff }) => !isOneOff);
  // One after the other, and before anything starts: a copy has mounts of its own in this process while it lasts.
  for (const container of containers.filter(({ status }) => status !== 'running')) {
    const service = project.services[container.service];
    if (service !== undefined) await act(scope, () => copyFiles(scope, project, service, container.id));
  }
  await inOrder(dependencyGraph(project), async (name) => {
    const service = project.services[name];
    if (service !== undefined) await startService(scope, project, { service, containers, ...options });
  });
  if (!options.wait) return;
  const condition = (service: Service) => conditionOf(project, service);
  const all = Object.values(project.services).map((service): [string, DependsOn] => [
    service.name,
    { condition: condition(service), required: true },
  ]);
  await waitFor(scope, project, {
    dependant: project.name,
    dependencies: Object.fromEntries(all),
    containers,
    ...options,
  });
}

/** Who is waited for to end somewhere would never run for long. */
function conditionOf({ services }: Project, { name }: Service): string {
  const isJob = Object.values(services).some(({ depends_on }) => depends_on?.[name]?.condition === COMPLETED);
  return isJob ? COMPLETED : RUNNING_OR_HEALTHY;
}

interface Starting extends StartOptions {
  service: Service;
  containers: readonly Present[];
}

async function startService(scope: Scope, project: Project, starting: Starting): Promise<void> {
  const { service, containers, waitTimeout } = starting;
  if (service.deploy?.replicas === 0) return;
  await waitFor(scope, project, {
    dependant: service.name,
    dependencies: service.depends_on ?? {},
    containers,
    ...(waitTimeout === undefined ? {} : { waitTimeout }),
  });
  const own = containers.filter((one) => one.service === service.name);
  if (containers.length === 0) {
    if (scaleOf(service) === 0) return;
    throw new WherryError('invalid', `service "${service.name}" has no container to start`);
  }
  const waiting = own.filter(({ status }) => status !== 'running');
  // Of a range of ports each takes the next free one.
  if ((service.ports ?? []).some(({ published = '' }) => `${published}`.includes('-'))) {
    for (const container of waiting) await startOne(scope, service, container);
  } else await allOf(waiting, (container) => startOne(scope, service, container));
}

async function startOne(scope: Scope, service: Service, container: Present): Promise<void> {
  const { store } = scope;
  scope.abort?.throwIfAborted();
  const tell = teller(scope, shown(container));
  tell.working('Starting');
  try {
    await act(scope, async () => (await startContainer(store, container.id))?.leave());
  } catch (error) {
    throw asDaemon(error);
  }
  if (service.post_start?.length) {
    const { runHooks } = await import('#compose/apply/hooks.ts');
    await act(scope, () => runHooks(scope, container, service, service.post_start ?? []));
  }
  tell.done('Started');
}

export interface Waiting {
  /** Who waits. */
  dependant: string;
  dependencies: Record<string, DependsOn>;
  containers: readonly Present[];
  /** Milliseconds. */
  waitTimeout?: number;
}

/** Waits for what a service depends on. Throws kind `unavailable` in compose's words where that can't be any more. */
export async function waitFor(scope: Scope, project: Project, waiting: Waiting): Promise<void> {
  const { dependant, dependencies, containers, waitTimeout = 0 } = waiting;
  const timeout = waitTimeout > 0 ? AbortSignal.timeout(waitTimeout) : undefined;
  const relevant = Object.entries(dependencies).filter(([name, dependency]) => mustWait(project, name, dependency));
  await allOf(relevant, async ([name, dependency]) => {
    const awaited = containers.filter((one) => one.service === name && !one.isOneOff);
    if (awaited.length === 0) {
      if (dependency.required) throw new WherryError('invalid', `${dependant} is missing dependency ${name}`);
      scope.warn(`${dependant} is missing dependency ${name}`);
      return;
    }
    for (const container of awaited) teller(scope, shown(container)).working('Waiting');
    // What would run would be well.
    if (scope.pretended !== undefined) for (const container of awaited) teller(scope, shown(container)).done('Healthy');
    else await until(scope, { name, dependency, awaited, timeout, waitTimeout });
  });
}

function mustWait(project: Project, name: string, { condition }: DependsOn): boolean {
  if (condition === 'service_started') return false;
  const service = project.services[name];
  if (service === undefined) {
    if (Object.hasOwn(project.disabledServices, name)) return false;
    throw new WherryError('invalid', `no such service: ${name}`);
  }
  return scaleOf(service) !== 0 && service.provider === undefined;
}

interface Awaited {
  name: string;
  dependency: DependsOn;
  awaited: readonly Present[];
  timeout: AbortSignal | undefined;
  waitTimeout: number;
}

/** Between two looks, in milliseconds. */
const PAUSE = 20;

/** What a look at a dependency has found: it is there, not yet, or it can't be any more. */
type Verdict = { kind: 'waiting' } | { kind: 'met'; state: string } | { kind: 'failed'; why: string };

async function until(scope: Scope, awaiting: Awaited): Promise<void> {
  const look = LOOKS[awaiting.dependency.condition ?? ''];
  if (look === undefined) {
    scope.warn(`unsupported depends_on condition: ${awaiting.dependency.condition}`);
    return;
  }
  for (;;) {
    scope.abort?.throwIfAborted();
    if (awaiting.timeout?.aborted) {
      const time = formatDuration(awaiting.waitTimeout * 1e6);
      throw new WherryError('invalid', `application not healthy after ${time}`);
    }
    const verdict = look(scope.store, awaiting.awaited);
    if (verdict.kind === 'failed') return giveUp(scope, awaiting, verdict.why);
    if (verdict.kind === 'met') {
      for (const container of awaiting.awaited) teller(scope, shown(container)).done(verdict.state);
      return;
    }
    await new Promise((resolve) => setTimeout(resolve, PAUSE));
  }
}

const COMPLETED = 'service_completed_successfully';

const LOOKS: Readonly<Record<string, (store: Store, containers: readonly Present[]) => Verdict>> = {
  [COMPLETED]: completion,
  service_healthy: (store, containers) => health(store, containers, false),
  [RUNNING_OR_HEALTHY]: (store, containers) => health(store, containers, true),
};

/** As compose words it; where it is not required, the others go on without it. */
function giveUp(scope: Scope, { name, dependency, awaited }: Awaited, why: string): void {
  const { condition, required } = dependency;
  const tell = awaited.map((container) => teller(scope, shown(container)));
  if (condition === COMPLETED) {
    const what = `"${name}" ${why}`;
    if (!required) {
      for (const one of tell) one.warning(`Skipped: optional dependency ${what}`);
      scope.warn(`optional dependency ${what}`);
      return;
    }
    for (const one of tell) one.error(`service ${what}`);
    throw new WherryError('invalid', `service ${what}`);
  }
  const state = condition === RUNNING_OR_HEALTHY ? 'is not running or is unhealthy' : 'failed to start';
  if (!required) {
    for (const one of tell) one.warning(`Skipped: optional dependency "${name}" ${state}`);
    scope.warn(`optional dependency "${name}" ${state}: ${why}`);
    return;
  }
  if (condition === RUNNING_OR_HEALTHY) throw new WherryError('invalid', why);
  for (const one of tell) one.error('Error');
  throw new WherryError('invalid', `dependency failed to start: ${why}`);
}

/** The first that has ended decides. */
function completion(store: Store, containers: readonly Present[]): Verdict {
  for (const { id } of containers) {
    const state = readState(store, id);
    if (state?.status !== 'exited') continue;
    if (state.exitCode === 0) return { kind: 'met', state: 'Exited' };
    return { kind: 'failed', why: `didn't complete successfully: exit ${state.exitCode}` };
  }
  return { kind: 'waiting' };
}

/** The first that is not healthy decides. */
function health(store: Store, containers: readonly Present[], orRunning: boolean): Verdict {
  for (const { id } of containers) {
    const verdict = healthOfOne(store, id, orRunning);
    if (verdict.kind !== 'met') return verdict;
  }
  return { kind: 'met', state: 'Healthy' };
}

const WAITING: Verdict = { kind: 'waiting' };
const HEALTHY: Verdict = { kind: 'met', state: 'Healthy' };

function healthOfOne(store: Store, id: string, orRunning: boolean): Verdict {
  const record = findContainer(store, id);
  const state = readState(store, id);
  const failed = (why: string): Verdict => ({ kind: 'failed', why: `container ${record.name} ${why}` });
  if (state?.status === 'exited') return failed(`exited (${state.exitCode})`);
  if (orRunning && !hasCheck(record.config.Healthcheck?.Test)) return state?.status === 'running' ? HEALTHY : WAITING;
  const status = readHealth(store, record, state)?.Status;
  if (status === undefined) return failed('has no healthcheck configured');
  if (status === 'unhealthy') return failed('is unhealthy');
  return status === 'healthy' ? HEALTHY : WAITING;
}

const hasCheck = (test: readonly string[] | undefined) => test !== undefined && test.length > 0 && test[0] !== 'NONE';
