/** Removing images: names first, then what no image and no container needs any more. In Docker's order and words. */
import { WherryError } from '#base/error.ts';
import { asDaemon } from '#base/filter.ts';
import { shortId } from '#base/text.ts';
import { changeCatalog, type Entry, sameImage } from '#image/catalog.ts';
import { labelsOf, recordRemoval } from '#image/event.ts';
import { findEntry, noSuchImage } from '#image/names.ts';
import { discard, findOrphans, findWaste, partsReader, sizeOf, type Waste } from '#image/waste.ts';
import { canonical, familiar, nameOnly, parseReference, repositoryOf } from '#oci/reference.ts';
import { heldParts } from '#store/holds.ts';
import type { Store } from '#store/store.ts';
import { lock } from '#sys/file.ts';

/** A container, as far as its image is concerned. */
export interface ImageUser {
  /** The container's ID. */
  id: string;
  /** Its image's ID. */
  image: string;
  diffIds: readonly string[];
  running: boolean;
  /** Nobody can tell what it needs, so no layer goes. */
  isUnknown?: boolean;
  /** It is no container, but a mount at this place (image mount). */
  mountedAt?: string;
}

export interface RemoveImageOptions {
  force?: boolean;
  /** Asked when nobody can make a container any more: they hold the same lock. */
  usedBy: () => readonly ImageUser[];
}

export interface Removed {
  /** Familiar names. */
  untagged: string[];
  /** The image's ID, then the chain IDs of the layers that went, highest first. */
  deleted: string[];
}

/**
 * Removes a name, and the image with its last name; an ID removes the image with all its names.
 * Throws kind `not-found`, or `conflict` when containers or other names need it and force can't or was not asked to.
 */
export async function removeImage(store: Store, text: string, options: RemoveImageOptions): Promise<Removed> {
  let removed: Removed | undefined;
  let told: Parameters<typeof recordRemoval>[1] | undefined;
  // What the API's path leads to then.
  if (text === '') throw new WherryError('not-found', 'page not found');
  await removing(store, options.usedBy, (entries, { users, wasteOf }) => {
    const target = asDaemon(() => findEntry(entries, text));
    if (target === undefined) return undefined;
    const plan = planRemoval(entries, target, { text, force: options.force === true, users });
    const { chainIds } = wasteOf(entries, plan.kept);
    const id = idOf(target);
    // By a name Docker tells of one only, whatever digests go with it.
    const names = isIdOf(target, text) ? plan.untagged.length : 1;
    told = { id, labels: labelsOf(store, target.manifest.digest), names, gone: plan.gone };
    removed = { untagged: plan.untagged, deleted: plan.gone ? [id, ...chainIds] : [] };
    return plan.kept;
  });
  if (removed === undefined) throw noSuchImage(text);
  if (told !== undefined) recordRemoval(store, told);
  return removed;
}

interface Removing {
  users: readonly ImageUser[];
  /** What commands at work count on. */
  held: Awaited<ReturnType<typeof heldParts>>;
  /** What only the entries that are lost between the two needed. */
  wasteOf(before: readonly Entry[], after: readonly Entry[]): Waste;
}

/**
 * Takes entries out of the catalogue, and then away what only they needed, alone all the while. Nobody can make a
 * container meanwhile. orphans: what nothing needed before goes as well.
 * @returns the bytes of the orphans
 */
export async function removing(
  store: Store,
  usedBy: () => readonly ImageUser[],
  remove: (entries: Entry[], helpers: Removing) => Entry[] | undefined,
  { orphans = false } = {},
): Promise<number> {
  using _noNewContainers = await lock(store.path('layers'));
  const read = partsReader(store);
  let waste: Pick<Waste, 'blobs' | 'layers'> | undefined;
  let freed = 0;
  const change = async (entries: Entry[]) => {
    const users = usedBy();
    const held = await heldParts(store);
    const wasteOf: Removing['wasteOf'] = (before, after) => {
      const stays = new Set(after);
      const lost = before.filter((entry) => !stays.has(entry));
      return findWaste(read, lost, { kept: after, users, held });
    };
    if (orphans) {
      waste = findOrphans(store, read, { kept: entries, users, held });
      freed = sizeOf(store, waste);
      await discard(store, waste);
    }
    const after = remove(entries, { users, held, wasteOf });
    if (after !== undefined) waste = wasteOf(entries, after);
    return after;
  };
  // The names are gone for good first; what follows can be done again by anyone who finds it.
  await changeCatalog(store, change, async () => {
    if (waste !== undefined) await discard(store, waste);
  });
  return freed;
}

export interface RemovalPlan {
  /** Familiar names that go. */
  untagged: string[];
  /** The entries that stay. */
  kept: Entry[];
  /** Does the image itself go? */
  gone: boolean;
}

interface Request {
  text: string;
  force: boolean;
  users: readonly ImageUser[];
}

export const idOf = (entry: Entry) => entry.id ?? entry.manifest.digest;

const isIdOf = (entry: Entry, text: string) =>
  idOf(entry).startsWith(text) || idOf(entry).slice('sha256:'.length).startsWith(text);

/** Decides what a removal takes (moby, daemon/images/image_delete.go). Pure. */
export function planRemoval(entries: readonly Entry[], target: Entry, { text, force, users }: Request): RemovalPlan {
  const own = entries.filter((entry) => sameImage(entry, target));
  const using = users.filter((user) => user.image === idOf(target));
  const byId = isIdOf(target, text);
  const all = own.flatMap((entry) => entry.name ?? []).sort();
  const names = byId ? all : namesWith(canonical(nameOnly(parseReference(text))), all);
  const isLast = isSingle(all);
  if (!byId && !force && isLast && using[0] !== undefined) throw stillReferenced(text, using[0], target);
  const others = all.filter((name) => !names.includes(name));
  if (byId) refuseConflict(target, { using, force, severalNames: !isLast });
  const gone = others.length === 0 && (byId || !hasConflict(using, force));
  const taken = new Set(names);
  const kept = gone
    ? entries.filter((entry) => !own.includes(entry))
    : withoutNames(entries, { own, taken, dangling: others.length === 0 ? target : undefined });
  return { untagged: names.map((name) => familiar(parseReference(name))), kept, gone };
}

/** The name, and with the last tag of a repository its digests too. */
function namesWith(name: string, all: readonly string[]): string[] {
  if (name.includes('@')) return [name];
  const repository = repositoryOf(parseReference(name));
  const sameRepository = all.filter((other) => other !== name && repositoryOf(parseReference(other)) === repository);
  return sameRepository.some((other) => !other.includes('@')) ? [name] : [name, ...sameRepository];
}

/** At most one tag, and no digest of another repository. */
function isSingle(names: readonly string[]): boolean {
  if (names.length <= 1) return true;
  const repositories = new Set(names.map((name) => repositoryOf(parseReference(name))));
  return repositories.size === 1 && names.filter((name) => !name.includes('@')).length <= 1;
}

function withoutNames(
  entries: readonly Entry[],
  { own, taken, dangling }: { own: readonly Entry[]; taken: ReadonlySet<string>; dangling: Entry | undefined },
): Entry[] {
  const kept = entries.filter((entry) => !(own.includes(entry) && entry.name !== undefined && taken.has(entry.name)));
  return dangling === undefined
    ? kept
    : [...kept.filter((entry) => !own.includes(entry)), { ...dangling, name: undefined }];
}

function stillReferenced(text: string, user: ImageUser, target: Entry): WherryError {
  const why =
    user.mountedAt === undefined
      ? `container ${shortId(user.id)} is using its referenced image ${shortId(idOf(target))}`
      : `image is mounted at ${user.mountedAt}`;
  return new WherryError('conflict', `conflict: unable to remove repository reference "${text}" (must force) - ${why}`);
}

/** Is the image itself held, so that only the name goes? */
function hasConflict(using: readonly ImageUser[], force: boolean): boolean {
  return using.some((user) => user.running) || (using.length > 0 && !force);
}

function refuseConflict(
  target: Entry,
  { using, force, severalNames }: { using: readonly ImageUser[]; force: boolean; severalNames: boolean },
): void {
  const refuse = (how: string, why: string) =>
    new WherryError('conflict', `conflict: unable to delete ${shortId(idOf(target))} (${how}) - ${why}`);
  const running = using.find((user) => user.running);
  if (running !== undefined) {
    throw refuse('cannot be forced', `image is being used by running container ${shortId(running.id)}`);
  }
  if (force) return;
  if (severalNames) throw refuse('must be forced', 'image is referenced in multiple repositories');
  const stopped = using[0];
  if (stopped !== undefined) {
    const why = `image is being used by stopped container ${shortId(stopped.id)}`;
    throw refuse('must be forced', stopped.mountedAt === undefined ? why : `image is mounted at ${stopped.mountedAt}`);
  }
}
