/** export: all files of a container as one archive, read from its layers, whether it runs or not. */
import { WherryError } from '#base/error.ts';
import { recordContainerEvent } from '#container/event.ts';
import { findContainer } from '#container/names.ts';
import type { ContainerRecord } from '#container/record.ts';
import { containerTree, hasOwnFiles, PLACEHOLDERS } from '#container/tree.ts';
import type { Placeholder } from '#store/changes.ts';
import { type Packable, packTree } from '#store/pack.ts';
import type { Store } from '#store/store.ts';
import type { NewEntry } from '#store/tar-write.ts';
import { type Member, members, openUnion } from '#store/union.ts';

export interface ExportOptions {
  abort?: AbortSignal;
}

/** Exports into a file, which appears when it is whole. Throws kind `invalid` where none can be written. */
export async function exportToFile(store: Store, name: string, path: string, options: ExportOptions = {}) {
  const { openOutputFile } = await import('#sys/output-file.ts');
  const about = 'failed to export container';
  try {
    using file = openOutputFile(path);
    await exportContainer(store, name, (piece) => file.write(piece), options);
    file.commit();
  } catch (error) {
    if (!(error instanceof WherryError) || error.kind !== 'invalid') throw error;
    throw new WherryError('invalid', `${about}: ${error.message}`, { cause: error });
  }
}

/** Hands the archive over in pieces, each of which is there until `take` returns. Throws kind `not-found`. */
export async function exportContainer(
  store: Store,
  name: string,
  take: (piece: Buffer) => void,
  { abort }: ExportOptions = {},
): Promise<void> {
  const record = findContainer(store, name);
  recordContainerEvent(store, record, 'export');
  for (const piece of containerArchive(store, record)) {
    take(piece);
    // Signals are heard between two pieces only.
    await new Promise((resolve) => setImmediate(resolve));
    abort?.throwIfAborted();
  }
}

/**
 * The archive in pieces, each there until the next one is asked for. Volumes are not in it. As with Docker, the files
 * that every container has in its own way (/etc/hosts …) are empty, whatever the image brings at their places.
 */
function* containerArchive(store: Store, record: ContainerRecord): Generator<Buffer, void, void> {
  using root = openUnion(containerTree(store, record));
  yield* packTree(withPlaceholders(members(root), missingEntries(store, record)));
}

/** By path, in the order of a tree. */
function missingEntries(store: Store, record: ContainerRecord): Map<string, NewEntry> {
  const deleted = hasOwnFiles(store, record);
  const seconds = Math.floor(Date.parse(record.created) / 1000);
  const paths = [...PLACEHOLDERS.keys()].sort((a, b) => (treeOrder(a) < treeOrder(b) ? -1 : 1));
  const wanted = paths.filter((path) => !(deleted && PLACEHOLDERS.get(path)?.deletable));
  return new Map(wanted.map((path) => [path, asEntry(path, PLACEHOLDERS.get(path), seconds)]));
}

function asEntry(path: string, placeholder: Placeholder | undefined, seconds: number): NewEntry {
  const { kind = 'file', target = '' } = placeholder ?? {};
  const mode = kind === 'symlink' ? 0o777 : 0o755;
  return { kind, name: path, linkName: target, mode, modified: { seconds, nanoseconds: 0 } };
}

/** A slash comes before all else that can be in a name. */
const treeOrder = (path: string) => path.replaceAll('/', '\0');

/** The tree's files, with what it lacks at its place among them. */
function* withPlaceholders(tree: Iterable<Member>, missing: Map<string, NewEntry>): Generator<Packable, void, void> {
  const before = function* (path: string | undefined) {
    for (const [name, entry] of missing) {
      if (path !== undefined && treeOrder(name) >= treeOrder(path)) break;
      missing.delete(name);
      yield entry;
    }
  };
  for (const member of tree) {
    if (missing.size === 0) {
      yield member;
      continue;
    }
    yield* before(member.path);
    const entry = missing.get(member.path);
    missing.delete(member.path);
    if (entry === undefined || isItself(member, entry)) yield member;
    else yield entry;
    // Nothing can be made where the container has something else than a directory.
    if (!member.stat.isDirectory())
      for (const name of missing.keys()) if (name.startsWith(`${member.path}/`)) missing.delete(name);
  }
  yield* before(undefined);
}

/** What the container has made of it stays; the image's own file does not show in any container. */
function isItself({ live, stat }: Member, { kind }: NewEntry): boolean {
  if (kind === 'directory' && stat.isDirectory()) return true;
  return live && !(kind === 'file' && stat.isFile() && stat.size === 0n);
}
