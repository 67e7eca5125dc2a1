/** What becomes of a build's result: images in the store and in registries, archives, files. */
import { handOver } from '#base/hand-over.ts';
import { isLayerEnd, type Progress } from '#base/progress.ts';
import { INLINE_CACHE, inlineCacheOf } from '#build/cache-config.ts';
import type { Report } from '#build/event.ts';
import { step, type Tell } from '#build/progress.ts';
import type { BuildOutput, BuildRequest, BuildResult } from '#build/request.ts';
import type { SolvedLayer } from '#build/solve/means.ts';
import type { Solution } from '#build/solve/solve.ts';
import type { Plan, PlanTarget } from '#build/vertex.ts';
import { datedConfig } from '#engine/build-config.ts';
import { annotationsOf, needsIndex, requestFor } from '#engine/build-index.ts';
import {
  fullName,
  type MadeIndex,
  type MadeTarget,
  makeIndex,
  type Origins,
  ownTarget,
  provenanceOf,
  pushBuilt,
  wholeTargets,
} from '#engine/build-indexed.ts';
import { imageUsers } from '#engine/images.ts';
import { changeCatalog, withNames } from '#image/catalog.ts';
import { recordImageEvent } from '#image/event.ts';
import { assembleImage, type Made as MadeImage } from '#image/make.ts';
import { pushImage } from '#image/push.ts';
import { dropTransient } from '#image/transient.ts';
import { type Descriptor, MEDIA } from '#oci/manifest.ts';
import { formatPlatform, inOrder } from '#oci/platform.ts';
import { canonical, familiar, parseReference, repositoryOf } from '#oci/reference.ts';
import type { Store } from '#store/store.ts';
import { randomHex } from '#sys/random.ts';

export interface Delivery extends Omit<Origins, 'times'> {
  /** Milliseconds since the epoch: when the build began. */
  started: number;
  solution: Solution;
  report: Report;
  abort?: AbortSignal | undefined;
  /** Where an archive goes that has no file: pieces that each are there until the call returns. */
  toStdout?: ((piece: Uint8Array) => void) | undefined;
}

/** What BuildKit says of an image in an archive: when that was made. */
const CREATED = 'org.opencontainers.image.created';

type Image = Extract<BuildOutput, { type: 'image' }>;
type Files = Extract<BuildOutput, { type: 'local' | 'tar' }>;

/** What the outputs ask for together. */
interface Wanted {
  /** Which target's image stays in the store; -1: none. All others only pass through, for a registry or an archive. */
  kept: number;
  /** What it is called there, canonical. */
  names: string[];
}

function wantedOf({ outputs }: BuildRequest, plan: Plan): Wanted {
  const staying = outputs.filter((output): output is Image => output.type === 'image' && !isPassing(output));
  return {
    kept: staying.length === 0 ? -1 : ownTarget(plan),
    names: [...new Set(staying.flatMap((output) => output.names.map(fullName)))],
  };
}

const makesImage = ({ type }: BuildOutput): boolean => type === 'image' || type === 'docker' || type === 'oci';
const isPassing = (output: BuildOutput): boolean =>
  output.type === 'image' && (output.passing === true || output.byDigest === true);
const isCanonical = (output: BuildOutput): output is Image => output.type === 'image' && output.canonical === true;

/** Is what is handed out other than what the store has? Then it is made whole before, and an index of it. */
function isFormed(request: BuildRequest): boolean {
  const { outputs, annotations, packing } = request;
  if (!outputs.some(makesImage)) return false;
  const isSent = outputs.some((output) => 'dest' in output || (output.type === 'image' && output.push));
  const isOther = needsIndex(request) || annotations.length > 0 || outputs.some(isPassing);
  return (isSent && isOther) || packing !== undefined || outputs.some(isCanonical);
}

/** Does all that the request's outputs say. Throws what they throw; what is done until then stays. */
export async function deliver(store: Store, request: BuildRequest, delivery: Delivery): Promise<BuildResult> {
  const transient = new DisposableStack();
  const forget = () => {
    transient.dispose();
    return dropTransient(store, () => imageUsers(store));
  };
  try {
    const result = await handAllOut(store, request, { ...delivery, transient });
    await forget();
    return result;
  } catch (error) {
    // What went wrong is told; what is left then goes with the next such build.
    await forget().catch(() => undefined);
    throw error;
  }
}

/** Holds the images that only pass through the store for as long as they are needed there. */
type Delivering = Delivery & { transient: DisposableStack };

async function handAllOut(store: Store, request: BuildRequest, delivery: Delivering): Promise<BuildResult> {
  const { outputs } = request;
  const wanted = wantedOf(request, delivery.plan);
  const found = outputs.some(makesImage) ? await makeImages(store, request, { ...delivery, ...wanted }) : [];
  const isWhole = outputs.some((output) => isFormed(requestFor(request, output)));
  const targets = isWhole ? await wholeTargets(store, request, found, delivery.abort) : found;
  const { plan, bases, started } = delivery;
  const origins = { plan, bases, times: { id: randomHex(12), started, finished: Date.now() } };
  const created = new Date(request.epoch === undefined ? Date.now() : request.epoch * 1000);
  const dated = created.toISOString().replace(/\.\d+Z$/, 'Z');
  const first = targets[wanted.kept] ?? targets[0];
  const indexes = indexesOf({ ...origins, targets });
  let top: ReturnType<typeof topOf> | undefined;
  for (const output of outputs) {
    const asked = requestFor(request, output);
    const index = await indexes(asked);
    await handOut(store, asked, output, { ...delivery, targets, index, created: dated });
    if (!makesImage(output) || first === undefined) continue;
    top = topOf(asked, { index, first, ...(output.type === 'image' ? {} : { created: dated }) });
    if (isCanonical(output)) await nameByDigest(store, first.imageId, output.names, top.digest);
  }
  const sorted = first === undefined ? [] : [first, ...targets.filter((target) => target !== first)];
  return {
    targets: sorted,
    digest: '',
    ...top,
    names: namesOf(request),
    provenance: () => provenanceOf(request, origins),
  };
}

/** The image is known here by the digest that it has in registries, as after a push. */
async function nameByDigest(store: Store, id: string, names: readonly string[], digest: string): Promise<void> {
  const canonicalNames = names.map((name) => `${repositoryOf(parseReference(fullName(name)))}@${digest}`);
  await changeCatalog(store, (entries) => {
    const image = entries.find((entry) => entry.id === id);
    return image === undefined ? undefined : withNames(entries, image, canonicalNames);
  });
}

/** What a name stands for, as the last output has it. */
function topOf(request: BuildRequest, made: Top): Required<Pick<BuildResult, 'digest' | 'descriptor'>> {
  const { index, first } = made;
  return { digest: index?.top.digest ?? first.digest, descriptor: describedTop(request, made) };
}

/** An index for outputs that ask for one; the same for all with the same provenance. */
function indexesOf(
  indexed: Parameters<typeof makeIndex>[1],
): (request: BuildRequest) => Promise<MadeIndex | undefined> {
  const made = new Map<BuildRequest['provenance'], Promise<MadeIndex>>();
  return async (request) => {
    if (!isFormed(request)) return undefined;
    const index = made.get(request.provenance) ?? makeIndex(request, indexed);
    made.set(request.provenance, index);
    return index;
  };
}

/** As buildx tells them: those of the store as they are written, those of archives with their tags. */
const namesOf = ({ outputs }: BuildRequest): string[] =>
  outputs.flatMap((output) => {
    if (!('names' in output)) return [];
    return output.names.map((name) => (output.type === 'image' ? canonical(parseReference(name)) : fullName(name)));
  });

interface Top {
  index: MadeIndex | undefined;
  first: MadeTarget;
  /** Of an archive. */
  created?: string;
}

/** Of the index, or of the one manifest. */
function describedTop(request: BuildRequest, { index, first, created }: Top): Descriptor {
  const dated = created === undefined ? {} : { annotations: { [CREATED]: created } };
  if (index !== undefined && needsIndex(request)) {
    const { mediaType, digest, bytes } = index.top;
    return { mediaType, digest, size: bytes.length, ...dated };
  }
  const { manifest, platform } = first;
  const { mediaType, digest, size } = manifest;
  return { mediaType: mediaType || MEDIA.manifest, digest, size, ...dated, platform: inOrder(platform) };
}

async function handOut(store: Store, request: BuildRequest, output: BuildOutput, made: Made): Promise<void> {
  if (output.type === 'local' || output.type === 'tar') await exportFiles(store, output, made);
  if (output.type === 'image' && output.push) await pushAll(store, output, made);
  if (output.type === 'docker' || output.type === 'oci') await saveArchive(store, request, output, made);
}

async function makeImages(
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

type Made = Delivery & { targets: readonly MadeTarget[]; index: MadeIndex | undefined; created: string };

async function pushAll(
  store: Store,
  { names, byDigest = false }: Image,
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

type Archive = Extract<BuildOutput, { type: 'docker' | 'oci' }>;

async function saveArchive(
  store: Store,
  request: BuildRequest,
  { type, dest, names, tar }: Archive,
  { targets, index, created, report, abort, toStdout }: Made,
): Promise<void> {
  const { layOut, saveUnder } = await import('#image/save.ts');
  const images = targets.map(({ imageId: id }) => ({ id, names: names.map(fullName) }));
  const own = annotationsOf(request, needsIndex(request) ? 'index-descriptor' : 'manifest-descriptor');
  const annotations = { [CREATED]: created, ...own.annotations };
  const [one] = targets;
  const platform = needsIndex(request) || one === undefined ? {} : { platform: inOrder(one.platform) };
  const inside =
    index === undefined
      ? {}
      : { index: { top: index.top, others: [...index.images, ...index.manifests, ...index.blobs] } };
  const options = { docker: type === 'docker', abort, annotations, ...platform, ...inside };
  await step(report, `exporting to ${type === 'oci' ? 'oci' : 'docker'} image format`, async ({ tell }) => {
    if (!tar) return layOut(store, images, dest, options);
    let size = 0;
    const told = (bytes: number) => {
      size = bytes;
      tell('sending tarball', { current: size });
    };
    await writeArchive(dest, { told, toStdout }, (take) => saveUnder(store, images, take, options));
    tell('sending tarball', { current: size, done: true });
  });
}

async function exportFiles(
  store: Store,
  { type, dest, platformSplit }: Files,
  { plan, solution, report, abort, toStdout }: Delivery,
): Promise<void> {
  const { tarOf, writeTree } = await import('#build/output/tree.ts');
  const isSplit = platformSplit ?? plan.targets.length > 1;
  const results = plan.targets.map(({ platform }, index) => ({
    directory: isSplit ? [platform.os, platform.architecture, platform.variant].filter(Boolean).join('_') : '',
    diffIds: (solution.results[index] ?? []).map(({ diffId }) => diffId),
  }));
  await step(
    report,
    type === 'local' ? 'exporting to client directory' : 'exporting to client tarball',
    async ({ tell }) => {
      const told = (current: number) => tell(type === 'local' ? 'copying files' : 'sending tarball', { current });
      if (type === 'local') {
        await writeTree(store, results, dest, { abort, told });
        return tell('copying files', { done: true });
      }
      await writeArchive(dest, { told, toStdout }, (take) => handOver(tarOf(store, results), take, abort));
      tell('sending tarball', { done: true });
    },
  );
}

/**
 * An archive in a file that appears when it is whole, or through a pipe. write: hands its pieces over.
 * told: hears how many bytes there are by now.
 */
async function writeArchive(
  dest: string,
  { toStdout, told }: Pick<Delivery, 'toStdout'> & { told: (bytes: number) => void },
  write: (take: (piece: Uint8Array) => void) => Promise<void>,
): Promise<void> {
  const { openOutputFile } = await import('#sys/output-file.ts');
  using file = dest === '-' ? undefined : openOutputFile(dest);
  let size = 0;
  await write((piece) => {
    if (file === undefined) toStdout?.(piece);
    else file.write(piece);
    size += piece.length;
    told(size);
  });
  file?.commit();
}
