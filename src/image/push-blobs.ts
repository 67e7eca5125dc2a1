/** The blobs of a push: what the repository lacks is mounted from another one there, else uploaded. */
import { createReadStream } from 'node:fs';
import { WherryError } from '#base/error.ts';
import type { LayerStatus, Progress } from '#base/progress.ts';
import { together } from '#base/together.ts';
import { holdImage, readCatalog } from '#image/catalog.ts';
import { mountSources } from '#image/sources.ts';
import type { Descriptor } from '#oci/manifest.ts';
import { cancelUpload, hasRemoteBlob, mountBlob } from '#oci/push.ts';
import { type Reference, repositoryOf } from '#oci/reference.ts';
import type { Registry } from '#oci/registry.ts';
import { uploadBlob } from '#oci/upload.ts';
import { blobPath, hasBlob } from '#store/blobs.ts';
import type { Store } from '#store/store.ts';

/** As Docker. */
const UPLOADS_AT_ONCE = 5;
/** Questions cost the registry little. */
const QUESTIONS_AT_ONCE = 64;
/** Repositories that are asked for a blob before it is uploaded. */
const MOUNT_TRIES = 3;

/** One push. */
export interface Session {
  store: Store;
  registry: Registry;
  say: (event: Progress) => void;
  stop: AbortController;
}

/** One blob to push, and who is told of it. */
export interface Part {
  blob: Descriptor;
  report: (status: LayerStatus, current?: number) => void;
}

interface Upload extends Part {
  /** An upload that a mount which could not be done has begun. */
  session: URL | undefined;
}

/** First everything is asked for at once; what the registry has nowhere is uploaded, the largest first. */
export async function pushBlobs(session: Session, reference: Reference, parts: readonly Part[]): Promise<void> {
  const { store, stop } = session;
  const missing: Upload[] = [];
  const elsewhere = mountSources(store, reference);
  const byDigest = `${repositoryOf(reference)}@`;
  const isKnown = readCatalog(store).some(({ name }) => name?.startsWith(byDigest));
  await together(parts, { limit: QUESTIONS_AT_ONCE, stop }, async (part) => {
    const sources = elsewhere(part.blob.digest);
    const found = await findThere(session, reference, { part, sources, isKnown });
    if (found !== true) missing.push({ ...part, session: found });
  });
  if (missing.length === 0) return;
  // An image may be removed while it is pushed; its blobs then go when they have been read.
  using _held = await holdImage(store, { blobs: missing.map(({ blob }) => blob.digest), diffIds: [] });
  missing.sort((a, b) => b.blob.size - a.blob.size);
  for (const { report } of missing.slice(UPLOADS_AT_ONCE)) report('Waiting');
  await together(missing, { limit: UPLOADS_AT_ONCE, stop }, (upload) => sendBlob(session, reference, upload));
}

type Question = { part: Part; sources: readonly Reference[]; isKnown: boolean };

/**
 * True when the repository has it by now; else the upload that the registry may have begun. A repository that nothing is
 * known of is not asked first, where another one should have the blob: to mount it is one question, too.
 */
async function findThere(session: Session, reference: Reference, question: Question): Promise<true | URL | undefined> {
  const { part, sources, isKnown } = question;
  const isThere = async () => {
    const found = await hasRemoteBlob(session.registry, reference, part.blob.digest);
    if (found) part.report('Layer already exists');
    return found;
  };
  if ((isKnown || sources.length === 0) && (await isThere())) return true;
  const begun = await mount(session, reference, question);
  if (begun === true || isKnown || sources.length === 0 || !(await isThere())) return begun;
  if (begun !== undefined) await cancelUpload(session.registry, reference, begun);
  return true;
}

async function mount(
  { registry }: Session,
  reference: Reference,
  { part: { blob, report }, sources }: Question,
): Promise<true | URL | undefined> {
  let begun: URL | undefined;
  for (const from of sources.slice(0, MOUNT_TRIES)) {
    const { mounted, session } = await mountBlob(registry, reference, { digest: blob.digest, from });
    if (begun !== undefined && (mounted || session !== undefined)) await cancelUpload(registry, reference, begun);
    begun = session ?? begun;
    if (!mounted) continue;
    report(`Mounted from ${from.path}`);
    return true;
  }
  return begun;
}

/** Frequent counts are thinned out: a terminal can't show more. */
const SHOW_EVERY = 80;

async function sendBlob(
  { store, registry }: Session,
  reference: Reference,
  { blob, report, session }: Upload,
): Promise<void> {
  const { digest, size } = blob;
  if (!hasBlob(store, digest)) {
    throw new WherryError('corrupt', `Cannot push the blob ${digest}: it is not in the store`, {
      hint: 'Pull the image again',
    });
  }
  let shown = 0;
  const sent = (bytes: number) => {
    if (Date.now() - shown < SHOW_EVERY) return;
    shown = Date.now();
    report('Pushing', bytes);
  };
  const open = (start: number, end: number) =>
    createReadStream(blobPath(store, digest), { start, end: end - 1, highWaterMark: 256 * 1024 });
  report('Pushing', 0);
  await uploadBlob(registry, reference, { digest, size, open }, { session, sent });
  report('Pushed');
}
