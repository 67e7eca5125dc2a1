/**
 * Trees as tar archives, as Docker writes them: times in whole seconds, a file with several names once and then as hard
 * links, no sockets, which nothing could connect to.
 *
 * A tree may change while it is read: of a file goes as much as it had when it was opened, zeros in place of what has
 * been taken away since, so that the archive stays whole. No link is followed.
 */
import { type BigIntStats, closeSync, constants, fstatSync, openSync, readlinkSync, readSync } from 'node:fs';
import { hasCode } from '#base/error.ts';
import { attributesOf } from '#store/attributes.ts';
import { END_OF_ARCHIVE, type NewEntry, padding, tarHeader } from '#store/tar-write.ts';
import { raw } from '#store/tree.ts';
import { type Member, ownedBy } from '#store/union.ts';

/** A file of a tree, or one without content that is in the archive alone. */
export type Packable = Member | NewEntry;

/** What comes out at once: large, so that whoever takes it has little to do for each. */
const PIECE = 1024 * 1024;

export interface PackOptions {
  /** Whose a file is in the archive, by its owner's ids; by itself the same. */
  owner?: OwnerOf;
}

/** Ids that stand for others. */
export type OwnerOf = (uid: number, gid: number) => { uid: number; gid: number };

const SAME: OwnerOf = (uid, gid) => ({ uid, gid });

/**
 * The archive of these files, in pieces that each are there until the next one is asked for.
 * Throws kind `unsupported` for what no archive can hold.
 */
export function* packTree(
  files: Iterable<Packable>,
  { owner = SAME }: PackOptions = {},
): Generator<Buffer, void, void> {
  const out = Buffer.allocUnsafe(PIECE);
  const links = new Map<string, string>();
  let used = 0;
  function* put(bytes: Buffer): Generator<Buffer, void, void> {
    for (let at = 0; at < bytes.length; ) {
      if (used === PIECE) yield* flush();
      const count = bytes.copy(out, used, at);
      used += count;
      at += count;
    }
  }
  function* flush(): Generator<Buffer, void, void> {
    if (used > 0) yield out.subarray(0, used);
    used = 0;
  }
  function* content(fd: number, size: number): Generator<Buffer, void, void> {
    for (let left = size, ended = false; left > 0; ) {
      if (used === PIECE) yield* flush();
      const room = Math.min(left, PIECE - used);
      const count = ended ? 0 : readSync(fd, out, used, room, null);
      if (count === 0) {
        ended = true;
        out.fill(0, used, used + room);
      }
      used += count || room;
      left -= count || room;
    }
    yield* put(padding(size));
  }
  for (const file of files) {
    using opened = open(file, links);
    if (opened === undefined) continue;
    const { uid = 0, gid = 0 } = opened.entry;
    yield* put(tarHeader('stat' in file ? { ...opened.entry, ...owner(uid, gid) } : opened.entry));
    if (opened.fd !== undefined) yield* content(opened.fd, opened.entry.size ?? 0);
  }
  yield* put(END_OF_ARCHIVE);
  yield* flush();
}

interface Opened extends Disposable {
  entry: NewEntry;
  /** Where its content is. */
  fd?: number;
}

/** links: the first name of each file that has several. Undefined: it is gone, or nothing for an archive. */
function open(file: Packable, links: Map<string, string>): Opened | undefined {
  if (!('stat' in file)) return { entry: file, [Symbol.dispose]: () => undefined };
  try {
    if (!file.stat.isFile()) return asEntry(file, links);
    return openFile(file, links);
  } catch (error) {
    if (file.live && hasCode(error, 'ENOENT', 'ENOTDIR', 'ELOOP', 'EINVAL', 'ENXIO')) return undefined;
    throw error;
  }
}

function asEntry(file: Member, links: Map<string, string>): Opened | undefined {
  const entry = describe(file, file.stat);
  const made = entry === undefined ? undefined : (asLink(entry, file.stat, links) ?? entry);
  return made === undefined ? undefined : { entry: made, [Symbol.dispose]: () => undefined };
}

const READ = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;

function openFile(file: Member, links: Map<string, string>): Opened | undefined {
  const fd = openSync(raw(file.at), READ);
  const close = () => closeSync(fd);
  try {
    const stat = ownedBy(fstatSync(fd, { bigint: true }), file.owners);
    const entry = stat.isFile() ? describe(file, stat) : undefined;
    const link = entry === undefined ? undefined : asLink(entry, stat, links);
    if (entry !== undefined && link === undefined) return { entry, fd, [Symbol.dispose]: close };
    close();
    return link === undefined ? undefined : { entry: link, [Symbol.dispose]: () => undefined };
  } catch (error) {
    close();
    throw error;
  }
}

/** A further name of a file that is in the archive already; notes the first one. */
function asLink(entry: NewEntry, stat: BigIntStats, links: Map<string, string>): NewEntry | undefined {
  if (stat.nlink < 2n || entry.kind === 'directory') return undefined;
  // A number may be given anew to a file that was made meanwhile; its birth tells the two apart.
  const key = `${stat.dev}:${stat.ino}:${stat.birthtimeNs}`;
  const first = links.get(key);
  if (first === undefined) links.set(key, entry.name);
  return first === undefined ? undefined : { ...entry, kind: 'link', linkName: first, size: 0 };
}

function describe(file: Member, stat: BigIntStats): NewEntry | undefined {
  const kind = kindOf(stat);
  if (kind === undefined) return undefined;
  return {
    kind,
    name: file.path,
    linkName: kind === 'symlink' ? readlinkSync(raw(file.at), { encoding: 'latin1' as 'utf8' }) : '',
    size: kind === 'file' ? Number(stat.size) : 0,
    mode: Number(stat.mode) & 0o7777,
    uid: Number(stat.uid),
    gid: Number(stat.gid),
    modified: { seconds: seconds(stat.mtimeNs), nanoseconds: 0 },
    ...(kind.endsWith('device') ? deviceNumbers(stat.rdev) : {}),
    // A link has none that count, and each look costs as much as reading the link.
    attributes: kind === 'symlink' ? [] : attributesOf(file.at),
  };
}

function kindOf(stat: BigIntStats): NewEntry['kind'] | undefined {
  if (stat.isFile()) return 'file';
  if (stat.isDirectory()) return 'directory';
  if (stat.isSymbolicLink()) return 'symlink';
  if (stat.isFIFO()) return 'fifo';
  if (stat.isCharacterDevice()) return 'character-device';
  return stat.isBlockDevice() ? 'block-device' : undefined;
}

/** Rounded down, also before 1970. */
const seconds = (nanoseconds: bigint) => Number((nanoseconds - (((nanoseconds % NANO) + NANO) % NANO)) / NANO);
const NANO = 1_000_000_000n;

/** makedev(3), as glibc puts the two numbers together. */
function deviceNumbers(device: bigint): { major: number; minor: number } {
  const major = ((device >> 8n) & 0xfffn) | ((device >> 32n) & 0xfffff000n);
  const minor = (device & 0xffn) | ((device >> 12n) & 0xffffff00n);
  return { major: Number(major), minor: Number(minor) };
}
