/** New names at registries for what registries have: manifests and their blobs are brought beside them, the index last. */
import { WherryError } from '#base/error.ts';
import { type CombineOptions, combine, type SourceDocument } from '#image/combine.ts';
import { type AtRegistry, readConfig, readDocument, topOf, withRegistries } from '#image/remote-document.ts';
import { type Descriptor, isDigest, type Manifest, MEDIA, type Platform } from '#oci/manifest.ts';
import { inOrder } from '#oci/platform.ts';
import { type Document, hasRemoteBlob, mountBlob, putManifest } from '#oci/push.ts';
import { familiar, parseReference, type Reference, repositoryOf, withDefaultTag } from '#oci/reference.ts';
import type { Registry } from '#oci/registry.ts';
import { DESCRIPTOR, malformedField } from '#oci/shape.ts';
import { download } from '#oci/transfer.ts';
import { uploadBlob } from '#oci/upload.ts';

/** A name, or a descriptor, as JSON, or its digest, in the repository of the tag. */
export interface SourceWords {
  sources: readonly string[];
  tags: readonly string[];
  /** What the first tag stands for is a source too, the first one. */
  append: boolean;
}

interface Found extends SourceDocument {
  reference: Reference;
}

export interface Combined {
  /** What the tags are to stand for. */
  document: Document;
  tags: Reference[];
  /** The tags as they are written. */
  names: string[];
  /** Where each manifest is, by its digest. */
  places: ReadonlyMap<string, Reference>;
}

interface Options {
  abort?: AbortSignal | undefined;
}

/** Reads the sources and makes what the tags are to stand for; nothing is written. Throws buildx's errors. */
export async function combineRemote(
  words: SourceWords,
  { abort, ...options }: CombineOptions & Options,
): Promise<Combined> {
  const tags = words.tags.map((tag) => withDefaultTag(parseReference(tag)));
  const references = words.sources.map((text) => readSource(text, tags));
  const [first] = tags;
  if (words.append && first !== undefined) references.unshift({ reference: first });
  if (references.length === 0) throw new WherryError('invalid', 'no sources specified');
  const found = await withRegistries(abort, async (at) => {
    const all: Found[] = [];
    for (const source of references) all.push(await lookUp(source, at));
    return all;
  });
  const document = combine(found, options);
  const places = new Map(found.map(({ document, reference }) => [document.digest, reference]));
  for (const { index, reference } of found) {
    for (const { digest } of index?.manifests ?? []) if (!places.has(digest)) places.set(digest, reference);
  }
  return { document, tags, names: tags.map(familiar), places };
}

interface Source {
  reference: Reference;
  /** What else a descriptor says: the platform and annotations. */
  said?: Partial<Descriptor>;
}

function readSource(text: string, tags: readonly Reference[]): Source {
  const said = text.trimStart().startsWith('{') ? readDescriptor(text) : isDigest(text) ? { digest: text } : undefined;
  if (said === undefined) return { reference: readName(text) };
  const repositories = new Map(tags.map((tag) => [repositoryOf(tag), tag]));
  const [only] = repositories.values();
  if (only === undefined || repositories.size > 1) {
    throw new WherryError(
      'invalid',
      only === undefined
        ? 'no repositories specified, please set a reference in tag or source'
        : `multiple repositories specified, cannot infer repository for ${JSON.stringify(text)}`,
    );
  }
  return { reference: { domain: only.domain, path: only.path, digest: said.digest }, said };
}

const badSource = (text: string, reason: string) => {
  const valid = 'valid sources are digests, references and descriptors';
  return new WherryError('invalid', `failed to parse source ${JSON.stringify(text)}, ${valid}: ${reason}`);
};

function readName(text: string): Reference {
  try {
    return withDefaultTag(parseReference(text));
  } catch (error) {
    throw error instanceof WherryError ? badSource(text, error.message) : error;
  }
}

function readDescriptor(text: string): Partial<Descriptor> & { digest: string } {
  const fail = (reason: string) => badSource(text, reason);
  let json: Partial<Descriptor>;
  try {
    json = JSON.parse(text);
  } catch (error) {
    throw fail((error as Error).message);
  }
  if (!isDigest(json.digest)) throw fail('it has no digest');
  const wrong = malformedField({ ...json }, DESCRIPTOR);
  if (wrong !== undefined) throw fail(`it has malformed ${wrong}`);
  return { ...json, digest: json.digest };
}

async function lookUp({ reference, said = {} }: Source, at: AtRegistry): Promise<Found> {
  const registry = await at(reference);
  const { document, content } = await topOf(registry, reference);
  if ('manifests' in content) return { reference, document, index: content };
  const platform = said.platform ?? (await platformOf(registry, reference, content));
  const { annotations } = said;
  const { mediaType, digest, bytes } = document;
  const descriptor: Descriptor = {
    mediaType,
    digest,
    size: bytes.length,
    ...(annotations === undefined ? {} : { annotations }),
    ...(platform === undefined ? {} : { platform }),
  };
  return { reference, document, descriptor };
}

/** Charts and other things that are no images have none. */
async function platformOf(
  registry: Registry,
  reference: Reference,
  { config }: Manifest,
): Promise<Platform | undefined> {
  if (config.mediaType !== MEDIA.config && config.mediaType !== MEDIA.dockerConfig) return undefined;
  const said: Partial<Platform> = await readConfig(registry, reference, config);
  return said.os && said.architecture ? inOrder(said) : undefined;
}

/** Puts it under one of its tags. told: hears of each manifest that is copied, and of the document at the end. */
export async function putCombined(
  { document, places }: Combined,
  tag: Reference,
  { abort, told }: Options & { told: (what: string) => void },
): Promise<void> {
  const { domain, path } = tag;
  await withRegistries(abort, async (at) => {
    const registry = await at(tag);
    const copying: Copying = { registry, to: { domain, path }, at, done: new Set() };
    for (const digest of digestsIn(document)) {
      const from = places.get(digest) ?? tag;
      told(`copying ${digest} from ${familiar(from)} to ${familiar(tag)}`);
      await copyManifest(copying, from, digest);
    }
    const own = places.get(document.digest);
    if (own !== undefined) await copyBlobs(copying, own, document);
    told(`pushing ${document.digest} to ${familiar(tag)}`);
    await putManifest(registry, tag, document);
  });
}

interface Copying {
  registry: Registry;
  to: Reference;
  at: AtRegistry;
  /** Digests of manifests: indexes in indexes may name the same many times. */
  done: Set<string>;
}

function digestsIn({ bytes }: Document): string[] {
  const content: { manifests?: Descriptor[] } = JSON.parse(bytes.toString());
  return (content.manifests ?? []).map(({ digest }) => digest);
}

/** Also what it leads to, where it is an index itself. */
async function copyManifest(copying: Copying, from: Reference, digest: string): Promise<void> {
  const { domain, path } = from;
  const { domain: toDomain, path: toPath } = copying.to;
  if ((domain === toDomain && path === toPath) || copying.done.has(digest)) return;
  copying.done.add(digest);
  const reference = { domain, path, digest };
  const fetched = await (await copying.at(from)).manifest(reference, digest);
  const { mediaType } = readDocument(fetched, reference);
  const document = { bytes: fetched.bytes, mediaType: mediaType || fetched.mediaType, digest };
  for (const inner of digestsIn(document)) await copyManifest(copying, from, inner);
  await copyBlobs(copying, from, document);
  await putManifest(copying.registry, copying.to, document);
}

async function copyBlobs({ registry, to, at }: Copying, from: Reference, { bytes }: Document): Promise<void> {
  const { config, layers = [] }: Partial<Manifest> = JSON.parse(bytes.toString());
  if (config === undefined || (from.domain === to.domain && from.path === to.path)) return;
  for (const blob of new Map([config, ...layers].map((one) => [one.digest, one])).values()) {
    if (await hasRemoteBlob(registry, to, blob.digest)) continue;
    const isBeside = from.domain === to.domain;
    const { mounted, session } = isBeside
      ? await mountBlob(registry, to, { digest: blob.digest, from })
      : { mounted: false, session: undefined };
    if (mounted) continue;
    const { digest, size } = blob;
    const named = { domain: from.domain, path: from.path, digest };
    const source = await at(from);
    const open = (start: number, end: number) => upTo(download(source, named, blob, start), end - start);
    await uploadBlob(registry, to, { digest, size, open }, { session });
  }
}

/** So many of the bytes that come. */
async function* upTo(chunks: AsyncIterable<Buffer>, length: number): AsyncGenerator<Buffer> {
  let rest = length;
  for await (const chunk of chunks) {
    yield chunk.subarray(0, rest);
    rest -= chunk.length;
    if (rest <= 0) return;
  }
}
