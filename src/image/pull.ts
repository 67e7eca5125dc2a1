/** Pull: a name becomes a manifest, the manifest that of this platform, its layers trees in the store. */
import { WherryError } from '#base/error.ts';
import { formatPlatform } from '#base/platform.ts';
import { shortId } from '#base/text.ts';
import { together } from '#base/together.ts';
import { changeCatalog, holdImage, readCatalog, withNames } from '#image/catalog.ts';
import { recordImageEvent } from '#image/event.ts';
import { bringLayer, isPresent, type Layer, layersOf } from '#image/layers.ts';
import { type Image, needImage } from '#image/names.ts';
import { type RemoteImage, resolveRemote } from '#image/resolve.ts';
import { fromFirst, type Pull, type PullOptions, type Session, withPull } from '#image/session.ts';
import { layerSizes } from '#image/sizes.ts';
import { unchanged } from '#image/unchanged.ts';
import { type Demand, demandsOn, verifyImage } from '#image/verify.ts';
import type { ImageConfig } from '#oci/manifest.ts';
import { matches } from '#oci/platform.ts';
import {
  canonical,
  familiar,
  familiarName,
  nameOnly,
  parseReference,
  type Reference,
  repositoryOf,
  withDefaultTag,
} from '#oci/reference.ts';
import { download } from '#oci/transfer.ts';
import { hasBlob, putBlob, readBlob } from '#store/blobs.ts';
import type { Store } from '#store/store.ts';

export interface Pulled {
  image: Image;
  /** Of what the registry has under the name: an index, or a manifest. */
  digest: string;
  /** Canonical, as it was asked for. */
  reference: string;
  upToDate: boolean;
}

/** As Docker: more at once gain nothing where the disk or the processors are the bound. */
const LAYERS_AT_ONCE = 3;

/**
 * Pulls one image by its name. What is there already is not fetched again; the name appears when all of it is there.
 * Throws Docker's errors: kind `invalid` for the name, `not-found` and `denied` from the registry, `unavailable`
 * when it can't be reached, `corrupt` when what it sends is not what it promised.
 */
export async function pullImage(store: Store, text: string, options: PullOptions = {}): Promise<Pulled> {
  const reference = withDefaultTag(parseReference(text));
  options.progress?.({ kind: 'resolving', reference: familiar(reference) });
  const isNew = !readCatalog(store).some((entry) => entry.name === canonical(nameOnly(reference)));
  return withPull(store, text, { ...options, isNew }, async (pull) => {
    const pulled = await pullOne(pull, reference);
    sayStatus(pull, pulled.upToDate, familiar(nameOnly(reference)));
    notePull(store, reference, pulled.image);
    return pulled;
  });
}

/** Pulls every tag of a repository (`pull --all-tags`). The text is a name without tag and digest. */
export async function pullAllTags(store: Store, text: string, options: PullOptions = {}): Promise<Pulled[]> {
  const reference = parseReference(text);
  if (reference.tag !== undefined || reference.digest !== undefined) {
    throw new WherryError('invalid', "tag can't be used with --all-tags/-a");
  }
  options.progress?.({ kind: 'resolving', reference: familiar(reference) });
  return withPull(store, text, options, async (pull) => {
    const pulled: Pulled[] = [];
    for (const tag of await allTags(pull, reference)) pulled.push(await pullOne(pull, { ...reference, tag }));
    sayStatus(
      pull,
      pulled.every((one) => one.upToDate),
      familiarName(reference),
    );
    notePull(store, reference);
    return pulled;
  });
}

function notePull(store: Store, reference: Reference, image?: Image): void {
  const labels = image?.config.config?.Labels;
  recordImageEvent(store, 'pull', { id: familiar(reference), name: familiarName(reference), labels });
}

/** A mirror need not have all of them: the registry itself is asked. */
async function allTags(pull: Pull, reference: Reference): Promise<string[]> {
  const registry = pull.found.sources(reference).filter((source) => !source.mirror);
  return fromFirst(pull, registry, ({ registry }) => registry.tags(reference));
}

function sayStatus({ say }: Pick<Session, 'say'>, upToDate: boolean, name: string): void {
  const text = upToDate ? `Status: Image is up to date for ${name}` : `Status: Downloaded newer image for ${name}`;
  say({ kind: 'message', text });
}

/** An image's settings as a registry has them; nothing is kept, no layer is fetched. Throws as a pull. */
export async function peekConfig(store: Store, text: string, options: PullOptions = {}): Promise<ImageConfig> {
  const reference = nameOnly(withDefaultTag(parseReference(text)));
  return withPull(store, text, options, (pull) =>
    fromFirst(pull, pull.found.sources(reference), async (session) => (await resolve(session, reference)).config),
  );
}

/** Mirrors first, where the user has some; what is here of one of them need not come from the next. */
async function pullOne(pull: Pull, asked: Reference): Promise<Pulled> {
  const reference = nameOnly(asked);
  const sources = pull.found.sources(reference);
  const demands = await demandsOn(pull.found.origin(reference), pull.verifyKey);
  return fromFirst(pull, sources, (session) => pullFrom(session, asked, demands));
}

async function pullFrom(session: Session, asked: Reference, demands: readonly Demand[]): Promise<Pulled> {
  const { store, registry, say, found } = session;
  const reference = nameOnly(asked);
  const remote = (await unchanged(session, reference)) ?? (await resolve(session, reference));
  say({ kind: 'message', id: reference.tag ?? familiar(reference), text: `Pulling from ${reference.path}` });
  if (remote.config.os !== 'linux') {
    throw new WherryError(
      'unsupported',
      `image operating system "${remote.config.os}" cannot be used on this platform: operating system is not supported`,
    );
  }
  const suspect = {
    asked: reference,
    origin: found.origin(reference),
    digests: [remote.digest, remote.descriptor.digest],
  };
  await verifyImage(registry, suspect, demands);
  const names = [canonical(reference)];
  const byDigest = `${repositoryOf(reference)}@${remote.digest}`;
  if (reference.digest === undefined) names.push(byDigest);
  const upToDate = await isUpToDate(store, remote, names);
  if (!upToDate) await bringAll(session, reference, { remote, names });
  say({ kind: 'message', text: `Digest: ${remote.digest}` });
  warnOfPlatform(session, reference, remote);
  const image = needImage(store, names[0] ?? byDigest);
  return { image, digest: remote.digest, reference: canonical(asked), upToDate };
}

async function resolve({ store, registry, platform }: Session, reference: Reference): Promise<RemoteImage> {
  const top = await registry.manifest(reference);
  const known = (digest: string) => (hasBlob(store, digest) ? readBlob(store, digest) : undefined);
  return resolveRemote(registry, reference, { top, platform, known });
}

function warnOfPlatform({ platform, explicit, say }: Session, reference: Reference, { config }: RemoteImage): void {
  if (!explicit || matches(platform, config)) return;
  const is = `its platform (${formatPlatform(config)}) does not match the specified platform (${formatPlatform(platform)})`;
  say({ kind: 'message', text: `WARNING: image with reference ${familiar(reference)} was found but ${is}` });
}

async function isUpToDate(store: Store, remote: RemoteImage, names: readonly string[]): Promise<boolean> {
  const entries = readCatalog(store);
  const bound = (name: string) =>
    entries.some((entry) => entry.name === name && entry.manifest.digest === remote.descriptor.digest);
  return names.every(bound) && isWhole(store, remote);
}

function isWhole(store: Store, remote: RemoteImage): boolean {
  const { descriptor, manifest } = remote;
  const documents = [descriptor.digest, manifest.config.digest];
  return (
    documents.every((digest) => hasBlob(store, digest)) && layersOf(remote).every((layer) => isPresent(store, layer))
  );
}

interface Wanted {
  remote: RemoteImage;
  names: string[];
}

/**
 * Layers, documents, then the name. Nobody removes what is held meanwhile; what damage takes away all the same is
 * brought again.
 */
async function bringAll(session: Session, reference: Reference, { remote, names }: Wanted): Promise<void> {
  const { store } = session;
  const { descriptor, manifest, manifestBytes, configBytes, config } = remote;
  const unpacked = new Map<string, number>();
  const blobs = [descriptor.digest, manifest.config.digest, ...manifest.layers.map((layer) => layer.digest)];
  using _held = await holdImage(store, { blobs, diffIds: config.rootfs.diff_ids });
  for (let whole = false; !whole; ) {
    await bringLayers(session, reference, { layers: layersOf(remote), unpacked });
    await putBlob(store, configBytes, manifest.config.mediaType);
    await putBlob(store, manifestBytes, descriptor.mediaType);
    const sizes = layerSizes(store, config.rootfs.diff_ids, unpacked);
    await changeCatalog(store, (entries) => {
      whole = isWhole(store, remote);
      const image = { manifest: descriptor, id: manifest.config.digest, sizes, created: config.created };
      return whole ? withNames(entries, image, names) : undefined;
    });
  }
}

/** Brings all layers, a few at once. The first error ends the others and is thrown when they have ended. */
async function bringLayers(
  session: Session,
  reference: Reference,
  { layers, unpacked }: { layers: Layer[]; unpacked: Map<string, number> },
): Promise<void> {
  const { store, registry, say, stop, unpacker } = session;
  const options = {
    unpacker,
    progress: say,
    abort: stop.signal,
    source: (blob: Layer['blob']) => download(registry, reference, blob),
  };
  await together(announce(session, layers), { limit: LAYERS_AT_ONCE, stop }, async (layer) => {
    const size = await bringLayer(store, layer, options);
    if (size !== undefined) unpacked.set(layer.diffId, size);
  });
}

/**
 * Docker's first lines: each layer once, what is there and what is to come. Gives what is to come, the largest first:
 * begun last, it would be waited for alone.
 */
function announce({ store, say }: Session, layers: readonly Layer[]): Layer[] {
  const distinct = new Map(layers.map((layer) => [layer.blob.digest, layer]));
  const missing = [...distinct.values()].filter((layer) => !isPresent(store, layer));
  missing.sort((a, b) => b.blob.size - a.blob.size);
  const wanted = new Set(missing);
  for (const layer of distinct.values()) {
    const id = shortId(layer.blob.digest);
    say({ kind: 'layer', id, status: wanted.has(layer) ? 'Pulling fs layer' : 'Already exists' });
  }
  for (const { blob } of missing.slice(LAYERS_AT_ONCE)) {
    say({ kind: 'layer', id: shortId(blob.digest), status: 'Waiting' });
  }
  return missing;
}
