/** The reading side of a copy: what is at a path of a container, or of the host, and the archive of it. */
import { type BigIntStats, closeSync, constants, fstatSync, lstatSync, openSync, readlinkSync } from 'node:fs';
import { posix } from 'node:path';
import { hasCode } from '#base/error.ts';
import { clean, insidePath, memberName, splitPath } from '#container/copy-paths.ts';
import { type Packable, type PackOptions, packTree } from '#store/pack.ts';
import { raw } from '#store/tree.ts';
import { type Member, members, openUnion } from '#store/union.ts';
import { entryOf, O_PATH, openInRoot, resolveLinks, statInRoot } from '#sys/rooted.ts';

/** What a path of a container is. */
export interface Seen {
  /** Absolute, without `..`; a trailing `/` or `/.` stays. */
  path: string;
  stat: BigIntStats;
  /** Where a symbolic link leads in the end, or as far as it can be followed. */
  target?: string;
}

/** Looks at a path of a container. root: a descriptor of its root. Throws the system's error. */
export function lookInside(root: number, path: string): Seen {
  const at = insidePath(path);
  const stat = statInRoot(root, at);
  if (!stat.isSymbolicLink()) return { path: at, stat };
  return { path: at, stat, target: resolveLinks(at, (link) => linkInside(root, link)) };
}

function linkInside(root: number, path: string): string | undefined {
  try {
    const directory = openInRoot(root, posix.dirname(path), O_PATH | constants.O_DIRECTORY);
    try {
      return readlinkSync(entryOf(directory, posix.basename(path)));
    } finally {
      closeSync(directory);
    }
  } catch (error) {
    if (hasCode(error, 'ENOENT', 'ENOTDIR', 'EINVAL', 'ELOOP')) return undefined;
    throw error;
  }
}

/**
 * The archive of what is at a path of a container, its names beginning with the path's last part, in pieces that each are
 * there until the next one is asked for. Links below it are taken as links, and none that is swapped in meanwhile leads
 * anywhere. Throws the system's error for the path itself.
 */
export function archiveInside(root: number, path: string, options: PackOptions = {}): Generator<Buffer, void, void> {
  const name = posix.basename(path) || '/';
  const open = (at: string, flags: number) => openInRoot(root, at, flags);
  return packed(open, path, name, options);
}

/**
 * As archiveInside(), of a path on the host. name: what its names begin with, where that is not the path's last part. Whose
 * owner our user namespace does not know, as the host's root, is root's: a number has to be given, and this one is safe.
 */
export function archiveOutside(path: string, name = splitPath(path).entry): Generator<Buffer, void, void> {
  const known = (id: number) => (id === NOBODY ? 0 : id);
  return packed(openSync, path, name, { owner: (uid, gid) => ({ uid: known(uid), gid: known(gid) }) });
}

/**
 * Several paths of the host in one archive, each under its name, all root's; directories without what is in them. What is
 * gone meanwhile is left out.
 */
export const archiveOf = (sources: Iterable<{ path: string; name: string }>): Generator<Buffer, void, void> =>
  packTree(severally(sources), { owner: () => ({ uid: 0, gid: 0 }) });

function* severally(sources: Iterable<{ path: string; name: string }>): Generator<Packable, void, void> {
  for (const { path, name } of sources) {
    try {
      yield* entry(openSync, path, name);
    } catch (error) {
      if (!hasCode(error, 'ENOENT', 'ENOTDIR')) throw error;
    }
  }
}

/** What the kernel shows of ids that a user namespace lacks (/proc/sys/kernel/overflowuid). */
export const NOBODY = 65534;

type Open = (path: string, flags: number) => number;

function* packed(open: Open, path: string, name: string, options: PackOptions = {}): Generator<Buffer, void, void> {
  const fd = open(path, O_PATH | constants.O_NOFOLLOW);
  try {
    const stat = fstatSync(fd, { bigint: true });
    yield* packTree(stat.isDirectory() ? tree(fd, stat, name) : entry(open, path, name), options);
  } finally {
    closeSync(fd);
  }
}

/** Its names are bytes, as those of an archive. */
const bytes = (text: string) => Buffer.from(text).toString('latin1');

function* tree(fd: number, stat: BigIntStats, name: string): Generator<Packable, void, void> {
  const place = { path: entryOf(fd, '.'), live: true };
  const top = bytes(name);
  yield { path: memberName(top, ''), at: place.path, stat, live: true };
  using directory = openUnion({ layers: [place], marks: false });
  for (const member of members(directory)) yield { ...member, path: memberName(top, member.path) };
}

/** One file, or a directory alone, by way of what it is in: so that it is opened itself and not where a link leads. */
function* entry(open: Open, path: string, name: string): Generator<Member, void, void> {
  const directory = open(posix.dirname(clean(path)), O_PATH | constants.O_DIRECTORY);
  try {
    const at = bytes(entryOf(directory, posix.basename(path)));
    yield { path: bytes(name), at, stat: lstatSync(raw(at), { bigint: true }), live: false };
  } finally {
    closeSync(directory);
  }
}
