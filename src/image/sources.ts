/** Where else a registry has a blob, as far as the names in the store tell. */
import { WherryError } from '#base/error.ts';
import { readCatalog } from '#image/catalog.ts';
import type { Manifest } from '#oci/manifest.ts';
import { parseReference, type Reference } from '#oci/reference.ts';
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

function readSources(store: Store, { domain, path }: Reference): Map<string, Reference[]> {
  const named = readCatalog(store).flatMap(({ name, manifest }) =>
    name?.startsWith(`${domain}/`) ? [{ reference: parseReference(name), digest: manifest.digest }] : [],
  );
  const others = named.filter((one) => one.reference.domain === domain && one.reference.path !== path);
  const sure = others.filter((one) => one.reference.digest !== undefined);
  const found = new Map<string, Reference[]>();
  for (const { reference, digest } of [...sure, ...others]) {
    for (const blob of blobsOf(store, digest)) {
      const places = found.get(blob) ?? [];
      if (!places.some((one) => one.path === reference.path)) places.push(reference);
      found.set(blob, places);
    }
  }
  return found;
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
