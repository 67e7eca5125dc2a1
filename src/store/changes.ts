/**
 * What differs between two trees, by Docker's rules (moby, archive.ChangesDirs): a file is changed when its owner, mode,
 * size, time or capabilities are; a directory when its owner or mode is, or something in it is. Layers that both trees
 * have, below all others, are not read.
 */
import { type BigIntStats, readlinkSync } from 'node:fs';
import { raw } from '#store/tree.ts';
import { attributeOf, type Directory, type Found, members, openUnion, type Union } from '#store/union.ts';

type ChangeKind = 'A' | 'C' | 'D';

/** One difference. The path has no leading slash and is a string of one character a byte (latin1). */
export interface Change {
  kind: ChangeKind;
  path: string;
  /** Of what is there now. */
  found?: Found;
}

/** A file that is taken to be in the old tree where its layers have none. */
export interface Placeholder {
  kind: 'directory' | 'file' | 'symlink';
  /** Where a link leads. */
  target?: string;
  /** Is it said to be deleted when the new tree has none? */
  deletable: boolean;
}

export interface CompareOptions {
  /** By path. */
  placeholders?: ReadonlyMap<string, Placeholder>;
  /** Files that a layer of the new tree alone has are changed, also where nothing of them differs: for an archive. */
  all?: boolean;
}

/**
 * The differences, each directory before what is in it, names sorted by bytes. What is found can be read until the next
 * one is asked for.
 */
export function* compareTrees(
  before: Union,
  after: Union,
  options: CompareOptions = {},
): Generator<Change, void, void> {
  using old = openUnion(before);
  using current = openUnion(after);
  yield* compare(old, current, '', options);
}

type Changes = Generator<Change, void, void>;

/** old: undefined where there was no directory, so that everything is new. */
function* compare(old: Directory | undefined, current: Directory, above: string, options: CompareOptions): Changes {
  for (const name of candidates(old, current, above, options)) {
    const path = above === '' ? name : `${above}/${name}`;
    const found = current.find(name);
    const former = old?.find(name) ?? options.placeholders?.get(path);
    if (found === undefined) {
      if (former !== undefined && !('deletable' in former && !former.deletable)) yield { kind: 'D', path };
    } else if (former === undefined) {
      yield* added(current, name, { path, found });
    } else {
      yield* within(old, current, { name, path, found, differs: isChanged(former, found, options) }, options);
    }
  }
}

/** A file that is in both: itself, and what is in it. */
function* within(
  old: Directory | undefined,
  current: Directory,
  { name, path, found, differs }: { name: string; path: string; found: Found; differs: boolean },
  options: CompareOptions,
): Changes {
  let told = differs;
  if (differs) yield { kind: 'C', path, found };
  if (!found.stat.isDirectory()) return;
  using below = current.enter(name);
  using formerly = old?.enter(name);
  if (below === undefined) return;
  for (const change of compare(formerly, below, path, options)) {
    if (!told) yield { kind: 'C', path, found };
    told = true;
    yield change;
  }
}

function* added(current: Directory, name: string, { path, found }: { path: string; found: Found }): Changes {
  yield { kind: 'A', path, found };
  if (!found.stat.isDirectory()) return;
  using below = current.enter(name);
  for (const { path: inside, ...member } of below === undefined ? [] : members(below, path)) {
    yield { kind: 'A', path: inside, found: member };
  }
}

/** The names that may differ: those of the places that are not the same, at the bottom, on both sides. */
function candidates(
  old: Directory | undefined,
  current: Directory,
  above: string,
  { placeholders = new Map() }: CompareOptions,
): string[] {
  const common = commonPlaces(old, current);
  const names = new Set(current.names(current.places.length - common));
  if (old !== undefined) for (const name of old.names(old.places.length - common)) names.add(name);
  for (const [path, { deletable }] of placeholders) {
    const slash = path.lastIndexOf('/');
    if (deletable && path.slice(0, Math.max(0, slash)) === above) names.add(path.slice(slash + 1));
  }
  return [...names].sort();
}

function commonPlaces(old: Directory | undefined, current: Directory): number {
  if (old === undefined) return 0;
  let common = 0;
  const same = () => old.places.at(-1 - common)?.path === current.places.at(-1 - common)?.path;
  while (common < Math.min(old.places.length, current.places.length) && same()) common += 1;
  return common;
}

function isPlaceholder({ at, stat }: Found, { kind, target }: Placeholder): boolean {
  if (kind === 'directory') return stat.isDirectory();
  if (kind === 'file') return stat.isFile() && stat.size === 0n;
  return stat.isSymbolicLink() && readlinkSync(raw(at)) === target;
}

function isChanged(former: Found | Placeholder, found: Found, { all = false }: CompareOptions): boolean {
  if (!('stat' in former)) return !isPlaceholder(found, former);
  if (all && found.at !== former.at && !found.stat.isDirectory()) return true;
  return statDiffers(former.stat, found.stat) || !sameCapabilities(former, found);
}

function statDiffers(one: BigIntStats, other: BigIntStats): boolean {
  if (one.mode !== other.mode || one.uid !== other.uid || one.gid !== other.gid) return true;
  // The size and time of a directory are no good measure of a change.
  return !one.isDirectory() && (one.size !== other.size || !sameTime(one.mtimeNs, other.mtimeNs));
}

const SECOND = 1_000_000_000n;

/** A time that has passed through an archive has only its seconds. */
function sameTime(one: bigint, other: bigint): boolean {
  if (one === other) return true;
  return one / SECOND === other / SECOND && (one % SECOND === 0n || other % SECOND === 0n);
}

function sameCapabilities(one: Found, other: Found): boolean {
  if (one.at === other.at || !other.stat.isFile()) return true;
  const [first, second] = [one, other].map(({ at }) => attributeOf(at, 'security.capability'));
  return first === undefined || second === undefined ? first === second : first.equals(second);
}
