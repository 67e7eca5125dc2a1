/** What a registry has under a name, with the configurations and attestations that it leads to (`buildx imagetools inspect`). */

import { formatPlatform } from '#base/platform.ts';
import { readConfig, readDocument, topOf, withRegistries } from '#image/remote-document.ts';
import { type Descriptor, type Index, REFERENCE } from '#oci/manifest.ts';
import { canonical, familiar, parseReference, type Reference, withDefaultTag } from '#oci/reference.ts';
import type { Registry } from '#oci/registry.ts';
import { isObject, parsedObject } from '#oci/shape.ts';
import { fetchSmall } from '#oci/transfer.ts';

export interface RemoteLook {
  /** With its tag or digest. */
  name: string;
  /** As the user wrote it. */
  asked: string;
  descriptor: Descriptor;
  /** The document as the registry has it. */
  raw: Buffer;
  index?: Index;
}

/** Throws buildx's errors: `x:1: not found`. */
export async function lookAtRemote(asked: string, abort?: AbortSignal): Promise<RemoteLook> {
  const reference = withDefaultTag(parseReference(asked));
  return withRegistries(abort, async (at) => {
    const { document, content } = await topOf(await at(reference), reference);
    const { bytes, mediaType, digest } = document;
    return {
      name: canonical(reference),
      asked,
      descriptor: { mediaType, digest, size: bytes.length },
      raw: bytes,
      ...('manifests' in content ? { index: content } : {}),
    };
  });
}

/** Of one platform. */
export interface PlatformParts {
  image: object;
  /** The predicate of SLSA, where there is one. */
  provenance?: object;
  /** The predicate of SPDX, where there is one. */
  sbom?: object;
}

/** What is said by each platform's image, and about it. */
export async function partsOf(
  { asked, index, descriptor }: RemoteLook,
  abort?: AbortSignal,
): Promise<Map<string, PlatformParts>> {
  const { domain, path } = parseReference(asked);
  const reference = { domain, path };
  return withRegistries(abort, async (at) => {
    const registry = await at(reference);
    const parts = new Map<string, PlatformParts>();
    const manifests = index?.manifests ?? [descriptor];
    for (const entry of manifests.filter(({ annotations }) => annotations?.[REFERENCE.digest] === undefined)) {
      const image = await imageOf(registry, reference, entry);
      if (image === undefined) continue;
      const about = manifests.filter(({ annotations }) => annotations?.[REFERENCE.digest] === entry.digest);
      const platform = formatPlatform(entry.platform ?? (image as NonNullable<Descriptor['platform']>));
      parts.set(platform, { image, ...(await saidIn(registry, reference, about)) });
    }
    return parts;
  });
}

async function manifestOf(registry: Registry, reference: Reference, { digest }: Descriptor) {
  const fetched = await registry.manifest({ ...reference, digest }, digest);
  const content = readDocument(fetched, reference);
  return 'manifests' in content ? undefined : content;
}

async function imageOf(registry: Registry, reference: Reference, entry: Descriptor): Promise<object | undefined> {
  const manifest = await manifestOf(registry, reference, entry);
  if (manifest === undefined) return undefined;
  return readConfig(registry, reference, manifest.config);
}

const TYPE = 'in-toto.io/predicate-type';
/** A statement may be long, but nobody reads one that fills the memory. */
const MAX_STATEMENT = 64 * 1024 * 1024;

/** By the statement's type; others are nobody's here. */
function kindOf({ annotations, size }: Descriptor): 'provenance' | 'sbom' | undefined {
  const type = annotations?.[TYPE] ?? '';
  if (size > MAX_STATEMENT) return undefined;
  if (type.startsWith('https://slsa.dev/provenance/')) return 'provenance';
  return type === 'https://spdx.dev/Document' ? 'sbom' : undefined;
}

async function saidIn(registry: Registry, reference: Reference, about: readonly Descriptor[]) {
  const said: { provenance?: object; sbom?: object } = {};
  for (const entry of about) {
    for (const layer of (await manifestOf(registry, reference, entry))?.layers ?? []) {
      const kind = kindOf(layer);
      if (kind !== undefined) said[kind] = await predicateIn(registry, reference, layer);
    }
  }
  return said;
}

async function predicateIn(registry: Registry, reference: Reference, layer: Descriptor): Promise<object> {
  const bytes = await fetchSmall(registry, reference, layer, { limit: MAX_STATEMENT, called: 'attestation' });
  const { predicate } = parsedObject(bytes, `the attestation ${layer.digest}`);
  return isObject(predicate) ? predicate : {};
}

/** `registry/name:tag@digest`, of a manifest that an index names. */
export const entryName = ({ asked }: RemoteLook, { digest }: Descriptor): string =>
  `${familiar(withDefaultTag(parseReference(asked)))}@${digest}`;
