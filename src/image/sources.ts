/** Where else a registry has a blob, as far as the names in the store tell. */
import { WherryError } from '#base/error.ts';
import { readCatalog } from '#image/catalog.ts';
import type { Manifest } from '#oci/manifest.ts';
import type { Reference } from '#oci/reference.ts';
import { readBlobJson } from '#store/blobs.ts';
import type { Store } from '#store/store.ts';

/**
 * The other repositories of a registry that should have a blob, the surest first: a name by digest was pulled or pushed,
 * a tag may only have been meant to be. Nothing is read before the first question.
 */
export function mountSources(store: Store, target: Reference): (digest: string) => readonly Reference[] {
  let known: Map<string, Reference[]> | undefined;
  return (digest) => {
    known ??= readSources(store, target);
    return known.get(digest) ?? [];
  };
}

function readSources(store: Store, target: Reference): Map<string, Reference[]> {
  const { sure, meant } = repositoriesByManifest(store, target);
  const found: Sets = new Map();
  for (const [manifest, others] of [...sure, ...meant]) {
    for (const blob of blobsOf(store, manifest)) for (const other of others) add(found, blob, other);
  }
  const { domain } = target;
  return new Map([...found].map(([blob, others]) => [blob, [...others].map((path) => ({ domain, path }))]));
}

type Sets = Map<string, Set<string>>;

/** The other repositories of the registry: those that have a manifest by its digest, and those that may have it. */
function repositoriesByManifest(store: Store, { domain, path }: Reference): { sure: Sets; meant: Sets } {
  const sure: Sets = new Map();
  const meant: Sets = new Map();
  for (const { name, manifest } of readCatalog(store)) {
    if (!name?.startsWith(`${domain}/`)) continue;
    const at = name.indexOf('@');
    const other = name.slice(domain.length + 1, at < 0 ? name.lastIndexOf(':') : at);
    if (other !== path) add(at < 0 ? meant : sure, manifest.digest, other);
  }
  return { sure, meant };
}

function add(sets: Sets, key: string, value: string): void {
  const set = sets.get(key) ?? new Set();
  sets.set(key, set.add(value));
}

function blobsOf(store: Store, digest: string): string[] {
  try {
    const { config, layers } = readBlobJson<Manifest>(store, digest);
    return [config, ...layers].map((blob) => blob.digest);
  } catch (error) {
    // A damaged image is no reason not to push another one.
    if (error instanceof WherryError) return [];
    throw error;
  }
}
