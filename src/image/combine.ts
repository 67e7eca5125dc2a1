/** An index made of what registries have (`buildx imagetools create`): which manifests, with what said about them. Pure. */
import { WherryError } from '#base/error.ts';
import { goEntries, goJson, indentJson } from '#base/go-json.ts';
import { digestOf } from '#oci/digest.ts';
import { type Descriptor, type Index, MEDIA, type Platform, REFERENCE } from '#oci/manifest.ts';
import { inOrder, isMeant, matches } from '#oci/platform.ts';
import type { Document } from '#oci/push.ts';

/** What one source stands for at its registry. */
export interface SourceDocument {
  document: Document;
  /** Of the manifest itself, with its platform; undefined for an index. */
  descriptor?: Descriptor;
  index?: Index;
}

export interface CombineOptions {
  /** One source alone: an index of it also where it is a manifest. */
  prefersIndex: boolean;
  /** Only these, and what is said about them; none: all. */
  platforms: readonly Platform[];
  annotations: readonly {
    scope: string;
    key: string;
    value: string;
    /** Of the manifests that are meant (`manifest-descriptor[linux/arm64]:…`); all where there is none. */
    platform?: string | undefined;
  }[];
}

/** What the media types of Docker's own schema begin with. */
const DOCKERS = 'application/vnd.docker.';

/** The document that a new name is to stand for. Throws kind `invalid` and `not-found` in buildx's words. */
export function combine(
  sources: readonly SourceDocument[],
  { prefersIndex, platforms, annotations }: CombineOptions,
): Document {
  const [only] = sources;
  const all = unique(sources.flatMap(({ descriptor, index }) => index?.manifests ?? descriptor ?? []));
  const kept = platforms.length === 0 ? all : chosen(all, platforms);
  const isPlain = sources.length === 1 && kept.length === all.length && annotations.length === 0;
  if (only !== undefined && isPlain && (only.index !== undefined || !prefersIndex)) return only.document;
  if (kept.length === 0) throw new WherryError('not-found', 'none of the manifests match the provided platforms');
  // As with buildx, those of the sources' indexes are not taken over.
  const own = ofIndex(annotations);
  // A list of Docker's takes no annotations, and stays one where some are asked for.
  const isDockers = kept.every(({ mediaType }) => mediaType.startsWith(DOCKERS));
  const manifests = kept.map((descriptor) => annotated(descriptor, isDockers ? [] : annotations));
  const mediaType = isDockers ? MEDIA.dockerList : MEDIA.index;
  const said = isDockers ? {} : sorted(own);
  const content = { schemaVersion: 2, mediaType, manifests, ...said };
  const bytes = Buffer.from(indentJson(goJson(content), '  '));
  return { bytes, mediaType, digest: digestOf(bytes) };
}

function ofIndex(annotations: CombineOptions['annotations']): Record<string, string> {
  const unknown = annotations.find(({ scope }) => scope !== 'index' && scope !== 'manifest-descriptor');
  if (unknown !== undefined) throw unknownScope(unknown.scope);
  return Object.fromEntries(annotations.flatMap(({ scope, key, value }) => (scope === 'index' ? [[key, value]] : [])));
}

const unknownScope = (scope: string) =>
  new WherryError('invalid', `"${scope}" annotations are ${/^index-/.test(scope) ? 'invalid' : 'not supported'} here`, {
    hint: 'Use index:KEY=VALUE or manifest-descriptor:KEY=VALUE',
  });

/** Each digest once; what is said about it by any of them. */
function unique(all: readonly Descriptor[]): Descriptor[] {
  const found = new Map<string, Descriptor>();
  for (const one of all) {
    const former = found.get(one.digest);
    const annotations = { ...former?.annotations, ...one.annotations };
    const said = Object.keys(annotations).length === 0 ? {} : { annotations };
    found.set(one.digest, { ...(former ?? one), ...said });
  }
  return [...found.values()];
}

/** Those for the platforms or for none in particular, and the attestations of these. */
function chosen(all: readonly Descriptor[], platforms: readonly Platform[]): Descriptor[] {
  const isWanted = ({ platform }: Descriptor) =>
    platform === undefined || platforms.some((wanted) => matches(wanted, platform) && matches(platform, wanted));
  const digests = new Set(all.filter(isWanted).map(({ digest }) => digest));
  return all.filter(
    ({ digest, annotations }) => digests.has(digest) || digests.has(annotations?.[REFERENCE.digest] ?? ''),
  );
}

/** With what is said of it; as Go writes it, so that the index has the digest that buildx gives it. */
function annotated(descriptor: Descriptor, all: CombineOptions['annotations']): Descriptor {
  const { mediaType, digest, size, urls, annotations, data, platform, artifactType } = descriptor;
  const own = all.filter((one) => one.scope === 'manifest-descriptor' && isMeant(one.platform, platform));
  return {
    mediaType,
    digest,
    size,
    ...(urls?.length ? { urls } : {}),
    ...sorted({ ...annotations, ...Object.fromEntries(own.map(({ key, value }) => [key, value])) }),
    ...(data ? { data } : {}),
    ...(platform === undefined ? {} : { platform: inOrder(platform) }),
    ...(artifactType ? { artifactType } : {}),
  };
}

const sorted = (annotations: Record<string, string>): Pick<Descriptor, 'annotations'> =>
  Object.keys(annotations).length === 0 ? {} : { annotations: Object.fromEntries(goEntries(annotations)) };
