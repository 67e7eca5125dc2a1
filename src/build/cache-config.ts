/**
 * A build cache outside of the store, in the shapes of BuildKit's cache/remotecache/v1 (doc.go, spec.go) and of its inline
 * caches. Pure. A record names what a step has made by the digest of a key; BuildKit's keys are digests of its own graph and
 * never meet ours, so that each side reads the other's caches and finds nothing it knows in them.
 */
import type { Compression } from '#oci/compression.ts';
import { type Descriptor, isDigest } from '#oci/manifest.ts';
import { isObject } from '#oci/shape.ts';

/** The media type of a cache's configuration. */
export const CACHE_CONFIG = 'application/vnd.buildkit.cacheconfig.v0';
/** The field of an image's configuration: records as JSON as base64; their layers are the image's. */
export const INLINE_CACHE = 'moby.buildkit.cache.v0';

/** One layer of a cache, as its manifest has it. */
export interface CacheLayer {
  diffId: string;
  blob: Descriptor;
  /** RFC 3339. */
  created: string;
}

/** How a layer is compressed, by its media type. */
export function compressionOf({ mediaType }: Descriptor): Compression {
  const [, kind = ''] = /(?:\+|\.tar\.)(gzip|zstd)$/.exec(mediaType) ?? [];
  return kind === 'gzip' || kind === 'zstd' ? kind : 'uncompressed';
}

/** What a step has made. */
export interface CacheStep<Layer = CacheLayer> {
  /** Hexadecimal: the record's own, which is that of the content, then another that means the same. */
  keys: readonly string[];
  /** The layers below that were built, and the step's own; lowest first, at least one. */
  layers: readonly Layer[];
}

interface ConfigLayer {
  blob: string;
  /** An index; -1: none. BuildKit leaves out 0. */
  parent?: number;
  annotations: { mediaType: string; diffID: string; size: number; createdAt: string };
}

interface ConfigRecord {
  /** What it has made, by its uppermost layer. */
  layers?: { layer: number; createdAt: string }[];
  /** The same, layer by layer, where they don't stand upon each other. */
  chains?: { layers: number[]; createdAt: string }[];
  digest: string;
  /** What it is made of; here: the record of the same content. */
  inputs?: { link: number }[][];
}

interface CacheConfig {
  layers: ConfigLayer[];
  records: ConfigRecord[];
}

/** The configuration of a cache: the same steps give the same bytes, in whatever order they were made. */
export function cacheConfigOf(steps: readonly CacheStep[]): CacheConfig {
  const layers: ConfigLayer[] = [];
  const known = new Map<string, number>();
  const place = ({ diffId, blob, created }: CacheLayer, parent: number): number => {
    const id = `${parent} ${blob.digest}`;
    const at = known.get(id) ?? layers.length;
    if (at < layers.length) return at;
    known.set(id, at);
    const { mediaType, size } = blob;
    layers.push({ blob: blob.digest, parent, annotations: { mediaType, diffID: diffId, size, createdAt: created } });
    return at;
  };
  const sorted = steps.toSorted(byKey);
  const results = sorted.map((step) => ({
    keys: step.keys,
    result: {
      layers: [
        {
          layer: step.layers.reduce((parent, layer) => place(layer, parent), -1),
          createdAt: step.layers.at(-1)?.created ?? '',
        },
      ],
    },
  }));
  return { layers, records: recordsOf(results) };
}

const byKey = ({ keys: [one = ''] }: CacheStep<unknown>, { keys: [other = ''] }: CacheStep<unknown>) =>
  one < other ? -1 : 1;

type Result = Pick<ConfigRecord, 'layers' | 'chains'>;

/** A record for each key, sorted, as BuildKit has them; a further key's is made of that of the content. */
function recordsOf(steps: readonly { keys: readonly string[]; result: Result }[]): ConfigRecord[] {
  const found = new Map<string, { result: Result; of: string }>();
  for (const { keys, result } of steps) {
    for (const key of keys) if (!found.has(key)) found.set(key, { result, of: keys[0] ?? key });
  }
  const keys = [...found.keys()].sort();
  return [...found]
    .toSorted(([one], [other]) => (one < other ? -1 : 1))
    .map(([key, { result, of }]) => ({
      ...result,
      digest: `sha256:${key}`,
      ...(of === key ? {} : { inputs: [[{ link: keys.indexOf(of) }]] }),
    }));
}

/** The field of an image's configuration; undefined where none of the steps is in the image. diffIds: the image's layers. */
export function inlineCacheOf(
  steps: readonly CacheStep<{ diffId: string; created?: string }>[],
  diffIds: readonly string[],
): string | undefined {
  const placed = steps.toSorted(byKey).flatMap(({ keys, layers }) => {
    const at = layers.map(({ diffId }) => diffIds.lastIndexOf(diffId));
    if (at.includes(-1)) return [];
    const createdAt = layers.at(-1)?.created ?? '';
    const isPrefix = layers.every(({ diffId }, index) => diffIds[index] === diffId);
    const result: Result = isPrefix
      ? { layers: [{ layer: layers.length - 1, createdAt }] }
      : { chains: [{ layers: at, createdAt }] };
    return [{ keys, result }];
  });
  if (placed.length === 0) return undefined;
  return Buffer.from(JSON.stringify(recordsOf(placed))).toString('base64');
}

/** A step's layer in a cache outside. */
export interface FoundStep extends CacheLayer {
  /** The key of the content. */
  id: string;
}

/** What can be found in a cache, by its keys. Nothing in it is believed that is not what it must be; blobs: by digest. */
export function readCacheConfig(config: unknown, blobs: ReadonlyMap<string, Descriptor>): Map<string, FoundStep> {
  const { layers, records } = (isObject(config) ? config : {}) as { layers?: unknown; records?: unknown };
  const found = new Map<string, FoundStep>();
  if (!Array.isArray(layers) || !Array.isArray(records)) return found;
  for (const record of records) {
    const key = keyOf(record);
    const at = layerOf(record);
    const layer = at === undefined ? undefined : readLayer(layers[at], blobs, createdOf(record));
    if (key === undefined || layer === undefined) continue;
    const origin = records[linkOf(record) ?? -1];
    const isSame = origin !== undefined && layerOf(origin) === at;
    found.set(key, { ...layer, id: (isSame ? keyOf(origin) : undefined) ?? key });
  }
  return found;
}

/** An inline cache: its layers are the image's, whose descriptors are in its manifest. */
export function readInlineCache(
  text: unknown,
  layers: readonly { blob: Descriptor; diffId: string }[],
): Map<string, FoundStep> {
  const records = typeof text === 'string' ? parsed(Buffer.from(text, 'base64').toString()) : undefined;
  const listed = layers.map(({ blob, diffId }, at) => ({
    blob: blob.digest,
    parent: at - 1,
    annotations: { diffID: diffId },
  }));
  return readCacheConfig({ layers: listed, records }, new Map(layers.map(({ blob }) => [blob.digest, blob])));
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

const HEX = /^sha256:([0-9a-f]{64})$/;

function keyOf(record: unknown): string | undefined {
  const { digest } = (isObject(record) ? record : {}) as { digest?: unknown };
  return typeof digest === 'string' ? HEX.exec(digest)?.[1] : undefined;
}

function layerOf(record: unknown): number | undefined {
  const { layers, chains } = (isObject(record) ? record : {}) as { layers?: unknown; chains?: unknown };
  const [result] = Array.isArray(layers) ? layers : [];
  if (isObject(result)) return asIndex((result as { layer?: unknown }).layer ?? 0);
  const [chain] = Array.isArray(chains) ? chains : [];
  const list = isObject(chain) ? (chain as { layers?: unknown }).layers : undefined;
  return Array.isArray(list) ? asIndex(list.at(-1)) : undefined;
}

function createdOf(record: unknown): unknown {
  const { layers, chains } = record as { layers?: unknown; chains?: unknown };
  const [result] = Array.isArray(layers) ? layers : Array.isArray(chains) ? chains : [];
  return isObject(result) ? result.createdAt : undefined;
}

function linkOf(record: unknown): number | undefined {
  const { inputs } = (isObject(record) ? record : {}) as { inputs?: unknown };
  const link: unknown = Array.isArray(inputs) ? inputs[0]?.[0]?.link : undefined;
  return asIndex(link);
}

const asIndex = (value: unknown) => (Number.isSafeInteger(value) && (value as number) >= 0 ? Number(value) : undefined);

function readLayer(layer: unknown, blobs: ReadonlyMap<string, Descriptor>, date: unknown): CacheLayer | undefined {
  const { blob: digest, annotations } = (isObject(layer) ? layer : {}) as { blob?: unknown; annotations?: unknown };
  const { diffID, createdAt } = (isObject(annotations) ? annotations : {}) as { diffID?: unknown; createdAt?: unknown };
  const created = [date, createdAt].find((one) => typeof one === 'string' && !Number.isNaN(Date.parse(one)));
  const blob = typeof digest === 'string' ? blobs.get(digest) : undefined;
  if (blob === undefined || !isDigest(diffID) || !diffID.startsWith('sha256:')) return undefined;
  return { diffId: diffID, blob, created: typeof created === 'string' ? created : new Date(0).toISOString() };
}
