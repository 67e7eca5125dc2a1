/** What the commands about containers know of their images: names that went elsewhere, sizes, ancestors. */
import { WherryError } from '#base/error.ts';
import { shortId } from '#base/text.ts';
import { inspectContainer } from '#container/inspect.ts';
import { findContainer } from '#container/names.ts';
import type { ContainerRecord } from '#container/record.ts';
import { ownSize } from '#container/size.ts';
import type { Size } from '#container/view.ts';
import { lookAt } from '#container/view.ts';
import type { Store } from '#engine/open.ts';
import { type Entry, readCatalog } from '#image/catalog.ts';
import { findEntry, findImage, type Image } from '#image/names.ts';

/** A container in the shape of `inspect`. Throws kind `not-found`. */
export function describeContainer(store: Store, name: string, { size }: { size: boolean }): object {
  const record = findContainer(store, name);
  return inspectContainer(store, lookAt(store, record), size ? sizeOf(store, record) : undefined);
}

/** What a container takes, its image's part by itself. */
export function sizeOf(store: Store, record: ContainerRecord): Size {
  return { own: ownSize(store, record), image: lookUp(store, record.image.id)?.size ?? 0 };
}

/** A listing looks up each name once. */
export function imageNamer(store: Store, { truncate }: { truncate: boolean }): (record: ContainerRecord) => string {
  const ids = new Map<string, string | undefined>();
  let entries: Entry[] | undefined;
  return ({ image: { reference, id } }) => {
    // --rootfs: there is no image, but the directory's name.
    if (id === '') return reference;
    entries ??= tolerate(() => readCatalog(store)) ?? [];
    if (!ids.has(reference)) ids.set(reference, idOf(store, entries, reference));
    // The name is gone or means another image now: Docker shows the ID.
    if (ids.get(reference) !== id) return truncate ? shortId(id) : id;
    return reference;
  };
}

/** The catalog notes ids; only an entry of another tool's needs its manifest read. */
function idOf(store: Store, entries: readonly Entry[], reference: string): string | undefined {
  return tolerate(() => findEntry(entries, reference)?.id) ?? lookUp(store, reference)?.id;
}

/** Does a container's image have all the layers of this one, at its beginning? An image that is not here has no heirs. */
export function descendance(store: Store): (record: ContainerRecord, ancestor: string) => boolean {
  const found = new Map<string, Image | undefined>();
  return (record, ancestor) => {
    if (!found.has(ancestor)) found.set(ancestor, lookUp(store, ancestor));
    const image = found.get(ancestor);
    if (image === undefined) return false;
    if (image.id === record.image.id) return true;
    return image.diffIds.length > 0 && image.diffIds.every((diffId, at) => record.image.diffIds[at] === diffId);
  };
}

function lookUp(store: Store, text: string): Image | undefined {
  return tolerate(() => findImage(store, text));
}

/** A damaged or impossible name is as good as none here: it is not what the user asked about. */
function tolerate<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    if (error instanceof WherryError) return undefined;
    throw error;
  }
}
