/** down: a project's containers, networks and, where that is asked for, volumes and images go. */
import { WherryError } from '#base/error.ts';
import { isOrphan } from '#compose/apply/create.ts';
import { readPresent } from '#compose/apply/identify.ts';
import { removeNetwork } from '#compose/apply/networks.ts';
import { allOf } from '#compose/apply/order.ts';
import { projectFrom } from '#compose/apply/remains.ts';
import { type Scope, teller } from '#compose/apply/scope.ts';
import { removeServices, stopAndRemove } from '#compose/apply/stop.ts';
import { dropVolume } from '#compose/apply/volumes.ts';
import type { Project } from '#compose/model/project.ts';
import { removeImages } from '#engine/images.ts';

export interface DownOptions {
  /** Only these, with what depends on them. */
  services?: readonly string[];
  removeOrphans?: boolean;
  /** Seconds. */
  timeout?: number;
  volumes?: boolean;
  images?: 'all' | 'local';
}

/** Takes a project down. project: absent where only its name is known, and what is there has to tell. */
export async function takeDown(
  scope: Scope,
  name: string,
  project: Project | undefined,
  options: DownOptions = {},
): Promise<void> {
  const { removeOrphans = false, timeout, volumes = false } = options;
  const containers = readPresent(scope.store, name).filter(({ isOneOff }) => removeOrphans || !isOneOff);
  const known = project ?? (await projectFrom(scope.store, name, containers));
  const services = selectedServices(known, project !== undefined, options.services ?? []);
  if ((options.services ?? []).length > 0 && services.length === 0) return;
  const limits = { volumes, ...(timeout === undefined ? {} : { timeout }) };
  await removeServices(scope, known, containers, {
    ...limits,
    ...(services.length === 0 ? {} : { services: new Set(services) }),
  });
  const orphans = removeOrphans ? containers.filter((container) => isOrphan(known, container)) : [];
  await allOf(orphans, (container) => stopAndRemove(scope, container, { ...limits, volumes: false }));
  const removals = await removalsOf(scope, known, options);
  if (containers.length === 0 && removals.length === 0) {
    scope.warn(`Warning: No resource found to remove for project "${name}".`);
  }
  await allOf(removals, (remove) => remove());
}

/** Throws kind `invalid` where a file says what services there are, and not this one. */
function selectedServices(project: Project, isFromFile: boolean, asked: readonly string[]): string[] {
  return asked.filter((service) => {
    if (Object.hasOwn(project.services, service)) return true;
    if (isFromFile) throw new WherryError('invalid', `no such service: ${service}`);
    return false;
  });
}

type Removal = () => Promise<void>;

async function removalsOf(
  scope: Scope,
  project: Project,
  { images, volumes, removeOrphans }: DownOptions,
): Promise<Removal[]> {
  const networks = Object.entries(project.networks ?? {}).filter(([, { external }]) => !external);
  const removals: Removal[] = networks.map(
    ([key, network]) =>
      () =>
        removeNetwork(scope, { key, name: network.name ?? key, project: project.name }),
  );
  if (images !== undefined) {
    const { imagesToRemove } = await import('#compose/apply/image-prune.ts');
    for (const image of imagesToRemove(scope.store, project, images, removeOrphans))
      removals.push(() => dropImage(scope, image));
  }
  if (volumes) {
    const own = Object.entries(project.volumes ?? {}).filter(([, { external }]) => !external);
    for (const [key, volume] of own) removals.push(() => dropVolume(scope, volume.name ?? key));
  }
  return removals;
}

async function dropImage(scope: Scope, image: string): Promise<void> {
  const tell = teller(scope, `Image ${image}`);
  tell.working('Removing');
  if (scope.pretended !== undefined) return tell.done('Removed');
  for await (const { error } of removeImages(scope.store, [image])) {
    if (error === undefined) return tell.done('Removed');
    if (!(error instanceof WherryError)) throw error;
    if (error.kind === 'conflict') return tell.warning('Resource is still in use');
    if (error.kind !== 'not-found') throw error;
    tell.done('Warning: No resource found to remove');
  }
}
