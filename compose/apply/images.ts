/** The images that a project's services need: fetched by their pull policies, built where there is something to build. */
import { WherryError } from '#base/error.ts';
import { given } from '#base/given.ts';
import type { Progress } from '#base/progress.ts';
import { together } from '#base/together.ts';
import { parseDuration } from '#base/units.ts';
import { imageOf } from '#compose/apply/request.ts';
import { act, type Scope } from '#compose/apply/scope.ts';
import type { Project, Service } from '#compose/model/project.ts';
import type { Store } from '#engine/open.ts';
import { resolveImage } from '#engine/run.ts';

export interface ImageOptions {
  /** Nothing is built: what is missing is an error. */
  noBuild?: boolean;
  quietPull?: boolean;
  /** Builds a service's image. */
  build: (services: readonly Service[]) => Promise<void>;
}

/** Image's name -> its ID here. */
export type ImageIds = Map<string, string>;

/**
 * Has every image that the services need, and gives their IDs. Throws kind `invalid` for a service with neither image nor
 * build, in compose's words; what a pull or a build throws.
 */
export async function ensureImages(scope: Scope, project: Project, options: ImageOptions): Promise<ImageIds> {
  const services = Object.values(project.services);
  for (const service of services) {
    if (service.image || service.build !== undefined) continue;
    throw new WherryError('invalid', `invalid service "${service.name}". Must specify either image or build`);
  }
  const ids: ImageIds = new Map();
  for (const service of services) await note(scope.store, ids, project, service);
  await pullRequired(scope, project, ids, options);
  const toBuild = options.noBuild ? [] : services.filter((service) => isToBuild(project, service, ids));
  if (toBuild.length > 0) await options.build(toBuild);
  for (const service of [...toBuild, ...services]) await note(scope.store, ids, project, service);
  return ids;
}

const platformOf = (project: Project, service: Service) =>
  service.platform || project.environment.DOCKER_DEFAULT_PLATFORM || undefined;

async function note(store: Store, ids: ImageIds, project: Project, service: Service): Promise<void> {
  const name = imageOf(project.name, service);
  const id = await localId(store, name, platformOf(project, service));
  if (id !== undefined) ids.set(name, id);
}

/** An image's ID, if it is here. */
export async function localId(store: Store, name: string, platform?: string): Promise<string | undefined> {
  try {
    return (await resolveImage(store, name, { pull: 'never', platform })).image.id;
  } catch (error) {
    if (error instanceof WherryError && error.kind === 'not-found') return undefined;
    throw error;
  }
}

function isToBuild(project: Project, service: Service, ids: ImageIds): boolean {
  if (service.build === undefined) return false;
  return service.pull_policy === 'build' || !ids.has(imageOf(project.name, service));
}

/** daily, weekly, every_12h: how old an image may be, in milliseconds. */
function refreshTime(policy: string): number | undefined {
  if (policy === 'daily') return 24 * 3600e3;
  if (policy === 'weekly') return 7 * 24 * 3600e3;
  const every = /^every_(.+)$/.exec(policy)?.[1];
  if (every === undefined) return undefined;
  const long = every
    .replace(/(\d+)w/g, (_, weeks) => `${weeks * 168}h`)
    .replace(/(\d+)d/g, (_, days) => `${days * 24}h`);
  return parseDuration(long) / 1e6;
}

async function mustPull(scope: Scope, service: Service, ids: ImageIds): Promise<boolean> {
  const { image, pull_policy: policy = '' } = service;
  if (!image || service.provider !== undefined || policy === 'never' || policy === 'build') return false;
  if (policy === 'always' || !ids.has(image)) return true;
  const age = refreshTime(policy);
  if (age === undefined) return false;
  const { arrivalOf } = await import('#image/arrival.ts');
  return Date.now() > (arrivalOf(scope.store, image) ?? 0) + age;
}

async function pullRequired(
  scope: Scope,
  project: Project,
  ids: ImageIds,
  { quietPull = false }: ImageOptions,
): Promise<void> {
  const needed: Service[] = [];
  for (const service of Object.values(project.services)) {
    if (await mustPull(scope, service, ids)) needed.push(service);
    for (const [at, { type, source = '' }] of (service.volumes ?? []).entries()) {
      if (type !== 'image' || (await localId(scope.store, source)) !== undefined) continue;
      needed.push({ name: `${service.name}:volume ${at}`, image: source });
    }
  }
  if (needed.length === 0) return;
  const stop = new AbortController();
  const pulls = new Map<string, Promise<void>>();
  const limit = scope.parallel ?? needed.length;
  await together(needed, { limit: Math.max(1, limit), stop }, async (service) => {
    const canBuild = isBuildable(project, service);
    // One image of several services comes once.
    const key = `${service.image} ${platformOf(project, service) ?? ''}`;
    const before = pulls.get(key);
    const pull = pullService(scope, service, {
      ...given({ platform: platformOf(project, service), before }),
      quiet: quietPull,
      canBuild: service.build !== undefined,
      stop: stop.signal,
    });
    pulls.set(key, pull);
    await pull.catch((error: unknown) => {
      if (!canBuild) throw error;
    });
  });
}

/** Is its image, or that of another service with the same name, built from a file? */
function isBuildable(project: Project, service: Service): boolean {
  if (service.build !== undefined) return true;
  return Object.values(project.services).some(({ image, build }) => image === service.image && build !== undefined);
}

interface PullOptions {
  platform?: string;
  quiet: boolean;
  canBuild: boolean;
  stop: AbortSignal;
  /** The same image for another service. */
  before?: Promise<void>;
}

/** Fetches a service's image; the step is called after the service. */
export async function pullService(scope: Scope, service: Service, options: PullOptions): Promise<void> {
  const tell = (text: string, status: 'working' | 'done' | 'warning' | 'error', state = '') =>
    scope.report({ id: service.name, text, status, state });
  tell('Pulling', 'working');
  const abort = scope.abort === undefined ? options.stop : AbortSignal.any([scope.abort, options.stop]);
  try {
    await options.before;
    await act(scope, () =>
      resolveImage(scope.store, service.image ?? '', {
        pull: options.before === undefined ? 'always' : 'missing',
        platform: options.platform,
        abort,
        progress: (event) => {
          if (!options.quiet) reportLayer(scope, service.name, event);
        },
      }),
    );
  } catch (error) {
    // By the user, or by another one's failure.
    if (abort.aborted) {
      tell('', 'warning', 'Interrupted');
      throw error;
    }
    const why = error instanceof Error ? error.message : `${error}`;
    if (options.canBuild) tell('Warning', 'warning', why);
    else tell('Error', 'error', why);
    throw error;
  }
  tell('Pulled', 'done');
}

function reportLayer(scope: Scope, parent: string, event: Progress): void {
  if (event.kind !== 'layer') return;
  const { id, status: text, current, total } = event;
  const isDone = ['Download complete', 'Already exists', 'Pull complete'].includes(text);
  const percent = isDone ? 100 : total ? Math.trunc(((current ?? 0) * 100) / total) : 0;
  const status = isDone ? 'done' : 'working';
  scope.report({ id, parent, text, state: '', status, percent, ...given({ current, total }) });
}
