/** What happens to images, noted for `wherry events`. */
import { readable, readDocuments } from '#image/documents.ts';
import { recordEvent } from '#store/events.ts';
import type { Store } from '#store/store.ts';

export interface ImageTold {
  /** The image's ID; of a pull and a push the reference. */
  id: string;
  /** Docker's attribute `name`; where absent, the ID stands there too. */
  name?: string;
  labels?: Readonly<Record<string, string>> | null | undefined;
}

/** Notes what happened to an image, with Docker's attributes: its labels and a name. */
export function recordImageEvent(store: Store, action: string, { id, name = id, labels }: ImageTold): void {
  recordEvent(store, { type: 'image', action, id, attributes: { ...labels, name } });
}

/** The labels of the image with this manifest; none where it is damaged. */
export function labelsOf(store: Store, manifest: string): Record<string, string> {
  return readable(() => readDocuments(store, manifest).config.config?.Labels) ?? {};
}

/** Notes a removal: names first, then the image. The labels are those that it had. */
export function recordRemoval(
  store: Store,
  { id, labels, names, gone }: { id: string; labels: Record<string, string>; names: number; gone: boolean },
): void {
  for (let name = 0; name < names; name += 1) recordImageEvent(store, 'untag', { id, labels });
  if (gone) recordImageEvent(store, 'delete', { id });
}
