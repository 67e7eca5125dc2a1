/** Artifacts: what a registry has beside images, small documents below a manifest of their own type. */
import { WherryError } from '#base/error.ts';
import { type Descriptor, isDigest, MAX_DOCUMENT } from '#oci/manifest.ts';
import { canonical, nameOnly, parseReference, type Reference } from '#oci/reference.ts';
import type { Registry } from '#oci/registry.ts';
import { isObject } from '#oci/shape.ts';
import { findSources, isPlaceToBlame, openSource } from '#oci/sources.ts';
import { fetchSmall } from '#oci/transfer.ts';

/** The words of image-spec, manifest.md, artifactType; before it had that one, the configuration's type said it. */
export interface ArtifactKind {
  type: string;
  configType: string;
  /** What it is to people: `a compose project`. */
  called: string;
}

export interface ArtifactPart {
  mediaType: string;
  annotations: Readonly<Record<string, string>>;
  bytes: Buffer;
}

/** One that was found; its parts come when they are asked for. */
export interface Artifact {
  /** Of what the name stands for: the artifact, or an index with it. */
  digest: string;
  parts: () => Promise<ArtifactPart[]>;
}

/** More than any honest one has. */
const MAX_PARTS = 1000;
/** Bytes of all parts together, since all are in memory. */
const MAX_SUM = 4 * MAX_DOCUMENT;

/**
 * Looks an artifact up, by name or in the index that the name stands for, and does something with it while its registry
 * is open. Throws kind `invalid` for what is no such artifact, and as a pull does.
 */
export async function withArtifact<T>(
  text: string,
  kind: ArtifactKind,
  { abort }: { abort?: AbortSignal | undefined },
  work: (artifact: Artifact) => Promise<T>,
): Promise<T> {
  const reference = nameOnly(parseReference(text));
  const sources = (await findSources(text)).sources(reference);
  for (const [at, source] of sources.entries()) {
    try {
      const registry = await openSource(source, { abort });
      try {
        return await work(await find(registry, reference, kind));
      } finally {
        await registry.close();
      }
    } catch (error) {
      if (at === sources.length - 1 || !isPlaceToBlame(error)) throw error;
    }
  }
  throw new TypeError('no place to ask');
}

async function find(registry: Registry, reference: Reference, kind: ArtifactKind): Promise<Artifact> {
  const top = await registry.manifest(reference);
  const parts = async () => {
    const manifest = await manifestOf(registry, reference, { bytes: top.bytes, kind });
    return partsOf(registry, reference, manifest);
  };
  return { digest: top.digest, parts };
}

/** The layers of the manifest, or of the one in the index. */
async function manifestOf(
  registry: Registry,
  reference: Reference,
  { bytes, kind }: { bytes: Buffer; kind: ArtifactKind },
): Promise<Descriptor[]> {
  const document = parse(bytes, reference);
  if (Array.isArray(document.manifests)) {
    const { domain, path } = reference;
    // As docker compose: the last of several.
    const entry = document.manifests.filter(isObject).findLast(({ artifactType }) => artifactType === kind.type);
    if (entry === undefined) {
      throw wrong(`OCI index ${canonical(reference)} doesn't refer to ${kind.called.replace(/^an? /, '')} artifacts`);
    }
    if (!isDigest(entry.digest)) throw wrong(`The index ${canonical(reference)} names no digest`);
    const child = { domain, path, digest: entry.digest };
    const found = parse((await registry.manifest(child, entry.digest)).bytes, child);
    return layersOf(found, child, kind);
  }
  return layersOf(document, reference, kind);
}

function layersOf(document: Record<string, unknown>, reference: Reference, kind: ArtifactKind): Descriptor[] {
  const { artifactType, config, layers } = document;
  const { mediaType } = isObject(config) ? config : {};
  const isOurs = artifactType ? artifactType === kind.type : mediaType === kind.configType;
  if (!isOurs) {
    const what = String(artifactType || mediaType || 'something else').slice(0, 200);
    throw wrong(`${canonical(reference)} is not ${kind.called} OCI artifact, but ${what}`);
  }
  if (!Array.isArray(layers) || layers.length > MAX_PARTS || !layers.every(isPart)) {
    throw malformed(reference, 'its layers are none, or too large');
  }
  const sum = layers.reduce((bytes, { size }) => bytes + size, 0);
  if (sum > MAX_SUM) throw malformed(reference, `its layers have ${sum} bytes, at most ${MAX_SUM} can be`);
  return layers;
}

function isPart(layer: unknown): layer is Descriptor {
  if (!isObject(layer)) return false;
  const { digest, size, annotations = {} } = layer;
  if (!isDigest(digest) || !Number.isSafeInteger(size) || Number(size) < 0 || Number(size) > MAX_DOCUMENT) return false;
  return isObject(annotations) && Object.values(annotations).every((value) => typeof value === 'string');
}

async function partsOf(registry: Registry, reference: Reference, layers: Descriptor[]): Promise<ArtifactPart[]> {
  const parts: ArtifactPart[] = [];
  for (const layer of layers) {
    const { mediaType, annotations = {} } = layer;
    parts.push({ mediaType, annotations, bytes: await fetchSmall(registry, reference, layer, { called: 'artifact' }) });
  }
  return parts;
}

function parse(bytes: Buffer, reference: Reference): Record<string, unknown> {
  try {
    const json: unknown = JSON.parse(bytes.toString());
    if (isObject(json)) return json;
  } catch {
    // Told below.
  }
  throw malformed(reference, 'it is no JSON object');
}

const wrong = (message: string) => new WherryError('invalid', message);
const malformed = (reference: Reference, why: string) =>
  wrong(`The manifest of ${canonical(reference)} is malformed: ${why}`);
