/** Pull: a name becomes a manifest, the manifest that of this platform, its layers trees in the store. */
import { WherryError } from '#base/error.ts';
import type { Progress } from '#base/progress.ts';
import { changeCatalog, readCatalog, withNames } from '#image/catalog.ts';
import { bringLayer, isPresent, type Layer } from '#image/layers.ts';
import { type Image, needImage } from '#image/names.ts';
import { type RemoteImage, resolveRemote } from '#image/resolve.ts';
import { layerSizes } from '#image/sizes.ts';
import { credentialsFor } from '#oci/auth.ts';
import type { Platform } from '#oci/manifest.ts';
import { formatPlatform, hostPlatform, matches, parsePlatform } from '#oci/platform.ts';
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
import { openRegistry, type Registry } from '#oci/registry.ts';
import { download } from '#oci/transfer.ts';
import { hasBlob, putBlob, readBlob } from '#store/blobs.ts';
import type { Store } from '#store/store.ts';
import { sweep } from '#store/sweep.ts';
import { openUnpacker, type Unpacker } from '#store/unpack.ts';

export interface PullOptions {
  /** os[/architecture[/variant]]; this machine's when absent. */
  platform?: string;
  progress?: (event: Progress) => void;
  abort?: AbortSignal;
}

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
  return withSession(store, reference, { ...options, isNew }, async (session) => {
    const pulled = await pullOne(session, reference);
    sayStatus(session, pulled.upToDate, familiar(nameOnly(reference)));
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
  return withSession(store, reference, options, async (session) => {
    const pulled: Pulled[] = [];
    for (const tag of await session.registry.tags(reference)) {
      pulled.push(await pullOne(session, { ...reference, tag }));
    }
    sayStatus(
      session,
      pulled.every((one) => one.upToDate),
      familiarName(reference),
    );
    return pulled;
  });
}

/** Does the name lack a tag, so that Docker says which one it takes? Throws kind `invalid` when it is no name. */
export function lacksTag(text: string): boolean {
  const { tag, digest } = parseReference(text);
  return tag === undefined && digest === undefined;
}

/** The name as `pull` prints it in the end. */
export function fullName(text: string, { allTags = false } = {}): string {
  const reference = parseReference(text);
  return allTags ? repositoryOf(reference) : canonical(withDefaultTag(reference));
}

/** What one call of pull shares between its steps. */
interface Session {
  store: Store;
  registry: Registry;
  platform: Platform;
  /** Did the user ask for this platform? */
  explicit: boolean;
  say: (event: Progress) => void;
  unpacker: () => Unpacker;
  /** Ends everything that runs for this pull. */
  stop: AbortController;
}

async function withSession<T>(
  store: Store,
  { domain }: Reference,
  { platform, progress, abort, isNew = false }: PullOptions & { isNew?: boolean },
  work: (session: Session) => Promise<T>,
): Promise<T> {
  const wanted = platform ? parsePlatform(platform) : hostPlatform();
  const stop = new AbortController();
  const forward = () => stop.abort(abort?.reason);
  abort?.throwIfAborted();
  abort?.addEventListener('abort', forward, { once: true });
  // What is not here yet will be unpacked: the child starts while we and the registry get ready.
  let unpacking = isNew ? openUnpacker(store) : undefined;
  const unpacker = () => {
    unpacking ??= openUnpacker(store);
    return unpacking;
  };
  const say = (event: Progress) => progress?.(event);
  let registry: Registry | undefined;
  try {
    // Who brings new things in makes room first: what a killed pull left goes.
    const [credentials] = await Promise.all([credentialsFor(domain), sweep(store)]);
    registry = await openRegistry(domain, { credentials, abort: stop.signal });
    return await work({ store, registry, platform: wanted, explicit: Boolean(platform), say, unpacker, stop });
  } finally {
    abort?.removeEventListener('abort', forward);
    unpacking?.close();
    await registry?.close();
  }
}

function sayStatus({ say }: Session, upToDate: boolean, name: string): void {
  const text = upToDate ? `Status: Image is up to date for ${name}` : `Status: Downloaded newer image for ${name}`;
  say({ kind: 'message', text });
}

async function pullOne(session: Session, asked: Reference): Promise<Pulled> {
  const { store, registry, platform, say } = session;
  const reference = nameOnly(asked);
  const top = await registry.manifest(reference);
  say({ kind: 'message', id: reference.tag ?? familiar(reference), text: `Pulling from ${reference.path}` });
  const known = (digest: string) => (hasBlob(store, digest) ? readBlob(store, digest) : undefined);
  const remote = await resolveRemote(registry, reference, { top, platform, known });
  if (remote.config.os !== 'linux') {
    throw new WherryError(
      'unsupported',
      `image operating system "${remote.config.os}" cannot be used on this platform`,
    );
  }
  const names = [canonical(reference)];
  const byDigest = `${repositoryOf(reference)}@${top.digest}`;
  if (reference.digest === undefined) names.push(byDigest);
  const upToDate = await isUpToDate(store, remote, names);
  if (!upToDate) await bringAll(session, reference, { remote, names });
  say({ kind: 'message', text: `Digest: ${top.digest}` });
  warnOfPlatform(session, reference, remote);
  const image = needImage(store, names[0] ?? byDigest);
  return { image, digest: top.digest, reference: canonical(asked), upToDate };
}

function warnOfPlatform({ platform, explicit, say }: Session, reference: Reference, { config }: RemoteImage): void {
  if (!explicit || matches(platform, config)) return;
  const is = `its platform (${formatPlatform(config)}) does not match the specified platform (${formatPlatform(platform)})`;
  say({ kind: 'message', text: `WARNING: image with reference ${familiar(reference)} was found but ${is}` });
}

function layersOf({ manifest, config }: RemoteImage): Layer[] {
  return manifest.layers.map((blob, at) => ({ blob, diffId: config.rootfs.diff_ids[at] ?? '' }));
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

/** Layers, documents, then the name. Who removes images meanwhile may take a part away: then it is brought again. */
async function bringAll(session: Session, reference: Reference, { remote, names }: Wanted): Promise<void> {
  const { store } = session;
  const { descriptor, manifest, manifestBytes, configBytes, config } = remote;
  const unpacked = new Map<string, number>();
  for (let whole = false; !whole; ) {
    await bringLayers(session, reference, { layers: layersOf(remote), unpacked });
    await putBlob(store, configBytes, manifest.config.mediaType);
    await putBlob(store, manifestBytes, descriptor.mediaType);
    const sizes = layerSizes(store, config.rootfs.diff_ids, unpacked);
    await changeCatalog(store, (entries) => {
      whole = isWhole(store, remote);
      const image = { manifest: descriptor, id: manifest.config.digest, sizes };
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
  const waiting = announce(session, layers);
  const options = {
    unpacker,
    progress: say,
    abort: stop.signal,
    source: (blob: Layer['blob']) => download(registry, reference, blob),
  };
  const worker = async () => {
    for (let layer = waiting.shift(); layer !== undefined; layer = waiting.shift()) {
      try {
        const size = await bringLayer(store, layer, options);
        if (size !== undefined) unpacked.set(layer.diffId, size);
      } catch (error) {
        stop.abort(error);
        throw error;
      }
    }
  };
  const ended = await Promise.allSettled(Array.from({ length: LAYERS_AT_ONCE }, worker));
  stop.signal.throwIfAborted();
  for (const one of ended) if (one.status === 'rejected') throw one.reason;
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
    const id = layer.blob.digest.slice('sha256:'.length).slice(0, 12);
    say({ kind: 'layer', id, status: wanted.has(layer) ? 'Pulling fs layer' : 'Already exists' });
  }
  for (const { blob } of missing.slice(LAYERS_AT_ONCE)) {
    say({ kind: 'layer', id: blob.digest.slice('sha256:'.length).slice(0, 12), status: 'Waiting' });
  }
  return missing;
}
