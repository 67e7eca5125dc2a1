/** Push: what the registry lacks of an image goes there, byte for byte as it came; then its manifest. */
import { WherryError } from '#base/error.ts';
import { formatPlatform } from '#base/platform.ts';
import type { Progress } from '#base/progress.ts';
import { changeCatalog, readCatalog, withNames } from '#image/catalog.ts';
import { recordImageEvent } from '#image/event.ts';
import { type Image, needImage } from '#image/names.ts';
import { type Part, pushBlobs, type Session } from '#image/push-blobs.ts';
import { makeWhole } from '#image/whole.ts';
import type { Descriptor, Manifest } from '#oci/manifest.ts';
import { matches, parsePlatform } from '#oci/platform.ts';
import { type Document, putManifest } from '#oci/push.ts';
import {
  canonical,
  familiar,
  familiarName,
  parseReference,
  type Reference,
  repositoryOf,
  withDefaultTag,
} from '#oci/reference.ts';
import { listReferrer } from '#oci/referrers.ts';
import type { Registry } from '#oci/registry.ts';
import { openTarget } from '#oci/sources.ts';
import { readBlob } from '#store/blobs.ts';
import { hexOf } from '#store/digest.ts';
import type { Store } from '#store/store.ts';

export interface PushOptions {
  /** Every tag that the repository has here. */
  allTags?: boolean;
  /** os[/architecture[/variant]]: only an image for it. */
  platform?: string;
  progress?: (event: Progress) => void;
  abort?: AbortSignal;
}

/**
 * Pushes an image, or all images of a repository. Layers that the registry has anywhere are not sent again.
 * Throws Docker's errors: kind `invalid` for the name, `not-found` when there is no such image here, `denied` and
 * `unavailable` from the registry, `corrupt` when the store is damaged or the registry has got another content.
 */
export async function pushImage(store: Store, text: string, options: PushOptions = {}): Promise<void> {
  const { allTags = false, platform, progress = () => undefined, abort } = options;
  const asked = checkName(text, allTags);
  if (platform) needPlatform(store, asked, platform);
  progress({ kind: 'message', text: `The push refers to repository [${repositoryOf(asked)}]` });
  const references = pushedNames(store, asked, allTags);
  await withSession(store, asked, { progress, abort }, async (session) => {
    for (const reference of references) await pushOne(session, reference);
    const labels = allTags ? undefined : needImage(store, canonical(asked)).config.config?.Labels;
    recordImageEvent(store, 'push', { id: familiar(asked), name: familiarName(asked), labels });
  });
}

interface SessionOptions {
  progress: (event: Progress) => void;
  abort: AbortSignal | undefined;
}

/** With the registry of a name open. The first error of several at work ends the others. */
async function withSession(
  store: Store,
  asked: Reference,
  { progress: say, abort }: SessionOptions,
  work: (session: Session) => Promise<void>,
): Promise<void> {
  const stop = new AbortController();
  const forward = () => stop.abort(abort?.reason);
  abort?.throwIfAborted();
  abort?.addEventListener('abort', forward, { once: true });
  let registry: Registry | undefined;
  try {
    registry = await openTarget(asked, { abort: stop.signal });
    await work({ store, registry, say, stop });
  } finally {
    abort?.removeEventListener('abort', forward);
    await registry?.close();
  }
}

/** Throws kind `invalid`, in Docker's words, which lack a colon, for what names no platform. */
export function checkPlatform(text: string): void {
  try {
    parsePlatform(text);
  } catch (cause) {
    if (!(cause instanceof WherryError)) throw cause;
    throw new WherryError('invalid', `Invalid platform ${text}${cause.message}`, { cause });
  }
}

function checkName(text: string, allTags: boolean): Reference {
  const reference = parseReference(text);
  if (reference.digest !== undefined) throw new WherryError('invalid', 'cannot push a digest reference');
  if (!allTags) return withDefaultTag(reference);
  if (reference.tag !== undefined) throw new WherryError('invalid', "tag can't be used with --all-tags/-a");
  return reference;
}

function needPlatform(store: Store, reference: Reference, text: string): void {
  const wanted = parsePlatform(text);
  const { config } = needImage(store, canonical(withDefaultTag(reference)));
  if (matches(wanted, config)) return;
  const is = `its platform (${formatPlatform(config)}) does not match the specified platform (${formatPlatform(wanted)})`;
  throw new WherryError('not-found', `image with reference ${familiar(reference)} was found but ${is}`);
}

function pushedNames(store: Store, asked: Reference, allTags: boolean): Reference[] {
  const repository = repositoryOf(asked);
  const names = readCatalog(store).flatMap(({ name }) => name ?? []);
  const own = names.filter((name) => name.startsWith(`${repository}:`) || name.startsWith(`${repository}@`));
  const absent = (what: string) => new WherryError('not-found', what);
  if (own.length === 0) throw absent(`An image does not exist locally with the tag: ${familiarName(asked)}`);
  if (!allTags) {
    if (own.includes(canonical(asked))) return [asked];
    throw absent(`tag does not exist: ${familiar(asked)}`);
  }
  const tagged = own.filter((name) => !name.includes('@')).sort();
  if (tagged.length === 0) throw absent(`no tags to push for ${familiarName(asked)}`);
  return tagged.map(parseReference);
}

/** Images that are here, by their IDs, and documents beside them, under one name as an index. */
export interface IndexedImages {
  /** Each with the manifest that it gets there. */
  images: readonly { id: string; manifest: Document }[];
  /** What the name means: an index, or the manifest of the one image. */
  top: Document;
  /** Manifests that the index names beside the images', and what those name; blobs are in the store. */
  manifests: readonly Document[];
  blobs: readonly Descriptor[];
  /** The top one is there under its digest alone. */
  byDigest?: boolean;
}

/** Pushes them to a name that needs none of them here; the index last. Throws as pushImage(). */
export async function pushIndex(
  store: Store,
  text: string,
  { images, top, manifests, blobs, byDigest = false }: IndexedImages,
  { progress = () => undefined, abort }: Pick<PushOptions, 'progress' | 'abort'> = {},
): Promise<void> {
  const asked = checkName(text, false);
  const { domain, path } = asked;
  await withSession(store, asked, { progress, abort }, async (session) => {
    for (const { id } of images) await pushParts(session, { domain, path }, () => needImage(store, id));
    const parts = blobs.map((blob) => ({ blob, report: () => undefined }));
    if (parts.length > 0) await pushBlobs(session, { domain, path }, parts);
    for (const manifest of [...images.map((image) => image.manifest), ...manifests]) {
      if (manifest.digest !== top.digest) await putManifest(session.registry, { domain, path }, manifest);
    }
    await putManifest(session.registry, byDigest ? { domain, path } : asked, top);
  });
}

/** Pushes all that an image's manifest names. @returns the image as it is then, with its manifest */
async function pushParts(session: Session, reference: Reference, find: () => Image) {
  const { store, stop } = session;
  await makeWhole(store, find().manifest.digest, stop.signal);
  const image = find();
  const { digest, mediaType } = image.manifest;
  const bytes = readBlob(store, digest);
  const { config }: Manifest = JSON.parse(bytes.toString());
  await pushBlobs(session, reference, [...announce(session, image), { blob: config, report: () => undefined }]);
  return { image, document: { bytes, mediaType, digest } };
}

async function pushOne(session: Session, reference: Reference): Promise<void> {
  const { store, registry, say } = session;
  const { image, document } = await pushParts(session, reference, () => needImage(store, canonical(reference)));
  const listed = await putManifest(registry, reference, document);
  if (listed === undefined) await listReferrer(registry, reference, document);
  await rememberDigest(store, reference, image);
  say({ kind: 'message', text: `${reference.tag}: digest: ${document.digest} size: ${document.bytes.length}` });
}

/** Docker's first lines: each layer once, the topmost first. Layers that only their owner may hand out stay here. */
function announce({ say }: Session, { layers, diffIds }: Image): Part[] {
  const parts = new Map<string, Part>();
  for (const [at, blob] of [...layers.entries()].reverse()) {
    if (parts.has(blob.digest)) continue;
    const id = hexOf(diffIds[at] ?? blob.digest).slice(0, 12);
    const report: Part['report'] = (status, current) =>
      say({ kind: 'layer', id, status, ...(current === undefined ? {} : { current, total: blob.size }) });
    report('Preparing');
    parts.set(blob.digest, { blob, report });
  }
  return [...parts.values()].filter(({ blob, report }) => {
    const isForeign = /nondistributable|\.foreign\./.test(blob.mediaType);
    if (isForeign) report('Skipped foreign layer');
    return !isForeign;
  });
}

/** As Docker: from now on the image is known by this repository's digest, too, and its layers to be there. */
async function rememberDigest(store: Store, reference: Reference, { id, manifest }: Image): Promise<void> {
  const name = `${repositoryOf(reference)}@${manifest.digest}`;
  if (readCatalog(store).some((entry) => entry.name === name)) return;
  await changeCatalog(store, (entries) => {
    const own = entries.find((entry) => entry.id === id && entry.manifest.digest === manifest.digest);
    return own === undefined ? undefined : withNames(entries, own, [name]);
  });
}
