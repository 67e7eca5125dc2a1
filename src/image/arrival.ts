/** When an image came here: its manifest is written last, and once. */
import { statSync } from 'node:fs';
import { findImage } from '#image/names.ts';
import { blobPath } from '#store/blobs.ts';
import type { Store } from '#store/store.ts';

/** Milliseconds since 1970; undefined where there is no such image. */
export function arrivalOf(store: Store, name: string): number | undefined {
  const image = findImage(store, name);
  if (image === undefined) return undefined;
  return statSync(blobPath(store, image.manifest.digest), { throwIfNoEntry: false })?.mtimeMs;
}
