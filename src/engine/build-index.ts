/** An index of what a build has made: an image for each platform, and attestations of them (image-spec, image-index.md). */
import { withoutCredentials } from '#base/web-address.ts';
import { type BuildTimes, type Material, packageUrl, predicateType, statementOf } from '#build/provenance.ts';
import { verticesOf } from '#build/provenance-steps.ts';
import type { BuildOutput, BuildRequest, BuiltTarget } from '#build/request.ts';
import type { Plan, Vertex } from '#build/vertex.ts';
import type { Bases } from '#engine/build-images.ts';
import { describe } from '#oci/digest.ts';
import { type Descriptor, type Manifest, MEDIA, type Platform, REFERENCE } from '#oci/manifest.ts';
import { inOrder, isMeant } from '#oci/platform.ts';
import type { Document } from '#oci/push.ts';

/** Of the attestation's layer. */
const STATEMENT = 'application/vnd.in-toto+json';

export interface BuiltIndex {
  index: Document;
  /** Manifests of attestations. */
  manifests: Document[];
  /** What those name. */
  blobs: Document[];
}

export interface Indexing {
  plan: Plan;
  targets: readonly (BuiltTarget & { manifest: Descriptor; document?: Document })[];
  /** Canonical. */
  names: readonly string[];
  materials: readonly Material[][];
  times: BuildTimes;
}

/** Does what is made need an index? Several platforms do, and what is said about an image beside it. */
export const needsIndex = ({ platforms, provenance }: Provenanced): boolean =>
  platforms.length > 1 || provenance !== undefined;

type Provenanced = Pick<BuildRequest, 'platforms' | 'provenance'>;

/**
 * The request as one of its outputs has it: provenance that is `inline-only` is not for archives, but for those of several
 * platforms, which have an index anyway (BuildKit, exporter/containerimage/writer.go).
 */
export function requestFor<R extends Provenanced>(request: R, output: BuildOutput): R {
  const isInline = ('inline' in output ? output.inline : undefined) ?? output.type === 'image';
  const isLeftOut = request.provenance?.inlineOnly === true && !isInline && request.platforms.length <= 1;
  if (!isLeftOut) return request;
  const { provenance: _none, ...rest } = request;
  return rest as R;
}

/** Annotations of one scope, or none; those of one platform are for it alone. */
export function annotationsOf(
  { annotations }: Pick<BuildRequest, 'annotations'>,
  scope: BuildRequest['annotations'][number]['scope'],
  platform?: Platform,
): { annotations?: Record<string, string> } {
  const own = annotations.filter((one) => one.scope === scope && isMeant(one.platform, platform));
  return own.length === 0 ? {} : { annotations: Object.fromEntries(own.map(({ key, value }) => [key, value])) };
}

/** The index, and what it names beside the images. */
export function indexOf(request: BuildRequest, { plan, targets, names, materials, times }: Indexing): BuiltIndex {
  const made: BuiltIndex = { index: { bytes: Buffer.alloc(0), mediaType: '', digest: '' }, manifests: [], blobs: [] };
  const images = targets.map(({ manifest: { mediaType, digest, size }, platform }) => ({
    mediaType,
    digest,
    size,
    ...annotationsOf(request, 'manifest-descriptor', platform),
    platform: inOrder(platform),
  }));
  const attested = request.provenance === undefined ? [] : targets;
  const attestations = attested.map(({ platform, manifest: { digest }, document }, target) => {
    const subject = { names, platform, digest };
    const making = { plan, target, materials: materials[target] ?? [] };
    const statement = statementOf(request, { ...making, subject, times, layers: layersOf(document) });
    return attest(made, digest, { statement, type: predicateType(request.provenance?.version ?? 'v0.2') });
  });
  const content = {
    schemaVersion: 2,
    mediaType: MEDIA.index,
    manifests: [...images, ...attestations],
    ...annotationsOf(request, 'index'),
  };
  made.index = documentOf(MEDIA.index, content);
  return made;
}

function layersOf(document: Document | undefined): Descriptor[] {
  if (document === undefined) return [];
  const { layers }: Manifest = JSON.parse(document.bytes.toString());
  return layers;
}

function documentOf(mediaType: string, content: object): Document {
  const bytes = Buffer.from(JSON.stringify(content));
  return { bytes, mediaType, digest: describe(mediaType, bytes).digest };
}

const descriptorOf = ({ bytes, mediaType, digest }: Document): Descriptor => ({
  mediaType,
  digest,
  size: bytes.length,
});

/** A manifest that carries a statement about another (BuildKit's docs/attestations/attestation-storage.md). */
function attest(
  made: BuiltIndex,
  subject: string,
  { statement, type }: { statement: object; type: string },
): Descriptor {
  const layer = documentOf(STATEMENT, statement);
  const unknown = { architecture: 'unknown', os: 'unknown' };
  const config = documentOf(MEDIA.config, {
    ...unknown,
    config: {},
    rootfs: { type: 'layers', diff_ids: [layer.digest] },
  });
  const manifest = documentOf(MEDIA.manifest, {
    schemaVersion: 2,
    mediaType: MEDIA.manifest,
    config: descriptorOf(config),
    layers: [{ ...descriptorOf(layer), annotations: { 'in-toto.io/predicate-type': type } }],
  });
  made.blobs.push(config, layer);
  made.manifests.push(manifest);
  return {
    ...descriptorOf(manifest),
    annotations: {
      [REFERENCE.digest]: subject,
      [REFERENCE.type]: 'attestation-manifest',
    },
    platform: unknown,
  };
}

/** What a target was made from: images by their digests, and files whose digests are given. */
export async function materialsOf(plan: Plan, target: number, bases: Bases): Promise<Material[]> {
  const materials = new Map<string, Material>();
  for (const at of verticesOf(plan, target)) {
    const vertex = plan.vertices[at];
    const material = vertex === undefined ? undefined : await materialOf(vertex, bases);
    if (material !== undefined) materials.set(material.uri, material);
  }
  return [...materials.values()];
}

async function materialOf(vertex: Vertex, bases: Bases): Promise<Material | undefined> {
  if (vertex.op === 'image') {
    const { reference, platform } = vertex;
    const { references, manifest } = await bases.bring(reference, platform, { pull: false });
    const repository = reference.replace(/@.*$/, '').replace(/:[^/:]*$/, '');
    const known = references.find((name) => name.startsWith(`${repository}@`))?.split('@')[1];
    const sha256 = (known ?? manifest.digest).replace('sha256:', '');
    return { uri: packageUrl(reference.replace(/@.*$/, ''), platform), digest: { sha256 } };
  }
  if (vertex.op !== 'http' || !vertex.checksum?.startsWith('sha256:')) return undefined;
  return { uri: withoutCredentials(vertex.url), digest: { sha256: vertex.checksum.replace('sha256:', '') } };
}
