/**
 * system check: each noun looks at its own and judges it; here they are asked in turn, and what they say is carried out
 * under the locks that other commands know. What is repaired is looked at before what depends on it.
 */
import type { Damage } from '#base/damage.ts';
import { WherryError } from '#base/error.ts';
import { type BuildRemedy, judgeBuilds, lookAtBuilds, mendBuild } from '#build/check.ts';
import { judgeContainers, lookAtContainers, mendContainer } from '#container/check.ts';
import { listContainers } from '#container/names.ts';
import { unmountRootfs } from '#container/rootfs.ts';
import { unmountShm } from '#container/shm.ts';
import { isRunning, readState } from '#container/state.ts';
import { layerUsers } from '#engine/images.ts';
import { removalsOver } from '#engine/remove.ts';
import { aloneInCatalog } from '#image/catalog.ts';
import { type ImageRemedy, judgeImages, judgeOrphans } from '#image/check.ts';
import { lookAtCatalog, lookAtImages } from '#image/look.ts';
import { mendCatalog, mendImage } from '#image/mend.ts';
import { findOrphans, partsReader } from '#image/waste.ts';
import { judgeNetworks, lookAtNetworks, mendNetwork } from '#network/check.ts';
import { blobPath } from '#store/blobs.ts';
import { judgeStore, lookAtStore, mendStore } from '#store/check.ts';
import { layerIsSound } from '#store/compare.ts';
import { heldParts } from '#store/holds.ts';
import { layerPath } from '#store/layers.ts';
import type { Store } from '#store/store.ts';
import { lock, tryLock } from '#sys/file.ts';
import { judgeVolumes, lookAtVolumes, mendVolume } from '#volume/check.ts';

export interface CheckOptions {
  /** Mend what can be mended. */
  repair?: boolean;
  /** Read no contents: presence and sizes only. */
  quick?: boolean;
  abort: AbortSignal;
}

/** A damage, and what became of it. */
export interface Checked extends Pick<Damage, 'path' | 'what' | 'advice' | 'known'> {
  /** Could --repair do something about it? */
  mendable: boolean;
  mended: boolean;
  /** Why it could not be mended although there is a way. */
  error?: WherryError;
}

type Findings = AsyncGenerator<Checked, void, undefined>;

/** Looks at the whole store. Nothing is changed without `repair`. Throws the abort's reason. */
export async function* checkStore(store: Store, options: CheckOptions): Findings {
  const facts = await lookAtStore(store);
  const own = judgeStore(facts, (name) => store.path(name));
  yield* settle(own, options, (remedy) => mendStore(store, remedy));
  // Without its folders nothing else can be looked at.
  if (facts.missing.length > 0 && !options.repair) return;
  const networks = judgeNetworks(lookAtNetworks(store), (file) => store.path('networks', file));
  yield* settle(networks, options, (remedy) => mendNetwork(store, remedy));
  const volumes = judgeVolumes(lookAtVolumes(store), (name, file = '') => store.path('volumes', name, file));
  yield* settle(volumes, options, (remedy) => mendVolume(store, remedy));
  yield* checkContainers(store, options);
  // Nobody but the mark is locked by who changes the catalogue.
  if (facts.layout === 'absent' && !options.repair) return;
  const isSound = soundness(store, options);
  yield* checkBuilds(store, { ...options, isSound });
  yield* checkImages(store, { ...options, isSound });
}

async function* settle<R>(
  damages: readonly Damage<R>[],
  { repair = false, abort }: CheckOptions,
  mend: (remedy: R) => Promise<void>,
): Findings {
  const done = new Map<string, WherryError | undefined>();
  for (const { remedy, ...damage } of damages) {
    abort.throwIfAborted();
    const mendable = remedy !== undefined;
    if (remedy === undefined || !repair) {
      yield { ...damage, mendable, mended: false };
      continue;
    }
    const key = JSON.stringify(remedy);
    if (!done.has(key)) done.set(key, await attempt(() => mend(remedy)));
    const error = done.get(key);
    yield { ...damage, mendable, mended: error === undefined, ...(error === undefined ? {} : { error }) };
  }
}

async function attempt(mend: () => Promise<void>): Promise<WherryError | undefined> {
  try {
    await mend();
    return undefined;
  } catch (error) {
    if (error instanceof WherryError) return error;
    if ((error as NodeJS.ErrnoException).code === undefined) throw error;
    return new WherryError('unavailable', (error as Error).message, { cause: error });
  }
}

function checkContainers(store: Store, options: CheckOptions): Findings {
  const places = {
    container: (id: string, file = '') => store.path('containers', id, file),
    name: (name: string) => store.path('names', name),
  };
  const damages = judgeContainers(lookAtContainers(store), places);
  return settle(damages, options, (remedy) => mendContainer(store, remedy, (id) => release(store, id)));
}

/** Gives back what the last start of a container took, of which there is no record. */
async function release(store: Store, id: string): Promise<void> {
  const { leaveNetworks } = await import('#network/network.ts');
  await unmountRootfs(store, id);
  await unmountShm(store, id);
  await leaveNetworks(store, id);
}

type WithSoundness = CheckOptions & { isSound: (diffId: string) => Promise<boolean> };

/** Each layer is read once, whoever asks. */
function soundness(store: Store, { abort }: CheckOptions): WithSoundness['isSound'] {
  const known = new Map<string, Promise<boolean>>();
  return (diffId) => {
    const asked = known.get(diffId) ?? layerIsSound(store, diffId, abort);
    known.set(diffId, asked);
    return asked;
  };
}

async function* checkBuilds(store: Store, options: WithSoundness): Findings {
  let damages: Damage<BuildRemedy>[];
  {
    using _layersStay = await lock(store.path('layers'), { shared: true });
    const facts = await lookAtBuilds(store, options.quick ? undefined : options.isSound);
    damages = judgeBuilds(facts, (id) => store.path('build', 'records', `${id}.json`));
  }
  yield* settle(damages, options, async (remedy) => mendBuild(store, remedy));
}

async function* checkImages(store: Store, options: WithSoundness): Findings {
  const places = {
    blob: (digest: string) => blobPath(store, digest),
    layer: (diffId: string) => layerPath(store, diffId),
    index: store.path('index.json'),
  };
  const catalog = lookAtCatalog(store);
  yield* settle(catalog.damages, options, (remedy) => mendCatalog(store, remedy));
  const { quick = false, repair, isSound, abort } = options;
  let images: Damage<ImageRemedy>[];
  {
    // No image goes while we look; a pull may come.
    using _imagesStay = await lock(store.path('layers'), { shared: true });
    const { entries } = lookAtCatalog(store);
    const facts = await lookAtImages(store, entries, { users: layerUsers(store), quick, isSound, abort });
    images = judgeImages(facts, places);
  }
  yield* settle(images, options, (remedy) => mendAlone(store, remedy, abort));
  const before = await lookForOrphans(store);
  if (before.size === 0) return;
  // What somebody is about to remove, with a container that has gone already, is no damage.
  await removalsOver(store);
  using _imagesStay = await lock(store.path('layers'), { shared: !repair });
  const { blobs, layers } = await orphansIn(store);
  const stays = (name: string) => before.has(name);
  const orphans = judgeOrphans({ blobs: blobs.filter(stays), layers: layers.filter(stays) }, places);
  yield* settle(orphans, options, (remedy) => mendImage(store, remedy, abort));
}

/** Digests and diff IDs. */
async function lookForOrphans(store: Store): Promise<Set<string>> {
  using _imagesStay = await lock(store.path('layers'), { shared: true });
  const { blobs, layers } = await orphansIn(store);
  return new Set([...blobs, ...layers]);
}

async function orphansIn(store: Store): Promise<{ blobs: string[]; layers: string[] }> {
  using _alone = await aloneInCatalog(store);
  const { entries: kept } = lookAtCatalog(store);
  return findOrphans(store, partsReader(store), { kept, users: layerUsers(store), held: await heldParts(store) });
}

/** Nobody makes a container meanwhile, and nobody starts one that has the layer. */
async function mendAlone(store: Store, remedy: ImageRemedy, abort: AbortSignal): Promise<void> {
  using _alone = await lock(store.path('layers'));
  if (remedy.kind !== 'unpack') return mendImage(store, remedy, abort);
  using stack = new DisposableStack();
  for (const { id, name, image } of listContainers(store)) {
    if (!image.diffIds.includes(remedy.layer.diffId)) continue;
    // Who removes a container holds it and waits for our lock: two that wait for each other would do so for ever.
    const held = await tryLock(store.path('containers', id));
    if (held === undefined) throw new WherryError('conflict', `the container ${name} is being worked on: try again`);
    stack.use(held);
    if (!isRunning(readState(store, id))) continue;
    throw new WherryError('conflict', `the container ${name} runs on it: stop it first`);
  }
  await mendImage(store, remedy, abort);
}
