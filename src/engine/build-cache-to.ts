/**
 * --cache-to: what the steps of a build have made, for builds elsewhere. Layers of base images are not in it: whoever looks a
 * step up has its base already. A layer is compressed where its blob is not there yet; its record keeps the digest.
 */
import { WherryError } from '#base/error.ts';
import { together } from '#base/together.ts';
import { parseBool } from '#base/units.ts';
import { CACHE_CONFIG, type CacheLayer, type CacheStep, cacheConfigOf } from '#build/cache-config.ts';
import type { Report } from '#build/event.ts';
import { step, type Tell } from '#build/progress.ts';
import type { CacheOptions } from '#build/request.ts';
import { findKept, noteBlob } from '#build/solve/cache.ts';
import type { SolvedLayer } from '#build/solve/means.ts';
import { brought } from '#build/solve/outside.ts';
import type { Solution } from '#build/solve/solve.ts';
import { layoutTarget, type Packed, registryTarget, type Target } from '#engine/build-cache-target.ts';
import { COMPRESSIONS, type Compression, layerType, type Packing } from '#oci/compression.ts';
import { describe } from '#oci/digest.ts';
import { type Descriptor, MEDIA } from '#oci/manifest.ts';
import { compressed } from '#store/compress.ts';
import { layerFiles } from '#store/layer-files.ts';
import { layerPath } from '#store/layers.ts';
import { packTree } from '#store/pack.ts';
import type { Store } from '#store/store.ts';

export interface CacheExport {
  solution: Pick<Solution, 'results' | 'steps'>;
  report: Report;
  abort?: AbortSignal | undefined;
  /** A path that is not there yet, in a directory that goes when the build has ended. */
  place: (name: string) => string;
}

/** Writes all but inline ones. Throws what a registry or a disk says, unless `ignore-error` is set. */
export async function exportCaches(store: Store, wanted: readonly CacheOptions[], made: CacheExport): Promise<void> {
  for (const options of wanted) {
    if (options.type === 'inline') continue;
    const where = options.type === 'local' ? 'client directory' : 'registry';
    const exporting = step(made.report, `exporting cache to ${where}`, ({ tell }) =>
      exportCache(store, options, { ...made, tell }),
    );
    if (parseBool(options['ignore-error'] ?? '') !== true) await exporting;
    else await exporting.catch((error: unknown) => ignore(error, made.abort));
  }
}

function ignore(error: unknown, abort: AbortSignal | undefined): void {
  abort?.throwIfAborted();
  if (!(error instanceof WherryError)) throw error;
}

/** As Docker's uploads. */
const AT_ONCE = 5;

async function exportCache(store: Store, options: CacheOptions, made: CacheExport & { tell: Tell }): Promise<void> {
  const { tell, abort } = made;
  tell('preparing build cache for export');
  const stop = new AbortController();
  const forward = () => stop.abort(abort?.reason);
  abort?.throwIfAborted();
  abort?.addEventListener('abort', forward, { once: true });
  const target = await (options.type === 'local' ? layoutTarget(options) : registryTarget(options, stop.signal));
  try {
    const steps = chosen(options, made.solution);
    const blobs = new Map<string, Descriptor>();
    const layers = new Map(steps.flatMap((one) => one.layers).map((layer) => [layer.diffId, layer]));
    const records = new Map(made.solution.steps.map(({ keys, layers }) => [layers.at(-1)?.diffId, keys[0]]));
    const writing = { store, target, options, place: made.place, abort: stop.signal };
    await together(layers.values(), { limit: AT_ONCE, stop }, async (layer) => {
      const blob = await writeLayer(writing, layer, records.get(layer.diffId));
      tell(`writing layer ${blob.digest}`, { done: true });
      blobs.set(layer.diffId, blob);
    });
    tell('preparing build cache for export', { done: true });
    await writeDocuments(target, options, { steps: steps.map((one) => asCacheStep(one, blobs)), tell });
  } finally {
    abort?.removeEventListener('abort', forward);
    await target.close();
  }
}

type Step = CacheStep<SolvedLayer>;

/** mode=min: only what is in the result; without their bases. */
function chosen({ mode = 'min' }: CacheOptions, { steps, results }: CacheExport['solution']): Step[] {
  const shipped = results.map((layers) => new Set(layers.map(({ diffId }) => diffId)));
  const isShipped = ({ layers }: Step) => shipped.some((one) => layers.every(({ diffId }) => one.has(diffId)));
  return (mode === 'max' ? steps : steps.filter(isShipped)).map(({ keys, layers }) => ({
    keys,
    layers: layers.filter(({ created }) => created !== undefined),
  }));
}

function asCacheStep({ keys, layers }: Step, blobs: ReadonlyMap<string, Descriptor>): CacheStep {
  return {
    keys,
    layers: layers.flatMap(({ diffId, created = '' }): CacheLayer[] => {
      const blob = blobs.get(diffId);
      return blob === undefined ? [] : [{ diffId, created, blob }];
    }),
  };
}

interface Writing {
  store: Store;
  target: Target;
  options: CacheOptions;
  place: CacheExport['place'];
  abort: AbortSignal;
}

/** A layer's blob, which the target has then. */
async function writeLayer(writing: Writing, layer: SolvedLayer, id: string | undefined): Promise<Descriptor> {
  const { store, target, options } = writing;
  const { kind, forced } = compressionIn(options);
  const mediaType = typeOf(options, kind);
  if (layer.bring !== undefined && !forced && (await target.has(layer.blob.digest))) return plain(layer.blob);
  const known = id === undefined || options['compression-level'] ? undefined : findKept(store, id)?.blobs?.[kind];
  if (known !== undefined && (await target.has(known.digest))) return { mediaType, ...known };
  await brought([layer]);
  const packed = await pack(writing, layer.diffId, kind);
  if (!(await target.has(packed.digest))) await target.write(packed);
  const { digest, size } = packed;
  if (id !== undefined) noteBlob(store, id, kind, { digest, size });
  return { mediaType, digest, size };
}

const plain = ({ mediaType, digest, size }: Descriptor): Descriptor => ({ mediaType, digest, size });

function compressionIn(options: CacheOptions): Packing {
  const kind = COMPRESSIONS.find((one) => one === options.compression) ?? 'gzip';
  return { kind, forced: parseBool(options['force-compression'] ?? '') === true };
}

const isOci = (options: CacheOptions) => parseBool(options['oci-mediatypes'] ?? '') !== false;
const isOneManifest = (options: CacheOptions) => parseBool(options['image-manifest'] ?? '') ?? isOci(options);

const DOCKER_LAYER = 'application/vnd.docker.image.rootfs.diff.tar';

function typeOf(options: CacheOptions, kind: Compression): string {
  if (isOci(options)) return layerType(kind);
  return kind === 'uncompressed' ? DOCKER_LAYER : `${DOCKER_LAYER}.${kind}`;
}

/** The archive of a layer as a file. */
async function pack(writing: Writing, diffId: string, kind: Compression): Promise<Packed> {
  const { store, place, options, abort } = writing;
  const { createHash } = await import('node:crypto');
  const { createWriteStream } = await import('node:fs');
  const { pipeline } = await import('node:stream/promises');
  const path = place(`cache-${diffId.slice('sha256:'.length)}-${kind}`);
  const level = options['compression-level'];
  const hash = createHash('sha256');
  let size = 0;
  async function* counted() {
    const files = packTree(layerFiles(layerPath(store, diffId)));
    for await (const piece of compressed(files, kind, level === undefined ? {} : { level: Number(level) })) {
      hash.update(piece);
      size += piece.length;
      yield piece;
    }
  }
  await pipeline(counted(), createWriteStream(path), { signal: abort });
  return { path, size, digest: `sha256:${hash.digest('hex')}` };
}

async function writeDocuments(
  target: Target,
  options: CacheOptions,
  { steps, tell }: { steps: readonly CacheStep[]; tell: Tell },
): Promise<void> {
  const content = cacheConfigOf(steps);
  const bytes = Buffer.from(JSON.stringify(content));
  const config = describe(CACHE_CONFIG, bytes);
  await target.writeDocument(bytes, config.digest);
  tell(`writing config ${config.digest}`, { done: true });
  const blobs = steps.flatMap((one) => one.layers.map(({ blob }) => blob));
  const layers = [
    ...new Map(content.layers.map(({ blob }) => [blob, blobs.find((one) => one.digest === blob)])),
  ].flatMap(([, blob]) => blob ?? []);
  const isOne = isOneManifest(options);
  const mediaType = isOne ? MEDIA.manifest : isOci(options) ? MEDIA.index : MEDIA.dockerList;
  const manifest = Buffer.from(
    JSON.stringify({
      schemaVersion: 2,
      mediaType,
      ...(isOne ? { config, layers } : { manifests: [...layers, config] }),
    }),
  );
  const { digest } = describe(mediaType, manifest);
  await target.name({ bytes: manifest, mediaType, digest });
  tell(`writing cache ${isOne ? 'image ' : ''}manifest ${digest}`, { done: true });
}
