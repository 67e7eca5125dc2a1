/** Artifacts: what a registry has beside images, small documents below a manifest of their own type. */
import { WherryError } from '#base/error.ts';
import { readDocument } from '#image/remote-document.ts';
import { type Descriptor, MAX_DOCUMENT, type Manifest } from '#oci/manifest.ts';
import { canonical, nameOnly, parseReference, type Reference } from '#oci/reference.ts';
import type { FetchedManifest, Registry } from '#oci/registry.ts';
import { brief } from '#oci/shape.ts';
import { atFirst, findSources, openSource } from '#oci/sources.ts';
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
  return atFirst((await findSources(text)).sources(reference), { abort }, async (source) => {
    const registry = await openSource(source, { abort });
    try {
      return await work(await find(registry, reference, kind));
    } finally {
      await registry.close();
    }
  });
}

async function find(registry: Registry, reference: Reference, kind: ArtifactKind): Promise<Artifact> {
  const top = await registry.manifest(reference);
  const parts = async () => partsOf(registry, reference, await manifestOf(registry, reference, { top, kind }));
  return { digest: top.digest, parts };
}

/** The layers of the manifest, or of the one in the index. */
async function manifestOf(
  registry: Registry,
  reference: Reference,
  { top, kind }: { top: FetchedManifest; kind: ArtifactKind },
): Promise<Descriptor[]> {
  const document = readDocument(top, reference);
  if (!('manifests' in document)) return layersOf(document, reference, kind);
  const { domain, path } = reference;
  // As docker compose: the last of several.
  const entry = document.manifests.findLast(({ artifactType }) => artifactType === kind.type);
  if (entry === undefined) {
    throw wrong(`OCI index ${canonical(reference)} doesn't refer to ${kind.called.replace(/^an? /, '')} artifacts`);
  }
  const child = { domain, path, digest: entry.digest };
  const found = readDocument(await registry.manifest(child, entry.digest), child);
  if (!('manifests' in found)) return layersOf(found, child, kind);
  throw wrong(`${canonical(child)} is not ${kind.called} OCI artifact, but an index`);
}

function layersOf({ artifactType, config, layers }: Manifest, reference: Reference, kind: ArtifactKind): Descriptor[] {
  const { mediaType } = config;
  const isOurs = artifactType ? artifactType === kind.type : mediaType === kind.configType;
  if (!isOurs) {
    const what = brief(artifactType || mediaType || 'something else', 200);
    throw wrong(`${canonical(reference)} is not ${kind.called} OCI artifact, but ${what}`);
  }
  if (layers.length > MAX_PARTS) {
    throw malformed(reference, `it has ${layers.length} layers, at most ${MAX_PARTS} can be`);
  }
  const sum = layers.reduce((bytes, { size }) => bytes + size, 0);
  if (sum > MAX_SUM) throw malformed(reference, `its layers have ${sum} bytes, at most ${MAX_SUM} can be`);
  return layers;
}

async function partsOf(registry: Registry, reference: Reference, layers: Descriptor[]): Promise<ArtifactPart[]> {
  const parts: ArtifactPart[] = [];
  for (const layer of layers) {
    const { mediaType, annotations = {} } = layer;
    parts.push({ mediaType, annotations, bytes: await fetchSmall(registry, reference, layer, { called: 'artifact' }) });
  }
  return parts;
}

const wrong = (message: string) => new WherryError('invalid', message);
const malformed = (reference: Reference, why: string) =>
  wrong(`The manifest of ${canonical(reference)} is malformed: ${why}`);
