/** A build's files as they are taken out of it: `--output type=tar` and `type=local`. */
import {
  chmodSync,
  constants,
  copyFileSync,
  linkSync,
  lstatSync,
  mkdirSync,
  readlinkSync,
  rmSync,
  symlinkSync,
} from 'node:fs';
import { reasonOf } from '#base/errno.ts';
import { WherryError } from '#base/error.ts';
import { type Packable, packTree } from '#store/pack.ts';
import type { Store } from '#store/store.ts';
import { raw } from '#store/tree.ts';
import { layerPlaces, type Member, members, openUnion } from '#store/union.ts';
import { setTimes } from '#sys/ffi.ts';
import { asStorageError } from '#sys/file.ts';

/** Files of one result; with several, each has a directory of its own. */
export interface Exported {
  /** `linux_amd64`, or '' for the top. */
  directory: string;
  /** Lowest first. */
  diffIds: readonly string[];
}

function* membersOf(store: Store, { diffIds }: Exported): Generator<Member, void, void> {
  using top = openUnion({ layers: layerPlaces(store, diffIds, 'the build'), marks: true });
  yield* members(top);
}

/** All of them as one archive, in pieces that each are there until the next one is asked for. */
export function tarOf(store: Store, results: readonly Exported[]): Generator<Buffer, void, void> {
  function* files(): Generator<Packable, void, void> {
    for (const result of results) {
      const { directory } = result;
      if (directory !== '') yield { kind: 'directory', name: `${directory}/`, mode: 0o755 };
      for (const member of membersOf(store, result)) {
        yield directory === '' ? member : { ...member, path: `${directory}/${member.path}` };
      }
    }
  }
  return packTree(files());
}

/**
 * Writes all of them below a directory, which is made where it is not there; what else is in it stays. Everything belongs to
 * whoever builds, as with buildx. `told` is called with the bytes so far.
 * Throws kind `invalid` where something in the way can't be replaced, `unavailable` on a full disk.
 */
export async function writeTree(
  store: Store,
  results: readonly Exported[],
  dest: string,
  { abort, told }: { abort?: AbortSignal | undefined; told?: (bytes: number) => void } = {},
): Promise<void> {
  let [count, size] = [0, 0];
  for (const result of results) {
    const root = Buffer.from(result.directory === '' ? dest : `${dest}/${result.directory}`).toString('latin1');
    attempt(root, () => mkdirSync(raw(root), { recursive: true, mode: 0o755 }));
    const copying: Copying = { root, links: new Map(), directories: [] };
    for (const member of membersOf(store, result)) {
      size += attempt(`${root}/${member.path}`, () => place(copying, member));
      count += 1;
      if (count % 100 !== 0) continue;
      told?.(size);
      // Signals are heard between two files only.
      await new Promise((resolve) => setImmediate(resolve));
      abort?.throwIfAborted();
    }
    for (const [at, { stat }] of copying.directories.reverse()) finish(at, stat);
  }
  told?.(size);
}

interface Copying {
  root: string;
  /** The first place of each file that has several names. */
  links: Map<string, string>;
  /** Their modes and times are set in the end: they may forbid to write in them. */
  directories: [at: string, member: Member][];
}

/** The bytes that were copied. */
function place({ root, links, directories }: Copying, member: Member): number {
  const { path, stat, at: source } = member;
  const at = `${root}/${path}`;
  const present = lstatSync(raw(at), { throwIfNoEntry: false });
  if (stat.isDirectory()) {
    if (present !== undefined && !present.isDirectory()) rmSync(raw(at));
    if (!present?.isDirectory()) mkdirSync(raw(at), 0o700);
    directories.push([at, member]);
    return 0;
  }
  if (present?.isDirectory()) throw new WherryError('invalid', `Cannot write "${text(at)}": there is a directory`);
  if (present !== undefined) rmSync(raw(at));
  if (stat.isSymbolicLink()) symlinkSync(readlinkSync(raw(source), { encoding: 'buffer' }), raw(at));
  // Devices and pipes mean nothing outside of containers.
  else if (stat.isFile()) return placeFile(links, member, at);
  return 0;
}

function placeFile(links: Copying['links'], { stat, at: source }: Member, at: string): number {
  const key = `${stat.dev}:${stat.ino}`;
  const first = stat.nlink > 1n ? links.get(key) : undefined;
  if (first !== undefined) {
    linkSync(raw(first), raw(at));
    return 0;
  }
  links.set(key, at);
  copyFileSync(raw(source), raw(at), constants.COPYFILE_EXCL | constants.COPYFILE_FICLONE);
  finish(at, stat);
  return Number(stat.size);
}

function finish(at: string, stat: Member['stat']): void {
  // Who may not become root by it gets no right to.
  chmodSync(raw(at), Number(stat.mode) & 0o777);
  setTimes(raw(at), stat.atimeNs, stat.mtimeNs);
}

const text = (path: string) => Buffer.from(path, 'latin1').toString();

function attempt<T>(path: string, work: () => T): T {
  try {
    return work();
  } catch (cause) {
    const told = asStorageError(cause, text(path));
    const why = reasonOf(cause);
    if (told !== cause || why === undefined) throw told;
    throw new WherryError('invalid', `Cannot write "${text(path)}": ${why}`, { cause });
  }
}
