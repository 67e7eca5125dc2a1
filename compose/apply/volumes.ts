/** A project's volumes: made where they are missing, removed only when asked for. */
import { WherryError } from '#base/error.ts';
import { given } from '#base/given.ts';
import { act, type Scope, teller } from '#compose/apply/scope.ts';
import { volumeHash } from '#compose/model/hash.ts';
import { COMPOSE_VERSION, LABEL } from '#compose/model/labels.ts';
import type { Project, Volume } from '#compose/model/project.ts';
import type { Store } from '#engine/open.ts';
import { removeUnused } from '#engine/volumes.ts';
import { createVolume, findVolume, listVolumes } from '#volume/volume.ts';

export interface VolumeOptions {
  /** Asked before a volume's content is lost. */
  confirm: (question: string) => Promise<boolean>;
  /** Takes away the containers that have the volume with this key. */
  release: (key: string) => Promise<void>;
}

/** The volumes that compose made for a project. */
export const projectVolumes = (store: Store, project: string) =>
  listVolumes(store)
    .filter(({ Labels }) => Labels?.[LABEL.project] === project)
    .map((volume) => ({ key: volume.Labels?.[LABEL.volume] ?? volume.Name, volume }));

/** Makes what is missing. Throws kind `invalid` for an external one that is not there, in compose's words. */
export async function ensureVolumes(scope: Scope, project: Project, options: VolumeOptions): Promise<void> {
  for (const [key, volume] of Object.entries(project.volumes ?? {})) {
    await ensureVolume(scope, project, { key, volume: { ...volume, name: volume.name ?? key } }, options);
  }
}

interface Keyed {
  key: string;
  volume: Volume & { name: string };
}

async function ensureVolume(scope: Scope, project: Project, keyed: Keyed, options: VolumeOptions): Promise<void> {
  const { key, volume } = keyed;
  const { name } = volume;
  const found = findVolume(scope.store, name);
  if (volume.external) {
    if (found !== undefined) return;
    throw new WherryError('invalid', `external volume "${name}" not found`, {
      hint: `Make it: wherry volume create ${name}`,
    });
  }
  if (found === undefined) return makeVolume(scope, project, keyed);
  const owner = found.Labels?.[LABEL.project];
  const external = 'Use `external: true` to use an existing volume';
  if (owner === undefined) {
    scope.warn(`volume "${name}" already exists but was not created by Docker Compose. ${external}`);
  } else if (owner !== project.name) {
    const whose = `was created for project "${owner}" (expected "${project.name}")`;
    scope.warn(`volume "${name}" already exists but ${whose}. ${external}`);
  }
  const hash = found.Labels?.[LABEL.hash];
  if (hash === undefined || hash === volumeHash(volume)) return;
  const why = `exists but doesn't match configuration in compose file. Recreate (data will be lost)?`;
  if (!(await options.confirm(`Volume "${name}" ${why}`))) return;
  await options.release(key);
  await act(scope, () => removeUnused(scope.store, name));
  await makeVolume(scope, project, keyed);
}

async function makeVolume(scope: Scope, project: Project, { key, volume }: Keyed): Promise<void> {
  const { name, driver, driver_opts, labels } = volume;
  const tell = teller(scope, `Volume ${name}`);
  tell.working('Creating');
  try {
    const request = {
      name,
      labels: {
        ...labels,
        [LABEL.hash]: volumeHash(volume),
        [LABEL.project]: project.name,
        [LABEL.version]: COMPOSE_VERSION,
        [LABEL.volume]: key,
      },
      ...given({ driver: driver || undefined, options: driver_opts }),
    };
    await act(scope, () => createVolume(scope.store, request));
  } catch (error) {
    tell.error('Error');
    throw error;
  }
  tell.done('Created');
}

/** Removes a volume, if it is there and no container has it. */
export async function dropVolume(scope: Scope, name: string): Promise<void> {
  if (findVolume(scope.store, name) === undefined) return;
  const tell = teller(scope, `Volume ${name}`);
  tell.working('Removing');
  try {
    await act(scope, () => removeUnused(scope.store, name));
  } catch (error) {
    if (!(error instanceof WherryError)) throw error;
    if (error.kind === 'conflict') return tell.warning('Resource is still in use');
    if (error.kind === 'not-found') return tell.done('Warning: No resource found to remove');
    throw error;
  }
  tell.done('Removed');
}
