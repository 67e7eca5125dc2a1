/** Stopping and removing containers, each as soon as nobody needs it any more. */
import { WherryError } from '#base/error.ts';
import { type Present, shown } from '#compose/apply/identify.ts';
import { allOf, dependencyGraph, inOrder, reversed, withDependents } from '#compose/apply/order.ts';
import { act, type Scope, teller } from '#compose/apply/scope.ts';
import type { Project, Service } from '#compose/model/project.ts';
import { stopContainer } from '#container/lifecycle.ts';
import { cleanupContainer, removeContainer } from '#engine/start.ts';

export interface StopOptions {
  /** Absent: the container's own. Seconds. */
  timeout?: number;
  /** For its pre_stop hooks. */
  service?: Service | undefined;
}

const isGone = (error: unknown) => error instanceof WherryError && error.kind === 'not-found';

/** Stops one container; one that does not run is fine. */
async function stopOne(scope: Scope, container: Present, { timeout, service }: StopOptions): Promise<void> {
  const { store, abort } = scope;
  const tell = teller(scope, shown(container));
  tell.working('Stopping');
  if (service?.pre_stop?.length && container.status === 'running') {
    const { runHooks } = await import('#compose/apply/hooks.ts');
    await act(scope, () => runHooks(scope, container, service, service.pre_stop ?? []));
  }
  try {
    await act(scope, () =>
      stopContainer(store, container.id, {
        cleaner: async () => cleanupContainer,
        ...(timeout === undefined ? {} : { timeout }),
        ...(abort === undefined ? {} : { abort }),
      }),
    );
  } catch (error) {
    if (!isGone(error)) tell.error('Error while Stopping');
    throw error;
  }
  tell.done('Stopped');
}

/** Stops a container and removes it. */
export async function stopAndRemove(
  scope: Scope,
  container: Present,
  options: StopOptions & { volumes?: boolean },
): Promise<void> {
  const tell = teller(scope, shown(container));
  try {
    await stopOne(scope, container, options);
  } catch (error) {
    if (!isGone(error)) throw error;
    return tell.done('Removed');
  }
  await removeOne(scope, container, { force: true, volumes: options.volumes ?? false });
}

/** Removes a container. One that has gone meanwhile is fine. */
export async function removeOne(
  scope: Scope,
  container: Present,
  options: { force?: boolean; volumes?: boolean },
): Promise<void> {
  const tell = teller(scope, shown(container));
  tell.working('Removing');
  try {
    await act(scope, () => removeContainer(scope.store, container.id, options));
    scope.pretended?.gone.add(container.id);
  } catch (error) {
    if (!isGone(error)) {
      tell.error('Error while Removing');
      throw error;
    }
  }
  tell.done('Removed');
}

export interface Selection {
  /** Only these; absent: all. */
  services?: ReadonlySet<string>;
  timeout?: number;
}

/** Stops the containers of a project, what depends on others before these. */
export async function stopServices(
  scope: Scope,
  project: Project,
  containers: readonly Present[],
  { services, timeout }: Selection,
): Promise<void> {
  await inOrder(reversed(dependencyGraph(project)), async (name) => {
    if (services !== undefined && !services.has(name)) return;
    const own = containers.filter((one) => one.service === name && !one.isOneOff);
    const service = project.services[name];
    await allOf(own, (one) => stopOne(scope, one, { service, ...(timeout === undefined ? {} : { timeout }) }));
  });
}

/** Stops and removes the containers of a project; of named services with all that depend on them. */
export async function removeServices(
  scope: Scope,
  project: Project,
  containers: readonly Present[],
  { services, timeout, volumes = false }: Selection & { volumes?: boolean },
): Promise<void> {
  const graph = dependencyGraph(project);
  const chosen = services === undefined ? undefined : withDependents(graph, services);
  await inOrder(reversed(graph), async (name) => {
    if (chosen !== undefined && !chosen.has(name)) return;
    const own = containers.filter((one) => one.service === name);
    const service = project.services[name];
    const options = { service, volumes, ...(timeout === undefined ? {} : { timeout }) };
    await allOf(own, (one) => stopAndRemove(scope, one, options));
  });
}
