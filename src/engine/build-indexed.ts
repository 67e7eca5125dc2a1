/** What is made of images beside the images themselves: an index of them, with what is said about each; and where it goes. */
import { WherryError } from '#base/error.ts';
import { given } from '#base/given.ts';
import type { Progress } from '#base/progress.ts';
import type { Report } from '#build/event.ts';
import { type BuildTimes, type Material, predicateOf, wholePredicate } from '#build/provenance.ts';
import type { BuildRequest, BuiltTarget, Provenance } from '#build/request.ts';
import type { Solution } from '#build/solve/solve.ts';
import type { Plan } from '#build/vertex.ts';
import type { Bases } from '#engine/build-images.ts';
import { annotationsOf, type BuiltIndex, indexOf, materialsOf, needsIndex } from '#engine/build-index.ts';
import { holdImage } from '#image/catalog.ts';
import { pushIndex } from '#image/push.ts';
import { makeWhole } from '#image/whole.ts';
import { digestOf } from '#oci/digest.ts';
import type { Descriptor, Manifest, Platform } from '#oci/manifest.ts';
import { hostPlatform, matches } from '#oci/platform.ts';
import type { Document } from '#oci/push.ts';
import { canonical, familiar, parseReference, withDefaultTag } from '#oci/reference.ts';
import { putBlob, readBlob } from '#store/blobs.ts';
import type { Store } from '#store/store.ts';

/** Throws kind `invalid` in buildx's words for what is no name. */
export function fullName(text: string): string {
  try {
    return canonical(withDefaultTag(parseReference(text)));
  } catch (cause) {
    if (!(cause instanceof WherryError)) throw cause;
    throw new WherryError('invalid', `invalid tag "${text}": ${cause.message}`, { cause });
  }
}

/** The target that this machine runs, which the names in the store are for; the first where it runs none. */
export function ownTarget({ targets }: Plan): number {
  const host = hostPlatform();
  return Math.max(
    0,
    targets.findIndex(({ platform }) => matches(host, platform)),
  );
}

/** What a build and its materials are. */
export interface Origins {
  plan: Plan;
  bases: Bases;
  /** The same wherever something is said about the build. */
  times: BuildTimes;
}

/** What is to be handed out, and how. */
export interface Delivery extends Omit<Origins, 'times'> {
  /** Milliseconds since the epoch: when the build began. */
  started: number;
  solution: Solution;
  report: Report;
  abort?: AbortSignal | undefined;
  /** Where an archive goes that has no file: pieces that each are there until the call returns. */
  toStdout?: ((piece: Uint8Array) => void) | undefined;
}

export async function provenanceOf(request: BuildRequest, origins: Origins): Promise<Provenance[]> {
  const { plan, bases, times } = origins;
  const made: Provenance[] = [];
  for (const [at, { platform }] of plan.targets.entries()) {
    const materials = await materialsOf(plan, at, bases);
    const about = { plan, target: at, materials };
    const whole = wholePredicate(request, { ...about, times, layers: [] }, 'max');
    made.push({ platform, materials, predicate: predicateOf(request, about), whole });
  }
  return made;
}

/** An index names manifests by their bytes: those of images whose layers nobody has compressed yet change when it is done. */
export async function wholeTargets(
  store: Store,
  request: BuildRequest,
  targets: readonly MadeTarget[],
  abort?: AbortSignal,
): Promise<MadeTarget[]> {
  const whole: MadeTarget[] = [];
  for (const target of targets) {
    const digest = await makeWhole(store, target.manifest.digest, abort, request.packing);
    const { mediaType } = target.manifest;
    const document = annotated(request, target.platform, { bytes: readBlob(store, digest), mediaType, digest });
    const manifest = { ...target.manifest, digest: document.digest, size: document.bytes.length };
    whole.push({ ...target, digest: document.digest, manifest, document });
  }
  return whole;
}

/** An index as an archive and a push have it. */
export interface MadeIndex extends BuiltIndex {
  /** What a name means: the index, or the one manifest where none is needed. */
  top: Document;
  images: Document[];
}

type Indexed = Origins & { targets: readonly MadeTarget[] };

export async function makeIndex(request: BuildRequest, { plan, bases, times, targets }: Indexed): Promise<MadeIndex> {
  const names = request.outputs.flatMap((output) => ('names' in output ? output.names.map(fullName) : []));
  const materials: Material[][] = [];
  const attested = request.provenance === undefined ? [] : plan.targets.keys();
  for (const at of attested) materials.push(await materialsOf(plan, at, bases));
  const built = indexOf(request, { plan, targets, names: [...new Set(names)], materials, times });
  const images = targets.flatMap(({ document }) => document ?? []);
  const [only] = images;
  return { ...built, images, top: needsIndex(request) || only === undefined ? built.index : only };
}

/** document: the manifest as it is handed out, with what the user says about it. */
export type MadeTarget = BuiltTarget & { manifest: Descriptor; document?: Document };

/** The same when its images are there. created: RFC 3339, of archives. */
export type Made = Delivery & { targets: readonly MadeTarget[]; index: MadeIndex | undefined; created: string };

function annotated(request: BuildRequest, platform: Platform, document: Document): Document {
  const { annotations } = annotationsOf(request, 'manifest', platform);
  if (annotations === undefined) return document;
  const content: Manifest = JSON.parse(document.bytes.toString());
  const bytes = Buffer.from(JSON.stringify({ ...content, annotations: { ...content.annotations, ...annotations } }));
  return { ...document, bytes, digest: digestOf(bytes) };
}

interface PushedIndex {
  /** The name is a repository's, which gets no tag. */
  byDigest: boolean;
  targets: readonly MadeTarget[];
  index: MadeIndex;
  progress: (event: Progress) => void;
  abort: AbortSignal | undefined;
}

/** What is said about images goes through the store, from where blobs are sent; held so that nobody takes it for waste. */
export async function pushBuilt(
  store: Store,
  name: string,
  { targets, index, byDigest, progress, abort }: PushedIndex,
): Promise<void> {
  const blobs = index.blobs.map(({ mediaType, digest, bytes }) => ({ mediaType, digest, size: bytes.length }));
  using _held = await holdImage(store, { blobs: blobs.map(({ digest }) => digest), diffIds: [] });
  for (const { bytes, mediaType } of index.blobs) await putBlob(store, bytes, mediaType);
  const { top, manifests } = index;
  const images = targets.flatMap(({ imageId: id, document }) =>
    document === undefined ? [] : [{ id, manifest: document }],
  );
  const wanted = { images, top, manifests, blobs, byDigest };
  await pushIndex(store, familiar(parseReference(name)), wanted, { progress, ...given({ abort }) });
}
