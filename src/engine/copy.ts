/**
 * cp: files between a container and the host, as archives that go from the one side to the other piece by piece. Who
 * reads or writes in the container does so by descriptors below its root, whatever it does meanwhile.
 */
import { closeSync, constants, openSync, readlinkSync } from 'node:fs';
import { posix } from 'node:path';
import { reasonOf } from '#base/errno.ts';
import { hasCode, WherryError } from '#base/error.ts';
import type { IdMapping } from '#base/extras.ts';
import { absolute, checkOutput, destinationOutside, oddity, sourceOutside } from '#container/copy-outside.ts';
import {
  type CopyPoint,
  type CopySource,
  followed,
  insidePath,
  planCopy,
  type Renaming,
  renamer,
  splitPath,
} from '#container/copy-paths.ts';
import { archiveInside, archiveOutside, lookInside, NOBODY, type Seen } from '#container/copy-read.ts';
import { recordContainerEvent } from '#container/event.ts';
import { resolveUser } from '#container/identity.ts';
import { findContainer } from '#container/names.ts';
import type { ContainerRecord } from '#container/record.ts';
import { insideId, outsideId } from '#container/userns.ts';
import { asClient, asDaemon, explained, type Pieces, refuse } from '#engine/copy-errors.ts';
import { openView, type View } from '#engine/copy-view.ts';
import { decompressed } from '#store/decompress-stream.ts';
import type { OwnerOf } from '#store/pack.ts';
import type { Store } from '#store/store.ts';
import { tarReader } from '#store/tar.ts';
import { type Owner, type WriteOptions, writeBelow } from '#store/write-below.ts';
import { openInRoot } from '#sys/rooted.ts';
import { type IdRange, isMapped, userNamespace } from '#sys/userns.ts';

interface CopyOptions {
  /** A link at the end of the source stands for what it leads to. */
  followLink?: boolean;
  /** Called with the number of bytes that have gone over, headers too. */
  progress?: (bytes: number) => void;
}

export interface CopyOut extends CopyOptions {
  container: string;
  path: string;
  /** Where on the host, or who takes the archive in pieces, each of which is there until this returns. */
  to: string | ((piece: Buffer) => void);
}

/** What was copied: how many bytes, headers too, and the path where Docker's client says that it is. */
export interface Copied {
  bytes: number;
  place: string;
}

/**
 * Copies out of a container. What comes belongs to the user. Throws kind `not-found`, `invalid` in the words of Docker's
 * client, `unavailable` in those of its daemon.
 */
export async function copyOut(store: Store, request: CopyOut): Promise<Copied> {
  const { container, to } = request;
  const local = typeof to === 'string' ? absolute(to) : '-';
  checkOutput(local);
  const record = findContainer(store, container);
  await using view = await openView(store, record);
  const { seen, source } = sourceInside(view, request);
  recordContainerEvent(store, record, 'archive-path');
  const archived = archiveInside(view.root, seen.path, { owner: ownerInside(record) });
  const pieces = explained(archived, (error) => asDaemon(error, container, seen.path));
  const archive = counted(pieces, request.progress);
  if (typeof to !== 'string') {
    for await (const piece of archive.pieces) to(piece);
    return { bytes: archive.bytes(), place: local };
  }
  const plan = planCopy(source, destinationOutside(local));
  const renamings = source.rename === undefined ? [] : [{ from: splitPath(source.path).entry, to: source.rename }];
  if (plan.renaming !== undefined) renamings.push(plan.renaming);
  const explain = (error: unknown, path: string) => asClient(error, `${plan.directory}/${path}`);
  await unpack(archive.pieces, openOutside(plan.directory), { name: plan.directory, explain }, renamings);
  return { bytes: archive.bytes(), place: local };
}

function sourceInside(view: View, { container, path, followLink }: CopyOut): { seen: Seen; source: CopySource } {
  const look = (at: string) => {
    try {
      return lookInside(view.root, at);
    } catch (error) {
      throw asDaemon(error, container, at);
    }
  };
  const first = look(path);
  const end = followLink && first.target !== undefined ? followed(path, first.target) : { path };
  const seen = end.path === path ? first : look(end.path);
  return { seen, source: { ...end, isDirectory: seen.stat.isDirectory() } };
}

export interface CopyIn extends CopyOptions {
  container: string;
  path: string;
  /** A path on the host, or an archive, plain or compressed. */
  from: string | AsyncIterable<Buffer>;
  /** Everything is to belong to the user that the container runs as. */
  archive?: boolean;
}

/** Copies into a container. Owners go by number. Throws as copyOut(). */
export async function copyIn(store: Store, request: CopyIn): Promise<Copied> {
  const { container, path, from, progress } = request;
  const opened = await openIfThere(store, container);
  await using view = opened?.view;
  const destination = destinationInside(view, request);
  const source = typeof from === 'string' ? sourceOutside(absolute(from), request.followLink ?? false) : undefined;
  if (source === undefined && !destination.isDirectory) {
    throw new WherryError('invalid', `destination "${container}:${path}" must be a directory`);
  }
  const plan = source === undefined ? { directory: destination.path } : planCopy(source, destination);
  if (view === undefined || opened === undefined) throw new WherryError('not-found', `No such container: ${container}`);
  const { record } = opened;
  const explain = (error: unknown, at?: string) => asDaemon(error, container, plan.directory, at);
  const pieces =
    source === undefined
      ? explained(decompressed(from as AsyncIterable<Buffer>), explain)
      : explained(archiveOutside(source.path, source.rename), (error) => asClient(error, source.path));
  const archive = counted(pieces, progress);
  const directory = insidePath(plan.directory);
  const options = { name: directory, owner: ownerFor(record, view, request.archive ?? false), explain };
  const target = openTarget(view, record, directory, explain);
  await unpack(archive.pieces, target, options, plan.renaming === undefined ? [] : [plan.renaming]);
  recordContainerEvent(store, record, 'extract-to-dir');
  return { bytes: archive.bytes(), place: `${container}:${destination.path}` };
}

/** Its absence is told last, as by Docker's client. */
async function openIfThere(store: Store, name: string): Promise<{ record: ContainerRecord; view: View } | undefined> {
  let record: ContainerRecord;
  try {
    record = findContainer(store, name);
  } catch (error) {
    if (error instanceof WherryError && error.kind === 'not-found') return undefined;
    throw error;
  }
  return { record, view: await openView(store, record) };
}

/** What can't be seen counts as not there: who writes tells then what is wrong. */
function destinationInside(view: View | undefined, { container, path }: CopyIn): CopyPoint {
  const nothing = (at: string) => ({ path: at, exists: false, isDirectory: false });
  if (view === undefined) return nothing(path);
  const first = lookedAt(view, path);
  const at = first?.target ?? path;
  const seen = first?.target === undefined ? first : lookedAt(view, first.target);
  if (seen === undefined) return nothing(at);
  const why = oddity(seen.stat);
  if (why === undefined) return { path: at, exists: true, isDirectory: seen.stat.isDirectory() };
  const what = `destination "${container}:${path}" must be a directory or a regular file`;
  throw new WherryError('invalid', `${what}: ${why}`);
}

/** What is there, or undefined where nothing can be seen. */
function lookedAt(view: View, path: string): Seen | undefined {
  try {
    return lookInside(view.root, path);
  } catch (error) {
    if (error instanceof WherryError || reasonOf(error) !== undefined) return undefined;
    throw error;
  }
}

/** Opens the directory to write in. Throws in Docker's words where the container may not be written to. */
function openTarget(
  view: View,
  record: ContainerRecord,
  directory: string,
  explain: (error: unknown) => unknown,
): number {
  let fd: number;
  try {
    fd = openInRoot(view.root, directory, constants.O_RDONLY | constants.O_DIRECTORY);
  } catch (error) {
    const isFile = hasCode(error, 'ENOTDIR') && lookedAt(view, directory) !== undefined;
    throw isFile ? refuse('extraction point is not a directory') : explain(error);
  }
  try {
    checkWritable(record, readlinkSync(`/proc/self/fd/${fd}`));
    return fd;
  } catch (error) {
    closeSync(fd);
    throw error;
  }
}

/** By Docker's rules: what is mounted there decides, else the root. real: without links. */
function checkWritable({ mounts, hostConfig }: ContainerRecord, real: string): void {
  const above = mounts.filter(({ Destination }) => isBelow(real, Destination));
  if (above.some(({ RW }) => !RW)) throw refuse('mounted volume is marked read-only');
  if (above.length === 0 && hostConfig.ReadonlyRootfs) throw refuse('container rootfs is marked read-only');
}

const isBelow = (path: string, above: string) => `${path}/`.startsWith(`${posix.join(above, '/')}`);

/** Whose a file is as the container sees it: ids that it has not are nobody's there, as the kernel says. */
function ownerInside({ extras }: ContainerRecord): OwnerOf {
  const maps = extras?.maps;
  if (maps === undefined) return (uid, gid) => ({ uid, gid });
  return (uid, gid) => ({ uid: insideId(maps.uids, uid) ?? NOBODY, gid: insideId(maps.gids, gid) ?? NOBODY });
}

/** Each member's own ids, or with -a those of the container's user, where it has one; as they are outside. */
function ownerFor({ config, extras }: ContainerRecord, view: View, archive: boolean): Owner {
  const ours = userNamespace();
  const place = (ranges: readonly IdRange[], maps: readonly IdMapping[] | undefined, id: number) => {
    if (maps !== undefined) return outsideId(maps, id);
    return isMapped(ranges, id) ? id : undefined;
  };
  const user = archive && config.User ? resolveUser(`/proc/self/fd/${view.root}`, config.User) : undefined;
  return (entry) => {
    const wanted = user ?? entry;
    const uid = place(ours.uids, extras?.maps?.uids, wanted.uid);
    const gid = place(ours.gids, extras?.maps?.gids, wanted.gid);
    if (uid !== undefined && gid !== undefined) return { uid, gid };
    const what = `failed to Lchown ${JSON.stringify(`/${entry.name}`)} for UID ${wanted.uid}, GID ${wanted.gid}`;
    throw new WherryError('denied', `${what}: the container's user namespace does not have it`, {
      hint: 'Have root add ranges that reach it to /etc/subuid and /etc/subgid, or give the files another owner',
    });
  };
}

function openOutside(directory: string): number {
  try {
    return openSync(directory, constants.O_RDONLY | constants.O_DIRECTORY);
  } catch (error) {
    throw asClient(error, directory);
  }
}

/** Counts what goes by. */
function counted(pieces: Pieces, progress: (bytes: number) => void = () => undefined) {
  let bytes = 0;
  async function* counting() {
    for await (const piece of pieces) {
      bytes += piece.length;
      progress(bytes);
      yield piece;
      // Signals and timers are heard between two pieces only.
      await new Promise((resolve) => setImmediate(resolve));
    }
  }
  return { pieces: counting(), bytes: () => bytes };
}

/** Unpacks below a directory, whose descriptor is closed in the end. */
async function unpack(pieces: Pieces, target: number, options: WriteOptions, renamings: readonly Renaming[]) {
  const steps = renamings.map(inBytes).map(renamer);
  const rename = (name: string) => steps.reduce((before, step) => step(before), name);
  try {
    using writing = writeBelow(target, options);
    const reader = tarReader((entry, content, next) => {
      const linkName = entry.kind === 'link' ? rename(entry.linkName) : entry.linkName;
      writing.onEntry({ ...entry, name: rename(entry.name), linkName }, content, next);
    });
    for await (const piece of pieces) await reader.write(piece);
    reader.end();
    writing.finish();
  } catch (error) {
    // What is wrong with the archive itself; all else is explained already.
    throw error instanceof WherryError && error.kind === 'corrupt' ? options.explain(error, '') : error;
  } finally {
    closeSync(target);
  }
}

/** Names in archives are bytes. */
const inBytes = ({ from, to }: Renaming): Renaming => ({
  from: Buffer.from(from).toString('latin1'),
  to: Buffer.from(to).toString('latin1'),
});
