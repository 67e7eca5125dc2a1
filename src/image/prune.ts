/** image prune: the images that nobody uses, and whatever else no image and no container needs (moby, image_prune.go). */
import { WherryError } from '#base/error.ts';
import { readPruneFilters } from '#base/prune.ts';
import { type Entry, oncePerImage, sameImage } from '#image/catalog.ts';
import { readable, readDocuments } from '#image/documents.ts';
import { recordRemoval } from '#image/event.ts';
import { type ImageUser, idOf, planRemoval, type Removed, removing } from '#image/remove.ts';
import { familiar, parseReference } from '#oci/reference.ts';
import type { Store } from '#store/store.ts';

export interface PruneImagesOptions {
  /** Those with names, too. */
  all?: boolean;
  /** until, label, label!, dangling. */
  filters?: readonly string[];
  usedBy: () => readonly ImageUser[];
}

export interface PrunedImages {
  /** One an image. */
  removed: Removed[];
  /** Bytes, as Docker counts: of the layers' files. */
  reclaimed: number;
}

const ACCEPTED = { dangling: undefined, until: undefined };

/**
 * Removes images without a tag, or all, as far as no container was made from them; and blobs and layers that nothing
 * needs, such as a killed pull's. Throws kind `unavailable` for filters, in Docker's words.
 */
export async function pruneImages(
  store: Store,
  { all = false, filters: pairs = [], usedBy }: PruneImagesOptions,
): Promise<PrunedImages> {
  const filters = readPruneFilters([...pairs, `dangling=${!all}`], ACCEPTED);
  checkDangling(filters.values('dangling'));
  const removed: Removed[] = [];
  const told: Parameters<typeof recordRemoval>[1][] = [];
  let reclaimed = 0;
  const remove: Parameters<typeof removing>[2] = (entries, { users, wasteOf }) => {
    let left = entries;
    for (const { entry, created, labels } of newestFirst(store, entries)) {
      if (!filters.matches(created, labels)) continue;
      const { kept, untagged, gone } = withoutImage(left, entry, { all, users });
      if (kept === left) continue;
      const { chainIds, size } = wasteOf(left, kept);
      removed.push({ untagged, deleted: gone ? [idOf(entry), ...chainIds] : [] });
      told.push({ id: idOf(entry), labels, names: untagged.filter((name) => !name.includes('@')).length, gone });
      reclaimed += size;
      left = kept;
    }
    return left === entries ? undefined : left;
  };
  const ofOrphans = await removing(store, usedBy, remove, { orphans: true });
  for (const one of told) recordRemoval(store, one);
  return { removed, reclaimed: reclaimed + ofOrphans };
}

/** The client adds a value of its own; what is no truth value counts nothing. */
function checkDangling(values: readonly string[]): void {
  const yes = values.some((value) => value === '1' || value === 'true');
  const no = values.some((value) => value === '0' || value === 'false');
  if (!yes || !no) return;
  throw new WherryError('unavailable', `invalid filter 'dangling=[${[...new Set(values)].sort().join(' ')}]'`);
}

interface Candidate {
  entry: Entry;
  /** Milliseconds; 0 where nobody knows. */
  created: number;
  labels: Record<string, string>;
}

function newestFirst(store: Store, entries: readonly Entry[]): Candidate[] {
  const candidates = oncePerImage(entries).map((entry) => {
    const config = readable(() => readDocuments(store, entry.manifest.digest).config);
    return { entry, created: Date.parse(config?.created ?? '') || 0, labels: config?.config?.Labels ?? {} };
  });
  return candidates.sort((a, b) => b.created - a.created);
}

/** Name after name, as far as nothing is in the way; what is in use stays. */
function withoutImage(
  entries: Entry[],
  image: Entry,
  { all, users }: { all: boolean; users: readonly ImageUser[] },
): { kept: Entry[]; untagged: string[]; gone: boolean } {
  const names = entries.filter((entry) => sameImage(entry, image)).flatMap((entry) => entry.name ?? []);
  const result = { kept: entries, untagged: [] as string[], gone: false };
  if (!all && names.some((name) => !name.includes('@'))) return result;
  const texts = names.length === 0 ? [idOf(image)] : names.sort().map((name) => familiar(parseReference(name)));
  for (const text of texts) {
    const target = result.kept.find((entry) => sameImage(entry, image));
    if (target === undefined || result.untagged.includes(text)) continue;
    try {
      const plan = planRemoval(result.kept, target, { text, force: false, users });
      result.kept = plan.kept;
      result.untagged.push(...plan.untagged);
      result.gone = plan.gone;
    } catch (error) {
      if (!(error instanceof WherryError) || error.kind !== 'conflict') throw error;
    }
  }
  return result;
}
