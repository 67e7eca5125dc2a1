/**
 * --cache-from: caches of builds in registries, in directories and in images. One is read when something is not known here,
 * and a layer of it is fetched when somebody needs its files. What can't be read is told and is no reason to fail.
 */
import { WherryError } from '#base/error.ts';
import { CACHE_CONFIG, type FoundStep, INLINE_CACHE, readCacheConfig, readInlineCache } from '#build/cache-config.ts';
import type { Report } from '#build/event.ts';
import { step, type Tell } from '#build/progress.ts';
import type { CacheOptions } from '#build/request.ts';
import { Vanished } from '#build/solve/kept.ts';
import { type LayerFacts, measureLayer } from '#build/solve/layer.ts';
import type { Outside, Scope } from '#build/solve/means.ts';
import { layoutPlace, type Place, registryPlace } from '#engine/build-cache-place.ts';
import { findImage } from '#image/names.ts';
import { type Descriptor, isDigest, REFERENCE } from '#oci/manifest.ts';
import { brief, isObject, parsedObject } from '#oci/shape.ts';
import { stage } from '#store/blobs.ts';
import { hexOf } from '#store/digest.ts';
import { hasLayer, layerPath } from '#store/layers.ts';
import type { Store } from '#store/store.ts';
import { takeTurn } from '#store/turns.ts';
import { openUnpacker, type Unpacker } from '#store/unpack.ts';

export interface OutsideCaches {
  find(key: string): Promise<Outside | undefined>;
  close(): Promise<void>;
}

interface Opened {
  place: Place;
  steps: Map<string, FoundStep>;
  /** Something that it promised was not there. */
  isBroken: boolean;
}

export interface ReadingOptions {
  report: Report;
  abort?: AbortSignal | undefined;
}

/** Nothing is asked for before the first key is. */
export function openOutsideCaches(store: Store, from: readonly CacheOptions[], options: ReadingOptions): OutsideCaches {
  let opening: Promise<Opened[]> | undefined;
  let unpacking: Unpacker | undefined;
  const unpacker = () => {
    unpacking ??= openUnpacker(store);
    return unpacking;
  };
  const open = async () =>
    (await Promise.all(from.map((one) => openCache(store, one, options)))).flatMap((one) => one ?? []);
  return {
    find: async (key) => {
      if (from.length === 0) return undefined;
      opening ??= open();
      for (const cache of await opening) {
        const found = cache.isBroken ? undefined : cache.steps.get(key);
        if (found !== undefined)
          return { ...found, bring: (scope) => bringStep(store, { cache, found, unpacker }, scope) };
      }
      return undefined;
    },
    close: async () => {
      unpacking?.close();
      for (const { place } of (await opening?.catch(() => [])) ?? []) await place.close();
    },
  };
}

async function openCache(
  store: Store,
  options: CacheOptions,
  { report, abort }: ReadingOptions,
): Promise<Opened | undefined> {
  const name = options.type === 'local' ? `local:${options.src}` : (options.ref ?? '');
  try {
    return await step(report, `importing cache manifest from ${name}`, async ({ tell }) => {
      const own = options.type === 'registry' ? stepsHere(store, name) : new Map<string, FoundStep>();
      if (own.size > 0) return { place: HERE, steps: own, isBroken: false };
      const place = options.type === 'local' ? layoutPlace(options) : await registryPlace(options, abort);
      try {
        return { place, steps: await readSteps(place, tell), isBroken: false };
      } catch (error) {
        await place.close();
        throw error;
      }
    });
  } catch (error) {
    abort?.throwIfAborted();
    if (error instanceof WherryError) return undefined;
    throw error;
  }
}

/** As Docker: an image that is here is not asked for, if it has the cache it was built with; its layers are here, too. */
function stepsHere(store: Store, name: string): Map<string, FoundStep> {
  const image = findImage(store, name);
  if (image === undefined) return new Map();
  const layers = image.layers.map((blob, at) => ({ blob, diffId: image.diffIds[at] ?? '' }));
  return readInlineCache(image.config[INLINE_CACHE], layers);
}

const gone = () => {
  throw new WherryError('not-found', 'its image was removed meanwhile');
};
const HERE: Place = { top: gone, manifest: gone, document: gone, open: gone, close: async () => undefined };

/** Of an index with images for many platforms so many are looked at. */
const MAX_IMAGES = 16;

async function readSteps(place: Place, tell: Tell): Promise<Map<string, FoundStep>> {
  const top = parsedObject(await place.top());
  if (typeof top.mediaType === 'string') tell(`inferred cache manifest type: ${brief(top.mediaType)}`, { done: true });
  const manifests = descriptors(top.manifests);
  const config = [...descriptors([top.config]), ...manifests].find(({ mediaType }) => mediaType === CACHE_CONFIG);
  if (config !== undefined) {
    const blobs = [...descriptors(top.layers), ...manifests];
    return readCacheConfig(
      parsedObject(await place.document(config)),
      new Map(blobs.map((blob) => [blob.digest, blob])),
    );
  }
  const images = manifests.filter(({ annotations }) => annotations?.[REFERENCE.type] === undefined);
  const steps = new Map<string, FoundStep>();
  for (const image of top.manifests === undefined ? [undefined] : images.slice(0, MAX_IMAGES)) {
    const manifest = image === undefined ? top : parsedObject(await place.manifest(image));
    for (const [key, found] of await readImage(place, manifest)) steps.set(key, found);
  }
  return steps;
}

/** What an image has of the cache it was built with; nothing in most. */
async function readImage(place: Place, manifest: Record<string, unknown>): Promise<Map<string, FoundStep>> {
  const [config] = descriptors([manifest.config]);
  const blobs = descriptors(manifest.layers);
  if (config === undefined) return new Map();
  const { [INLINE_CACHE]: text, rootfs } = parsedObject(await place.document(config));
  const diffIds: unknown = isObject(rootfs) ? rootfs.diff_ids : undefined;
  if (!Array.isArray(diffIds) || diffIds.length !== blobs.length) return new Map();
  return readInlineCache(
    text,
    blobs.map((blob, at) => ({ blob, diffId: String(diffIds[at]) })),
  );
}

function descriptors(values: unknown): Descriptor[] {
  if (!Array.isArray(values)) return [];
  return values.filter((value): value is Descriptor => {
    const { digest, size, mediaType } = (isObject(value) ? value : {}) as Partial<Descriptor>;
    return isDigest(digest) && Number.isSafeInteger(size) && Number(size) >= 0 && typeof mediaType === 'string';
  });
}

interface Wanted {
  cache: Opened;
  found: FoundStep;
  unpacker: () => Unpacker;
}

/** Throws Vanished where the layer is not what it was promised to be; then nothing of this cache is believed any more. */
async function bringStep(store: Store, wanted: Wanted, scope: Scope): Promise<LayerFacts> {
  const { cache, found } = wanted;
  const { diffId } = found;
  try {
    using _mine = await takeTurn(store, `pull-${hexOf(found.blob.digest)}`, { abort: scope.abort });
    if (!hasLayer(store, diffId)) await fetchLayer(store, wanted, scope);
    // Only what is packed again byte for byte can be pushed one day.
    const facts = await measureLayer(layerPath(store, diffId), scope.abort);
    if (facts.diffId === diffId) return facts;
    throw new WherryError('corrupt', `the layer ${diffId} was packed in another way`);
  } catch (error) {
    scope.abort.throwIfAborted();
    if (!(error instanceof WherryError) || error instanceof Vanished) throw error;
    cache.isBroken = true;
    const why = `the layer ${found.blob.digest} of the cache cannot be used: ${error.message}`;
    scope.log(2, Buffer.from(`${why}\n`));
    throw new Vanished(why);
  }
}

async function fetchLayer(store: Store, { cache, found, unpacker }: Wanted, { abort, status }: Scope) {
  const { blob, diffId } = found;
  const { digest, size, mediaType } = blob;
  const staged = await stage(store, { limit: size, forget: true });
  const told = (done: boolean) => status(hexOf(digest).slice(0, 12), { current: staged.size, total: size, done });
  async function* arriving() {
    for await (const piece of cache.place.open(blob)) {
      staged.write(piece);
      told(false);
      yield staged.size;
    }
    if (staged.size !== size || staged.digest() !== digest) {
      throw new WherryError('corrupt', `its content is ${staged.digest()}`);
    }
  }
  try {
    const source = { path: staged.path, sizes: arriving(), forget: true };
    await unpacker().unpack(diffId, mediaType, source, { abort });
    told(true);
  } finally {
    staged.discard();
  }
}
