/** A service's containers become what is wanted: kept, made, made anew, removed. */
import { WherryError } from '#base/error.ts';
import { asDaemon, spoken } from '#compose/apply/errors.ts';
import { type Present, presentOf, shown } from '#compose/apply/identify.ts';
import type { ImageIds } from '#compose/apply/images.ts';
import { mountsOf } from '#compose/apply/mounts.ts';
import { linksOf } from '#compose/apply/networking.ts';
import { allOf } from '#compose/apply/order.ts';
import { planService, type Step, type Strategy, type Wanted } from '#compose/apply/plan.ts';
import { imageOf, requestOf, scaleOf } from '#compose/apply/request.ts';
import { act, type Pretended, type Scope, teller } from '#compose/apply/scope.ts';
import { stopAndRemove, stopServices } from '#compose/apply/stop.ts';
import { serviceHash } from '#compose/model/hash.ts';
import { COMPOSE_VERSION, LABEL } from '#compose/model/labels.ts';
import type { Project, Service } from '#compose/model/project.ts';
import { stopContainer } from '#container/lifecycle.ts';
import { findContainer } from '#container/names.ts';
import type { ContainerRecord } from '#container/record.ts';
import { renameContainer } from '#engine/rename.ts';
import { createContainer } from '#engine/run.ts';
import { cleanupContainer, removeContainer, startContainer } from '#engine/start.ts';
import { findImage } from '#image/names.ts';

export interface ConvergeOptions {
  /** false: anonymous volumes begin empty. */
  inherit?: boolean;
  /** Seconds for containers that are replaced or are too many. */
  timeout?: number;
}

/** What of the project is made, and what containers there are by now. */
export interface Converged {
  project: Project;
  images: ImageIds;
  /** Service -> its containers. */
  containers: Map<string, Present[]>;
}

interface Target {
  name: string;
  strategy: Strategy;
  options: ConvergeOptions;
}

/** Does for one service what its plan says. */
export async function converge(scope: Scope, state: Converged, { name, strategy, options }: Target): Promise<void> {
  const service = withReferences(state, serviceOf(state.project, name));
  const scale = scaleOf(service);
  if (scale > 1 && service.container_name) {
    throw new WherryError(
      'invalid',
      `WARNING: The "${name}" service is using the custom container name "${service.container_name}". Docker requires each container to have a unique name. Remove the custom name to scale the service`,
    );
  }
  const present = state.containers.get(name) ?? [];
  const wanted = wantedOf(state, service, scale);
  const steps = planService(wanted, present, strategy);
  if (steps.some((step) => step.do === 'recreate')) await stopDependents(scope, state, name);
  const updated: Present[] = [];
  await allOf(steps, async (step) => {
    const container = await carryOut(scope, state, { step, service, wanted, options });
    if (container !== undefined) updated.push(container);
  });
  state.containers.set(
    name,
    updated.sort((a, b) => a.number - b.number),
  );
}

function serviceOf(project: Project, name: string): Service {
  const service = project.services[name];
  if (service === undefined) throw new WherryError('invalid', `no such service: ${name}`);
  return service;
}

function wantedOf({ project, images }: Converged, service: Service, scale: number): Wanted {
  const named = (key: string, things: Record<string, { name?: string }> | undefined) => things?.[key]?.name ?? key;
  const volumes = (service.volumes ?? []).filter(({ type, source }) => type === 'volume' && source);
  return {
    scale,
    hash: serviceHash(service),
    image: images.get(imageOf(project.name, service)) ?? '',
    networks: Object.keys(service.networks ?? {}).map((key) => named(key, project.networks)),
    volumes: volumes.map(({ source = '' }) => named(source, project.volumes)),
  };
}

/**
 * `service:x` where another container is meant becomes that container. Throws kind `invalid` where x has none, in
 * compose's words.
 */
export function withReferences({ containers }: Pick<Converged, 'containers'>, service: Service): Service {
  const first = (name: string, what: string) => {
    const [found] = [...(containers.get(name) ?? [])].sort((a, b) => (a.name < b.name ? -1 : 1));
    if (found !== undefined) return found.id;
    throw new WherryError('invalid', `cannot share ${what} with service ${name}: container missing`);
  };
  const mode = (text: string | undefined, what: string) => {
    const name = /^service:(.*)$/.exec(text ?? '')?.[1];
    return name === undefined ? text : `container:${first(name, what)}`;
  };
  const resolved = { ...service };
  for (const [key, what] of [
    ['network_mode', 'network namespace'],
    ['ipc', 'IPC namespace'],
    ['pid', 'PID namespace'],
  ] as const) {
    const value = mode(service[key], what);
    if (value !== undefined) resolved[key] = value;
  }
  if (service.volumes_from !== undefined) {
    resolved.volumes_from = service.volumes_from.map((entry) => {
      const [source = '', name = ''] = entry.split(':');
      // As docker compose: how it is mounted (ro) gets lost where a service is named.
      return source === 'container' ? name : first(source, 'volume');
    });
  }
  return resolved;
}

/** Those that are restarted with it (depends_on.restart) stop until it is there again. */
async function stopDependents(scope: Scope, state: Converged, name: string): Promise<void> {
  const dependents = Object.values(state.project.services).filter(({ depends_on }) => depends_on?.[name]?.restart);
  if (dependents.length === 0) return;
  const services = new Set(dependents.map((service) => service.name));
  const containers = [...services].flatMap((service) => state.containers.get(service) ?? []);
  await stopServices(scope, state.project, containers, { services });
  for (const container of containers) container.status = 'exited';
}

interface Work {
  step: Step;
  service: Service;
  wanted: Wanted;
  options: ConvergeOptions;
}

async function carryOut(scope: Scope, state: Converged, work: Work): Promise<Present | undefined> {
  const { step, service, options } = work;
  scope.abort?.throwIfAborted();
  if (step.do === 'remove') {
    const { timeout } = options;
    await stopAndRemove(scope, step.container, { service, ...(timeout === undefined ? {} : { timeout }) });
    return undefined;
  }
  if (step.do === 'keep') return keep(scope, step.container);
  return step.do === 'create'
    ? createNew(scope, state, work, step.number)
    : recreate(scope, state, work, step.container);
}

async function keep(scope: Scope, container: Present): Promise<Present> {
  const tell = teller(scope, shown(container));
  if (container.status === 'running') tell.done('Running');
  if (container.status === 'paused') {
    tell.working('Restart');
    await act(scope, async () => (await startContainer(scope.store, container.id))?.leave());
    tell.done('Restarted');
  }
  return container;
}

/** Names as compose gives them. */
const containerName = ({ separator = '-' }: Scope, project: string, service: Service, number: number): string =>
  service.container_name ?? [project, service.name, `${number}`].join(separator);

async function createNew(scope: Scope, state: Converged, work: Work, number: number): Promise<Present> {
  const name = containerName(scope, state.project.name, work.service, number);
  const tell = teller(scope, `Container ${name}`);
  tell.working('Creating');
  try {
    const made = await make(scope, state, work, { number, name, temporary: name });
    tell.done('Created');
    return made;
  } catch (error) {
    tell.error(spoken(error));
    throw error;
  }
}

/** The new container is made under another name first: where that fails, the old one is still there. */
async function recreate(scope: Scope, state: Converged, work: Work, old: Present): Promise<Present> {
  const { store } = scope;
  const { timeout, inherit = true } = work.options;
  const tell = teller(scope, shown(old));
  tell.working('Recreate');
  try {
    const name = containerName(scope, state.project.name, work.service, old.number);
    const temporary = `${old.id.slice(0, 12)}_${name}`;
    const made = await make(scope, state, work, {
      number: old.number,
      name,
      temporary,
      ...(inherit ? { replaced: old } : {}),
      replaces: work.service.container_name ?? `${work.service.name}-${old.number}`,
    });
    const cleaner = async () => cleanupContainer;
    await act(scope, async () => {
      await stopContainer(store, old.id, { cleaner, ...(timeout === undefined ? {} : { timeout }) });
      await removeContainer(store, old.id);
      await renameContainer(store, made.id, name);
    });
    scope.pretended?.gone.add(old.id);
    tell.done('Recreated');
    return { ...made, name };
  } catch (error) {
    tell.error(spoken(error));
    throw error;
  }
}

interface Identity {
  number: number;
  /** What it will be called, and until then. */
  name: string;
  temporary: string;
  /** Whose anonymous volumes go on. */
  replaced?: Present;
  /** The label of what is replaced. */
  replaces?: string;
}

async function make(scope: Scope, state: Converged, { service, wanted }: Work, identity: Identity): Promise<Present> {
  const { project } = state;
  const { number, name, temporary, replaced, replaces } = identity;
  const labels = {
    ...projectLabels(scope, project, service, wanted.image),
    ...(replaces ? { [LABEL.replace]: replaces } : {}),
  };
  const imageVolumes = replaced === undefined ? [] : volumesOfImage(scope, imageOf(project.name, service));
  const inherit = replaced === undefined ? undefined : { from: replaced, imageVolumes };
  const request = requestOf(project, service, {
    name,
    number,
    hash: wanted.hash,
    labels,
    mounts: mountsOf(project, service, { inherit, warn: scope.warn }),
    links: linksOf(project.name, service, { number, containers: [...state.containers.values()].flat() }),
    aliases: true,
  });
  if (scope.pretended !== undefined) return pretend(scope.pretended, { ...request, name }, wanted.image);
  return createFor(scope, service, { ...request, name: temporary });
}

function volumesOfImage({ store }: Scope, image: string): string[] {
  return Object.keys(findImage(store, image)?.config.config?.Volumes ?? {});
}

/** The container as it would be; it is found among those that are there from now on. */
export function pretend(
  { made }: Pretended,
  { name = '', config }: Parameters<typeof createContainer>[1],
  image: string,
): Present {
  const record = { id: name, name, config } as ContainerRecord;
  const labels = config.Labels;
  const container: Present = {
    id: name,
    name,
    service: labels[LABEL.service] ?? '',
    number: Number(labels[LABEL.number]),
    isOneOff: labels[LABEL.oneoff] === 'True',
    hash: labels[LABEL.hash] ?? '',
    image,
    status: 'created',
    record,
  };
  made.push(container);
  return container;
}

/** Asks the engine; what it warns of is told with the service's name. */
export async function createFor(
  scope: Scope,
  service: Service,
  request: Parameters<typeof createContainer>[1],
): Promise<Present> {
  const { store, abort } = scope;
  try {
    const { id, warnings } = await createContainer(store, request, { pull: 'never', ...(abort ? { abort } : {}) });
    for (const text of warnings) scope.report({ id: service.name, text, state: '', status: 'warning' });
    return presentOf(store, findContainer(store, id));
  } catch (error) {
    throw asDaemon(error);
  }
}

/** The labels by which a service's containers are known. */
export function projectLabels(
  { envFiles = [] }: Scope,
  project: Project,
  service: Service,
  image: string,
): Record<string, string> {
  return {
    ...(envFiles.length > 0 ? { [LABEL.environmentFile]: envFiles.join(',') } : {}),
    ...(image === '' ? {} : { [LABEL.image]: image }),
    [LABEL.project]: project.name,
    [LABEL.service]: service.name,
    [LABEL.version]: COMPOSE_VERSION,
    [LABEL.workingDir]: project.workingDir,
    [LABEL.configFiles]: project.composeFiles.join(','),
    [LABEL.oneoff]: 'False',
  };
}
