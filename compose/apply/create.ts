/** create: a project's images, networks, volumes and containers are made as they are wanted. Nothing is started. */
import { WherryError } from '#base/error.ts';
import { withApiSockets } from '#compose/apply/api-socket.ts';
import { type Converged, type ConvergeOptions, converge } from '#compose/apply/converge.ts';
import { type Present, readPresent } from '#compose/apply/identify.ts';
import { ensureImages } from '#compose/apply/images.ts';
import { mendReplaced } from '#compose/apply/leftovers.ts';
import { ensureNetworks } from '#compose/apply/networks.ts';
import { allOf, dependencyGraph, inOrder } from '#compose/apply/order.ts';
import type { Strategy } from '#compose/apply/plan.ts';
import type { Scope } from '#compose/apply/scope.ts';
import { removeOne, stopAndRemove, stopServices } from '#compose/apply/stop.ts';
import { ensureVolumes } from '#compose/apply/volumes.ts';
import { checkContainerNames } from '#compose/model/consistency.ts';
import type { Project, Service } from '#compose/model/project.ts';

export interface CreateOptions extends ConvergeOptions {
  /** The services that were named; the others are their dependencies. Absent: all. */
  services?: readonly string[];
  /** For the named services, and for the others. */
  recreate?: Strategy;
  recreateDependencies?: Strategy;
  orphans?: 'warn' | 'remove' | 'ignore';
  noBuild?: boolean;
  quietPull?: boolean;
  build: (services: readonly Service[]) => Promise<void>;
  confirm: (question: string) => Promise<boolean>;
}

/** Makes everything. Throws in compose's words; what was made until then stays, and the next call goes on from there. */
export async function createProject(scope: Scope, asked: Project, options: CreateOptions): Promise<Converged> {
  checkServices(asked);
  const project = withApiSockets(asked);
  const images = await ensureImages(scope, project, options);
  const running = stopping(scope, project);
  await ensureNetworks(scope, project, { stop: (key) => running.stop((service) => key in (service.networks ?? {})) });
  await ensureVolumes(scope, project, {
    confirm: options.confirm,
    release: (key) =>
      running.release((service) =>
        (service.volumes ?? []).some(({ type, source }) => type === 'volume' && source === key),
      ),
  });
  const present = await mendReplaced(scope, readPresent(scope.store, project.name));
  await settleOrphans(scope, project, present, options);
  const state: Converged = { project, images, containers: new Map() };
  for (const name of Object.keys(project.services)) {
    state.containers.set(
      name,
      present.filter((one) => one.service === name && !one.isOneOff),
    );
  }
  const named = new Set(options.services ?? Object.keys(project.services));
  await inOrder(dependencyGraph(project), async (name) => {
    const strategy = (named.has(name) ? options.recreate : options.recreateDependencies) ?? 'diverged';
    await converge(scope, state, { name, strategy, options });
  });
  return state;
}

/** What has no meaning here is refused before anything is done. Throws kind `unsupported`. */
export function checkServices(project: Project): void {
  checkContainerNames(project);
  const refuse = (name: string, what: string, hint: string) =>
    new WherryError('unsupported', `service ${name}: ${what}, which wherry has not`, { hint });
  for (const { name, provider, models } of Object.values(project.services)) {
    if (provider !== undefined) {
      const what = `its provider (${provider.type}) is a program of Docker's`;
      throw refuse(name, what, 'Run what the provider stands for as a service of its own');
    }
    if (Object.keys(models ?? {}).length > 0) {
      const hint = "Run the model's server as a service, and give its address in the environment";
      throw refuse(name, "its models are run by Docker's Model Runner", hint);
    }
  }
}

/** Who is stopped, or goes, because a network or volume is made anew. */
function stopping(scope: Scope, project: Project) {
  const selected = (matches: (service: Service) => boolean) =>
    new Set(
      Object.values(project.services)
        .filter(matches)
        .map(({ name }) => name),
    );
  const own = (names: ReadonlySet<string>) =>
    readPresent(scope.store, project.name).filter((one) => names.has(one.service) && !one.isOneOff);
  const stop = async (matches: (service: Service) => boolean) => {
    const names = selected(matches);
    await stopServices(scope, project, own(names), { services: names });
  };
  return {
    stop,
    release: async (matches: (service: Service) => boolean) => {
      await stop(matches);
      await allOf(own(selected(matches)), (container) => removeOne(scope, container, {}));
    },
  };
}

/** Is it a container of a service that the project has no more, or a one-off one that has ended? */
export function isOrphan(project: Pick<Project, 'services' | 'disabledServices'>, container: Present): boolean {
  if (container.isOneOff) return container.status === 'exited';
  return (
    !Object.hasOwn(project.services, container.service) && !Object.hasOwn(project.disabledServices, container.service)
  );
}

async function settleOrphans(
  scope: Scope,
  project: Project,
  present: readonly Present[],
  { orphans = 'warn' }: CreateOptions,
): Promise<void> {
  const found = present.filter((container) => isOrphan(project, container));
  if (found.length === 0 || orphans === 'ignore') return;
  if (orphans === 'remove') {
    await allOf(found, (container) => stopAndRemove(scope, container, {}));
    return;
  }
  const names = `[${found.map(({ name }) => name).join(' ')}]`;
  scope.warn(
    `Found orphan containers (${names}) for this project. If you removed or renamed this service in your compose file, you can run this command with the --remove-orphans flag to clean it up.`,
  );
}
