/** Manifest lists, put together here from manifests that a registry has (`manifest …`). */
import { WherryError } from '#base/error.ts';
import { compactJson, goJson, indentJson } from '#base/go-json.ts';
import { type FetchOptions, fetchEntry, fetchList } from '#image/remote-entry.ts';
import { digestOf } from '#oci/digest.ts';
import { entryJson, findEntry, type ListEntry, readList, removeList, saveEntry } from '#oci/local-lists.ts';
import { type Manifest, MEDIA } from '#oci/manifest.ts';
import { inOrder } from '#oci/platform.ts';
import { mountBlob, putManifest } from '#oci/push.ts';
import { canonical, parseReference, type Reference, repositoryOf, withDefaultTag } from '#oci/reference.ts';
import type { Registry } from '#oci/registry.ts';
import { openTarget } from '#oci/sources.ts';

function readName(text: string, what?: string): Reference {
  try {
    return withDefaultTag(parseReference(text));
  } catch (cause) {
    if (!(cause instanceof WherryError) || what === undefined) throw cause;
    throw new WherryError('invalid', `${what} ${text}: ${cause.message}`, { cause });
  }
}

const noSuchManifest = (name: string) => new WherryError('not-found', `No such manifest: ${name}`);

export interface CreateListOptions extends FetchOptions {
  /** The list may be there already. */
  amend?: boolean;
}

/** Puts manifests into a list that lies here, all or none. Gives its canonical name. Throws Docker's errors. */
export async function createList(
  text: string,
  manifests: readonly string[],
  { amend = false, ...options }: CreateListOptions = {},
): Promise<string> {
  const list = canonical(readName(text, 'error parsing name for manifest list'));
  if (readList(list) !== undefined && !amend) {
    throw new WherryError('conflict', 'refusing to amend an existing manifest list with no --amend flag');
  }
  const references = manifests.map((one) => readName(one));
  const entries = await Promise.all(
    references.map(async (one) => findEntry(list, canonical(one)) ?? (await fetchEntry(one, options))),
  );
  for (const entry of entries) saveEntry(list, entry);
  return list;
}

export interface Annotations {
  os?: string;
  architecture?: string;
  variant?: string;
  osVersion?: string;
  osFeatures?: readonly string[];
}

/** What Docker takes; other combinations it doesn't know. */
const ARCHITECTURES: Record<string, string> = {
  '': ' ',
  darwin: '386 amd64 arm arm64',
  dragonfly: 'amd64',
  freebsd: '386 amd64 arm',
  linux: '386 amd64 arm arm64 ppc64le mips64 mips64le riscv64 s390x',
  netbsd: '386 amd64 arm',
  openbsd: '386 amd64 arm',
  plan9: '386 amd64',
  solaris: 'amd64',
  windows: '386 amd64',
};

/** Changes what a list that lies here says about the platform of one of its manifests. */
export function annotateEntry(listText: string, text: string, changes: Annotations): void {
  const list = canonical(readName(listText, 'annotate: error parsing name for manifest list'));
  const name = canonical(readName(text, 'annotate: error parsing name for manifest'));
  const entry = findEntry(list, name);
  if (entry === undefined) {
    throw new WherryError('not-found', `manifest for image ${name} does not exist in ${list}`);
  }
  const { os, architecture, variant, osVersion, osFeatures = [] } = changes;
  const before = inOrder(entry.descriptor.platform ?? {});
  const platform = inOrder({
    architecture: architecture || before.architecture,
    os: os || before.os,
    'os.version': osVersion || before['os.version'] || '',
    'os.features': [...new Set([...(before['os.features'] ?? []), ...osFeatures])],
    variant: variant || before.variant || '',
  });
  if (!ARCHITECTURES[platform.os]?.split(' ').includes(platform.architecture)) {
    throw new WherryError(
      'invalid',
      `manifest entry for image has unsupported os/arch combination: ${os ?? ''}/${architecture ?? ''}`,
    );
  }
  saveEntry(list, { ...entry, descriptor: { ...entry.descriptor, platform } });
}

export interface InspectListOptions extends FetchOptions {
  /** The list that lies here with the manifest in it. */
  list?: string | undefined;
  /** With names, descriptors and platforms. */
  verbose?: boolean;
}

/**
 * A manifest as JSON: out of a list that lies here, where one is given; else such a list itself, else what the registry
 * has under the name. Throws kind `not-found` in Docker's words.
 */
export async function inspectManifest(
  text: string,
  { list: listText, verbose = false, ...options }: InspectListOptions = {},
): Promise<string> {
  const reference = readName(text);
  const name = canonical(reference);
  if (listText !== undefined) {
    const entry = findEntry(canonical(readName(listText)), name);
    if (entry === undefined) throw noSuchManifest(name);
    return indentJson(verbose ? entryJson(entry) : compactJson(entry.raw.toString()), '\t');
  }
  const found = readList(name) ?? (await fetchList(reference, options));
  if (!Array.isArray(found)) return indentJson(verbose ? entryJson(found) : found.raw.toString(), '\t');
  if (verbose) return indentJson(`[${found.map(entryJson).join(',')}]`, '\t');
  try {
    return listBytes(found, reference);
  } catch (cause) {
    if (!(cause instanceof WherryError)) throw cause;
    throw new WherryError(cause.kind, `failed to assemble ManifestDescriptor: ${cause.message}`, { cause });
  }
}

/** The list's bytes as Docker makes them, which are what it has its digest by. */
function listBytes(entries: readonly ListEntry[], target: Reference): string {
  const manifests = entries.map(({ ref, descriptor }) => {
    const { domain } = parseReference(ref);
    if (domain !== target.domain) {
      throw new WherryError(
        'invalid',
        `cannot use source images from a different registry than the target image: ${domain} != ${target.domain}`,
      );
    }
    const { mediaType, size, digest, platform = {} } = descriptor;
    return { mediaType, size, digest, platform: inOrder(platform) };
  });
  return indentJson(goJson({ schemaVersion: 2, mediaType: listType(entries), manifests }), '   ');
}

/** As Docker: the first decides. */
function listType(entries: readonly ListEntry[]): string {
  return entries[0]?.descriptor.mediaType === MEDIA.manifest ? MEDIA.index : MEDIA.dockerList;
}

export interface PushListOptions extends FetchOptions {
  /** The list is not needed here any more. */
  purge?: boolean;
  /** Is told of each manifest that has gone to the list's repository, by its whole name. */
  pushed?: (name: string, digest: string) => void;
}

/** Pushes a list that lies here, and gives its digest. Its manifests are brought beside it by the registry. */
export async function pushList(
  text: string,
  { purge = false, pushed = () => undefined, insecure, abort }: PushListOptions = {},
): Promise<string> {
  const target = readName(text);
  const name = canonical(target);
  const entries = readList(name);
  if (entries === undefined) throw noSuchManifest(name);
  for (const { ref, descriptor } of entries) {
    if (descriptor.platform?.os && descriptor.platform.architecture) continue;
    throw new WherryError('invalid', `manifest ${ref} must have an OS and Architecture to be pushed to a registry`);
  }
  const bytes = Buffer.from(listBytes(entries, target));
  const digest = digestOf(bytes);
  const registry = await openTarget(target, { insecure: insecure ?? false, abort });
  try {
    for (const entry of entries) await pushEntry(registry, target, { entry, pushed });
    await putManifest(registry, target, { bytes, mediaType: listType(entries), digest });
  } finally {
    await registry.close();
  }
  if (purge) removeList(name);
  return digest;
}

type Beside = { entry: ListEntry; pushed: (name: string, digest: string) => void };

async function pushEntry(registry: Registry, target: Reference, { entry, pushed }: Beside): Promise<void> {
  const { raw, descriptor } = entry;
  const { domain, path } = target;
  const from = parseReference(entry.ref);
  if (from.path === path) return;
  const { config, layers }: Manifest = JSON.parse(raw.toString());
  await Promise.all(
    [config, ...layers].map(async (blob) => {
      const { mounted } = await mountBlob(registry, target, { digest: blob.digest, from });
      if (mounted) return;
      throw new WherryError('unavailable', `failed to mount blob ${blob.digest} to ${repositoryOf(target)}`, {
        hint: `Push the image to "${repositoryOf(target)}" as well: this registry can't link it from "${from.path}"`,
      });
    }),
  );
  const { digest, mediaType } = descriptor;
  await putManifest(registry, { domain, path }, { bytes: raw, mediaType, digest });
  pushed(`${repositoryOf(target)}@${digest}`, digest);
}

/** Removes a list that lies here. Throws kind `not-found` when there is none. */
export function removeManifestList(text: string): void {
  const name = canonical(readName(text));
  if (!removeList(name)) throw noSuchManifest(name);
}
