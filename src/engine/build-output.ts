/** What becomes of a build's result: each output gets what it asks for, of images that are made once. */
import type { BuildOutput, BuildRequest, BuildResult } from '#build/request.ts';
import type { Plan } from '#build/vertex.ts';
import { needsIndex, requestFor } from '#engine/build-index.ts';
import {
  type Delivery,
  fullName,
  type Made,
  type MadeIndex,
  type MadeTarget,
  makeIndex,
  ownTarget,
  provenanceOf,
  wholeTargets,
} from '#engine/build-indexed.ts';
import { CREATED, exportFiles, saveArchive } from '#engine/build-output-files.ts';
import { type Delivering, makeImages, nameByDigest, pushAll, type Wanted } from '#engine/build-output-images.ts';
import { imageUsers } from '#engine/images.ts';
import { dropTransient } from '#image/transient.ts';
import { type Descriptor, MEDIA } from '#oci/manifest.ts';
import { inOrder } from '#oci/platform.ts';
import { canonical, parseReference } from '#oci/reference.ts';
import type { Store } from '#store/store.ts';
import { randomHex } from '#sys/random.ts';

type Image = Extract<BuildOutput, { type: 'image' }>;

function wantedOf({ outputs }: BuildRequest, plan: Plan): Wanted {
  const staying = outputs.filter((output): output is Image => output.type === 'image' && !isPassing(output));
  return {
    kept: staying.length === 0 ? -1 : ownTarget(plan),
    names: [...new Set(staying.flatMap((output) => output.names.map(fullName)))],
  };
}

const makesImage = ({ type }: BuildOutput): boolean => type === 'image' || type === 'docker' || type === 'oci';
const isPassing = (output: BuildOutput): boolean =>
  output.type === 'image' && (output.stored === false || output.byDigest === true);
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
  const wanted = wantedOf(request, delivery.plan);
  const isPassed = request.outputs.some(makesImage) && (wanted.kept < 0 || delivery.plan.targets.length > 1);
  const forget = async () => {
    transient.dispose();
    if (isPassed) await dropTransient(store, () => imageUsers(store));
  };
  try {
    const result = await handAllOut(store, request, { ...delivery, ...wanted, transient });
    await forget();
    return result;
  } catch (error) {
    // What went wrong is told; what is left then goes with the next such build.
    await forget().catch(() => undefined);
    throw error;
  }
}

async function handAllOut(store: Store, request: BuildRequest, delivery: Delivering & Wanted): Promise<BuildResult> {
  const { outputs } = request;
  const found = outputs.some(makesImage) ? await makeImages(store, request, delivery) : [];
  const isWhole = outputs.some((output) => isFormed(requestFor(request, output)));
  const targets = isWhole ? await wholeTargets(store, request, found, delivery.abort) : found;
  const { plan, bases, started } = delivery;
  const origins = { plan, bases, times: { id: randomHex(12), started, finished: Date.now() } };
  const created = new Date(request.epoch === undefined ? Date.now() : request.epoch * 1000);
  const dated = created.toISOString().replace(/\.\d+Z$/, 'Z');
  const first = targets[delivery.kept] ?? targets[0];
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
