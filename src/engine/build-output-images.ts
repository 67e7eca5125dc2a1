/** A build's result as images: in the store, and in registries. */

import { formatPlatform } from '#base/platform.ts';
import { isLayerEnd, type Progress } from '#base/progress.ts';
import { INLINE_CACHE, inlineCacheOf } from '#build/cache-config.ts';
import { step, type Tell } from '#build/progress.ts';
import type { BuildOutput, BuildRequest } from '#build/request.ts';
import type { SolvedLayer } from '#build/solve/means.ts';
import type { Solution } from '#build/solve/solve.ts';
import type { Plan, PlanTarget } from '#build/vertex.ts';
import { datedConfig } from '#engine/build-config.ts';
import { type Delivery, fullName, type Made, type MadeTarget, pushBuilt } from '#engine/build-indexed.ts';
import { changeCatalog, withNames } from '#image/catalog.ts';
import { recordImageEvent } from '#image/event.ts';
import { assembleImage, type Made as MadeImage } from '#image/make.ts';
import { pushImage } from '#image/push.ts';
import { familiar, parseReference, repositoryOf } from '#oci/reference.ts';
import type { Store } from '#store/store.ts';

/** What the outputs ask for of the store together. */
export interface Wanted {
  /** Which target's image stays in the store; -1: none. All others only pass through, for a registry or an archive. */
  kept: number;
  /** What it is called there, canonical. */
  names: string[];
}

/** Holds the images that only pass through the store for as long as they are needed there. */
export type Delivering = Delivery & { transient: DisposableStack };

export async function makeImages(
  store: Store,
  request: BuildRequest,
  { plan, solution, report, transient, names, kept }: Delivering & Wanted,
): Promise<MadeTarget[]> {
  return step(report, 'exporting to image', async ({ tell, say }) => {
    tell('exporting layers');
    const targets: MadeTarget[] = [];
    for (const [index, target] of plan.targets.entries()) {
      const layers = solution.results[index] ?? [];
      const own = index === kept ? { names } : { names: [], transient };
      if (index === 0) tell('exporting layers', { done: true });
      const cache = inlineCache(request, solution, layers, tell);
      const { id, manifest } = await putImage(store, target, { layers, request, cache, ...own });
      tell(`writing image ${id}`, { done: true });
      targets.push({ platform: target.platform, imageId: id, digest: manifest.digest, manifest });
      noteImage(store, { id, labels: target.config.config?.Labels, names: own.names });
    }
    for (const name of names) tell(`naming to ${name}`, { done: true });
    if (names.length > 0) sayWhichIsKept(plan, kept, say);
    return targets;
  });
}

function sayWhichIsKept({ targets }: Plan, kept: number, say: (text: string) => void): void {
  const platform = targets[kept]?.platform;
  if (targets.length === 1 || platform === undefined) return;
  say(`here the image for ${formatPlatform(platform)} gets the names; the others go to registries and archives only`);
}

/** What a later build finds in the image, where that is wished for. */
function inlineCache(
  { cacheTo }: BuildRequest,
  { steps }: Solution,
  layers: readonly SolvedLayer[],
  tell: Tell,
): string | undefined {
  if (!cacheTo.some(({ type }) => type === 'inline')) return undefined;
  const cache = inlineCacheOf(steps, diffIdsOf(layers));
  tell('preparing layers for inline cache', { done: true });
  return cache;
}

interface Putting {
  layers: SolvedLayer[];
  names: string[];
  request: BuildRequest;
  cache: string | undefined;
  /** Absent: the image stays. */
  transient?: DisposableStack;
}

async function putImage(
  store: Store,
  { config: planned }: PlanTarget,
  { layers, request, cache, ...making }: Putting,
): Promise<MadeImage> {
  const stack = {
    layers: layers.map(({ blob }) => blob),
    diffIds: diffIdsOf(layers),
    sizes: new Map(layers.map(({ diffId, size }) => [diffId, size])),
  };
  const dated = datedConfig(planned, layers, request.epoch);
  const config = cache === undefined ? dated : { ...dated, [INLINE_CACHE]: cache };
  return assembleImage(store, stack, { config, ...making });
}

const diffIdsOf = (layers: readonly SolvedLayer[]) => layers.map(({ diffId }) => diffId);

function noteImage(
  store: Store,
  { id, labels, names }: { id: string; labels: Record<string, string> | null | undefined; names: readonly string[] },
): void {
  for (const name of names) recordImageEvent(store, 'tag', { id, labels, name: familiar(parseReference(name)) });
}

/** The image is known here by the digest that it has in registries, as after a push. */
export async function nameByDigest(store: Store, id: string, names: readonly string[], digest: string): Promise<void> {
  const canonicalNames = names.map((name) => `${repositoryOf(parseReference(fullName(name)))}@${digest}`);
  await changeCatalog(store, (entries) => {
    const image = entries.find((entry) => entry.id === id);
    return image === undefined ? undefined : withNames(entries, image, canonicalNames);
  });
}

export async function pushAll(
  store: Store,
  { names, byDigest = false }: Extract<BuildOutput, { type: 'image' }>,
  { report, abort, targets, index }: Made,
): Promise<void> {
  for (const name of names) {
    await step(report, `pushing ${fullName(name)}`, async ({ tell }) => {
      const progress = layerTold(tell);
      if (index !== undefined) {
        await pushBuilt(store, fullName(name), { targets, index, byDigest, progress, abort });
        return;
      }
      await pushImage(store, familiar(parseReference(fullName(name))), { progress, ...(abort ? { abort } : {}) });
    });
  }
}

/** A layer's progress as a part of a vertex's. */
function layerTold(tell: Tell): (event: Progress) => void {
  return (event) => {
    if (event.kind !== 'layer') return;
    const { id, status, current = 0, total = 0 } = event;
    tell(`pushing layer ${id}`, { current, total, done: isLayerEnd(status) });
  };
}
