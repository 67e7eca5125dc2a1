/**
 * Layers read as the one tree that an overlay shows of them, without mounting anything: so it needs no lock, works with
 * every storage driver, and on containers that run. Paths and names are strings of one character a byte (latin1).
 *
 * A layer that somebody may be writing in is live: its directories are opened one by one, and never through a link
 * (openat(2) with O_NOFOLLOW, by way of /proc/self/fd), so that whoever swaps a directory for a link to elsewhere
 * meanwhile gains nothing. What goes while we look is as if it had not been there.
 */
import { type BigIntStats, closeSync, constants, lstatSync, openSync, readdirSync } from 'node:fs';
import { hasCode, WherryError } from '#base/error.ts';
import { hasLayer, layerPath } from '#store/layers.ts';
import type { Store } from '#store/store.ts';
import { raw } from '#store/tree.ts';
import { OPAQUE, WHITEOUT } from '#store/whiteout.ts';
import { getxattr } from '#sys/ffi.ts';

/** One directory of one layer. */
export interface Place {
  /** Absolute; for a live layer's by way of a descriptor. */
  path: string;
  live: boolean;
  /** Whose a file of this owner is in the tree: a container may have other ids than we see. */
  owners?: Owners;
}

type Owners = (uid: number, gid: number) => { uid: number; gid: number };

/** The layers of a tree, the top one first. */
export interface Union {
  layers: readonly Place[];
  /** Deletions may be files with reserved names, too: fuse-overlayfs and file systems without attributes have them. */
  marks: boolean;
}

/** One file of the tree, in the layer where it shows. */
export interface Found {
  /** Where it can be read. */
  at: string;
  stat: BigIntStats;
  live: boolean;
  /** Applied to `stat` already; for who looks once more. */
  owners?: Owners;
}

/** A file by its path in the tree, without leading slash. */
export interface Member extends Found {
  path: string;
}

/** A directory of the tree. It has descriptors open until it is disposed of. */
export interface Directory extends Disposable {
  /** Those of the layers that show in it, the top one first. */
  readonly places: readonly Place[];
  /**
   * What it may show, sorted by bytes: some of these may turn out to be hidden, or gone.
   * top: only the names that the first so many places have
   */
  names(top?: number): string[];
  find(name: string): Found | undefined;
  /** A directory below; undefined when it is none any more. */
  enter(name: string): Directory | undefined;
}

/** A directory that is a layer, or is like one. */
export function placeAt(
  path: string,
  { live = false, owners }: { live?: boolean; owners?: Owners | undefined } = {},
): Place {
  return { path: Buffer.from(path).toString('latin1'), live, ...(owners === undefined ? {} : { owners }) };
}

/**
 * Layers of the store, as they are given: the lowest first.
 * Throws kind `corrupt` when one is gone.
 */
export function layerPlaces(store: Store, diffIds: readonly string[], image: string): Place[] {
  return diffIds.toReversed().map((diffId) => {
    if (hasLayer(store, diffId)) return placeAt(layerPath(store, diffId));
    throw new WherryError('corrupt', `Cannot read "${image}": the layer ${diffId} is gone`, {
      hint: `Run \`wherry pull ${image}\` to get it back`,
    });
  });
}

/** The top directory of the layers. */
export function openUnion({ layers, marks }: Union): Directory {
  const held: number[] = [];
  const places = layers.flatMap((layer) => {
    const place = layer.live ? opened(layer, held) : layer;
    return place === undefined ? [] : [place];
  });
  return directory(places, held, marks);
}

const DIRECTORY = constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW;

function opened({ path, owners }: Place, held: number[]): Place | undefined {
  try {
    const fd = openSync(raw(path), DIRECTORY);
    held.push(fd);
    return { path: `/proc/self/fd/${fd}`, live: true, ...(owners === undefined ? {} : { owners }) };
  } catch (error) {
    if (hasCode(error, 'ENOENT', 'ENOTDIR', 'ELOOP')) return undefined;
    throw error;
  }
}

function directory(places: readonly Place[], held: readonly number[], marks: boolean): Directory {
  let listed: Map<string, Place[]> | undefined;
  let last: { name: string; shown: Shown | undefined } | undefined;
  const look = (name: string) => {
    if (last?.name !== name) last = { name, shown: lookThrough(listed?.get(name) ?? places, name, marks) };
    return last.shown;
  };
  return {
    places,
    names: (top = places.length) => {
      const names = listing(places.slice(0, top), marks);
      if (top === places.length) listed = names;
      return [...names.keys()].sort();
    },
    find: (name) => look(name)?.found,
    enter: (name) => {
      const shown = look(name);
      if (!shown?.found.stat.isDirectory()) return undefined;
      const own: number[] = [];
      const below = shown.below.flatMap((place) => {
        const there = { ...place, path: `${place.path}/${name}` };
        return (place.live ? opened(there, own) : there) ?? [];
      });
      return directory(below, own, marks);
    },
    [Symbol.dispose]: () => {
      for (const fd of held) closeSync(fd);
    },
  };
}

interface Shown {
  found: Found;
  /** Of a directory: in which of the places it is, and shows. */
  below: Place[];
}

/** What these places, the top one first, make of a name. */
function lookThrough(places: readonly Place[], name: string, marks: boolean): Shown | undefined {
  const below: Place[] = [];
  let top: Found | undefined;
  for (const place of places) {
    const found = lookIn(place, name);
    if (found === undefined && !(marks && lookIn(place, `${WHITEOUT}${name}`) !== undefined)) continue;
    if (found === undefined || isWhiteout(found.stat)) break;
    if (!found.stat.isDirectory()) {
      top ??= found;
      break;
    }
    top ??= found;
    below.push(place);
    if (place !== places.at(-1) && isOpaque(found, marks)) break;
  }
  return top === undefined ? undefined : { found: top, below };
}

/** Every name with the places that have it, or a mark of its deletion, the top one first. */
function listing(places: readonly Place[], marks: boolean): Map<string, Place[]> {
  const listed = new Map<string, Place[]>();
  for (const place of places) {
    for (const name of namesIn(place, marks)) {
      const others = listed.get(name);
      if (others === undefined) listed.set(name, [place]);
      else if (others.at(-1) !== place) others.push(place);
    }
  }
  return listed;
}

function namesIn({ path }: Place, marks: boolean): string[] {
  const entries = readdirSync(raw(path), { encoding: 'latin1' as 'utf8' });
  if (!marks) return entries;
  const isMark = (entry: string) => entry.startsWith(WHITEOUT);
  return entries
    .filter((entry) => entry !== OPAQUE)
    .map((entry) => (isMark(entry) ? entry.slice(WHITEOUT.length) : entry));
}

function lookIn(place: Place, name: string): Found | undefined {
  const at = `${place.path}/${name}`;
  const stat = lstatSync(raw(at), { bigint: true, throwIfNoEntry: false });
  if (stat === undefined) return undefined;
  const { live, owners } = place;
  return { at, stat: ownedBy(stat, owners), live, ...(owners === undefined ? {} : { owners }) };
}

/** What the kernel tells of a file, with its owner as the tree has it. */
export function ownedBy(stat: BigIntStats, owners: Owners | undefined): BigIntStats {
  if (owners === undefined) return stat;
  const { uid, gid } = owners(Number(stat.uid), Number(stat.gid));
  return Object.assign(stat, { uid: BigInt(uid), gid: BigInt(gid) });
}

const isWhiteout = (stat: BigIntStats) => stat.isCharacterDevice() && stat.rdev === 0n;

/** fuse-overlayfs has a name of its own for the attribute. */
const OPAQUE_ATTRIBUTES = ['user.overlay.opaque', 'user.fuseoverlayfs.opaque'];

function isOpaque({ at }: Found, marks: boolean): boolean {
  if (marks && lstatSync(raw(`${at}/${OPAQUE}`), { throwIfNoEntry: false }) !== undefined) return true;
  const names = marks ? OPAQUE_ATTRIBUTES : OPAQUE_ATTRIBUTES.slice(0, 1);
  return names.some((name) => attributeOf(at, name)?.toString() === 'y');
}

/** Of a file that may go while we look. */
export function attributeOf(at: string, name: string): Buffer | undefined {
  try {
    return getxattr(raw(at), name);
  } catch (error) {
    if (hasCode(error, 'ENOENT', 'ENOTDIR')) return undefined;
    throw error;
  }
}

/** Everything in a directory: a directory before what is in it, names sorted by bytes. */
export function* members(of: Directory, above = ''): Generator<Member, void, void> {
  for (const name of of.names()) {
    const found = of.find(name);
    if (found === undefined) continue;
    const path = above === '' ? name : `${above}/${name}`;
    yield { path, ...found };
    if (!found.stat.isDirectory()) continue;
    using below = of.enter(name);
    if (below !== undefined) yield* members(below, path);
  }
}
