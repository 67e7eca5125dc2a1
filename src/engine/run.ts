/** create: an image, its volumes and a request become a container that can be started. */
import { closeSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import type { CreateRequest, MountPoint } from '#base/api.ts';
import { WherryError } from '#base/error.ts';
import { formatPlatform } from '#base/platform.ts';
import type { Progress } from '#base/progress.ts';
import { makeRecord } from '#container/create.ts';
import { recordContainerEvent } from '#container/event.ts';
import { findContainer, generateName, newId, releaseName, reserveName } from '#container/names.ts';
import type { ContainerRecord } from '#container/record.ts';
import { settleRequest } from '#container/settle.ts';
import { mountPlace } from '#engine/mounts.ts';
import { settleNetworking } from '#engine/networking.ts';
import { readCatalog } from '#image/catalog.ts';
import { type FindOptions, findImage, type Image, needImage, noSuchImage } from '#image/names.ts';
import { hostPlatform, matches, normalize, parsePlatform } from '#oci/platform.ts';
import { storageDriver } from '#store/driver.ts';
import { stageDirectory, stagingName } from '#store/staging.ts';
import type { Store } from '#store/store.ts';
import { lock, replace } from '#sys/file.ts';
import { resolveMounts } from '#volume/mounts.ts';
import { parseVolumesFrom } from '#volume/parse.ts';

export type PullPolicy = 'always' | 'missing' | 'never';

export interface CreateOptions {
  pull?: PullPolicy;
  /** Called before the first byte is asked for: the image is not here. */
  missing?: (reference: string) => void;
  progress?: (event: Progress) => void;
  /** Fresh volumes get what the image has there now, as Docker's do: others may look before the first start does it. */
  fill?: boolean;
  abort?: AbortSignal;
}

/** What an image is found by, and what it turned out to be. */
interface Resolved {
  image: Image;
  reference: string;
}

/** The image that comes with wherry, so that a first container needs no registry. */
const EMBEDDED = /^localhost\/busybox(:latest)?$/;

/**
 * Makes a container. Docker's order: the image is pulled where it is missing, the name taken, the volumes made.
 * Whatever fails, neither name nor record stays behind.
 */
export async function createContainer(
  store: Store,
  asked: CreateRequest,
  options: CreateOptions = {},
): Promise<{ id: string; name: string; warnings: string[] }> {
  const { request, warnings } = settleRequest(store, asked);
  warnings.push(...(await settleNetworking(store, request, asked.networks)));
  const resolved =
    request.extras?.rootfs === undefined
      ? await resolveImage(store, request.config.Image, { ...options, platform: request.platform })
      : (await import('#engine/isolation-create.ts')).directoryImage(request);
  warnings.push(...(await foreignWarning(request, resolved.image)));
  const id = newId();
  const name = await takeName(store, request.name, id);
  try {
    using held = await keepImage(store, request, { resolved, options });
    const record = await makeContainer(store, request, { ...held, id, name });
    await writeNewRecord(store, record);
    recordContainerEvent(store, record, 'create');
    if (options.fill) await fillVolumes(store, record);
    return { id, name, warnings };
  } catch (error) {
    releaseName(store, name, id);
    throw error;
  }
}

/** The image here may be for another machine than this one: it is told where nobody asked for that. */
async function foreignWarning({ platform }: CreateRequest, { config }: Image): Promise<string[]> {
  const host = hostPlatform();
  if (platform !== undefined || (config.architecture ?? '') === '' || matches(host, config)) return [];
  const { processorPlatform } = await import('#engine/builder.ts');
  const detected = processorPlatform();
  if (matches(detected, config)) return [];
  const image = formatPlatform(normalize(config));
  return [
    `The requested image's platform (${image}) does not match the detected host platform (${formatPlatform(detected)}) and no specific platform was requested`,
  ];
}

/** Where that fails there is no container. */
async function fillVolumes(store: Store, record: ContainerRecord): Promise<void> {
  const { isFilled } = await import('#engine/bundle.ts');
  if (!record.mounts.some(isFilled)) return;
  try {
    const { openView } = await import('#engine/copy-view.ts');
    await using _filled = await openView(store, record);
  } catch (error) {
    const { removeContainer } = await import('#engine/start.ts');
    await removeContainer(store, record.id, { force: true, volumes: true });
    if (!(error instanceof WherryError) || !error.message.startsWith('error while mounting volume')) throw error;
    throw new WherryError(error.kind, `failed to populate volume: ${error.message}`, { cause: error });
  }
}

/** So often an image is got again that others remove between its arrival and its use. */
const ATTEMPTS = 5;

/** Keeps the image until it is disposed of. One that was removed since it was found is looked for, or pulled, again. */
async function keepImage(
  store: Store,
  { config, platform, extras }: CreateRequest,
  { resolved, options }: { resolved: Resolved; options: CreateOptions },
): Promise<Resolved & Disposable> {
  if (extras?.rootfs !== undefined) return { ...resolved, [Symbol.dispose]: () => undefined };
  let found = resolved;
  for (let attempt = 1; ; attempt += 1) {
    // rmi takes the same lock alone: it can't remove what is about to be used.
    const imagesStay = await lock(store.path('layers'), { shared: true });
    if (readCatalog(store).some((entry) => entry.manifest.digest === found.image.manifest.digest)) {
      return { ...found, [Symbol.dispose]: () => imagesStay[Symbol.dispose]() };
    }
    imagesStay[Symbol.dispose]();
    if (attempt === ATTEMPTS) throw noSuchImage(config.Image);
    found = await resolveImage(store, config.Image, { ...options, platform });
  }
}

async function takeName(store: Store, wanted: string | undefined, id: string): Promise<string> {
  if (wanted !== undefined) return reserveName(store, wanted, id);
  for (let attempt = 0; ; attempt++) {
    try {
      return reserveName(store, generateName(attempt), id);
    } catch (error) {
      if (!(error instanceof WherryError) || error.kind !== 'conflict') throw error;
    }
  }
}

async function makeContainer(
  store: Store,
  request: CreateRequest,
  { image, reference, id, name }: Resolved & { id: string; name: string },
): Promise<ContainerRecord> {
  const { config, hostConfig } = request;
  const { driver } = await storageDriver(store);
  const imageVolumes = Object.keys(image.config.config?.Volumes ?? {});
  const treatment = request.extras?.imageVolumes;
  const mounts = await resolveMounts(store, {
    binds: hostConfig.Binds ?? [],
    mounts: hostConfig.Mounts ?? [],
    tmpfs: hostConfig.Tmpfs ?? {},
    volumes: [...Object.keys(config.Volumes ?? {}), ...(treatment === undefined ? imageVolumes : [])],
    inherited: inheritedMounts(store, hostConfig.VolumesFrom ?? []),
    ...(hostConfig.VolumeDriver === undefined ? {} : { volumeDriver: hostConfig.VolumeDriver }),
    image: (wanted) => {
      const { id, diffIds } = needImage(store, wanted);
      return { id, diffIds };
    },
  });
  if (treatment === 'tmpfs') mounts.push(...asTmpfs(imageVolumes, mounts));
  placeImages(store, id, mounts);
  return makeRecord(
    request,
    {
      reference,
      id: image.id,
      manifest: image.manifest.digest,
      platform: formatPlatform(image.config),
      diffIds: image.diffIds,
      config: image.config.config ?? {},
    },
    { id, name, mounts, driver },
  );
}

/** --image-volume tmpfs: but where something else was asked for. */
function asTmpfs(paths: readonly string[], mounts: readonly MountPoint[]): MountPoint[] {
  const free = paths.filter((path) => !mounts.some((point) => point.Destination === path));
  return free.map((Destination) => ({ Type: 'tmpfs', Source: '', Destination, Mode: '', RW: true, Propagation: '' }));
}

/** Where they will be is known from the start, as Docker shows it. */
function placeImages(store: Store, id: string, mounts: readonly MountPoint[]): void {
  for (const [at, point] of mounts.entries()) if (point.Image !== undefined) point.Source = mountPlace(store, id, at);
}

/** --volumes-from: the mounts of other containers, read-only where asked so. */
function inheritedMounts(store: Store, sources: readonly string[]): MountPoint[] {
  return sources.flatMap((source) => {
    const { container, readOnly } = parseVolumesFrom(source);
    const found = findContainer(store, container).mounts.filter((point) => point.Type !== 'tmpfs');
    return found.map((point) => ({ ...point, RW: point.RW && !readOnly, Anonymous: false }));
  });
}

/** Ids and secrets, for the few containers that ask for such. */
async function reserve(store: Store, record: ContainerRecord) {
  if (record.extras?.secrets === undefined && !record.hostConfig.UsernsMode.startsWith('auto')) return undefined;
  const { reserveFor } = await import('#engine/isolation-create.ts');
  return reserveFor(store, record);
}

/** The directory is filled in tmp/ and appears whole. */
async function writeNewRecord(store: Store, record: ContainerRecord): Promise<void> {
  using reserved = await reserve(store, record);
  const staged = store.path('tmp', stagingName('container'));
  const held = stageDirectory(staged, 0o700);
  try {
    await reserved?.fill(staged);
    replace(join(staged, 'container.json'), JSON.stringify(record), { durable: !record.hostConfig.AutoRemove });
    renameSync(staged, store.path('containers', record.id));
  } finally {
    closeSync(held);
  }
}

/** Finds the image here, in what came with wherry, or at its registry, as the policy says. */
export async function resolveImage(
  store: Store,
  text: string,
  { pull = 'missing', platform, missing, progress, abort }: CreateOptions & { platform: string | undefined },
): Promise<Resolved> {
  const wanted = platform === undefined ? {} : { platform };
  if (pull !== 'always') {
    const image = findImage(store, text, wanted) ?? (await embedded(store, text, wanted));
    if (image !== undefined) return { image, reference: text };
    if (pull === 'never') throw notHere(store, text, platform);
    missing?.(withTag(text));
  }
  const { pullImage } = await import('#image/pull.ts');
  const pulled = await pullImage(store, text, {
    ...wanted,
    ...(progress === undefined ? {} : { progress }),
    ...(abort === undefined ? {} : { abort }),
  });
  return { image: pulled.image, reference: text };
}

const withTag = (text: string) => (/[:@][^/]*$/.test(text) ? text : `${text}:latest`);

/** In Docker's words: there is none of this name, or one for another platform. */
function notHere(store: Store, text: string, platform: string | undefined): WherryError {
  const other = platform === undefined ? undefined : findImage(store, text);
  if (platform === undefined || other === undefined) {
    return new WherryError('not-found', `No such image: ${withTag(text)}`);
  }
  const [has, asked] = [other.config, parsePlatform(platform)].map(formatPlatform);
  const why = `was found but its platform (${has}) does not match the specified platform (${asked})`;
  return new WherryError('not-found', `image with reference ${text} ${why}`);
}

async function embedded(store: Store, text: string, wanted: FindOptions): Promise<Image | undefined> {
  // One that is here and was not found is for another platform.
  if (!EMBEDDED.test(text) || findImage(store, text) !== undefined) return undefined;
  const { embeddedArchive } = await import('#sys/host.ts');
  const archive = embeddedArchive('busybox');
  if (archive === undefined) return undefined;
  const { loadArchive } = await import('#image/archive.ts');
  await loadArchive(store, archive);
  return findImage(store, text, wanted);
}
