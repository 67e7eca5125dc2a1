/** What COPY and ADD take: the files of a source that an action means, in the order in which they are hashed and copied. */

import { WherryError } from '#base/error.ts';
import { globOf } from '#base/glob.ts';
import { bytesOf, cleanPath, joined, nameOf, type TreeReader } from '#build/solve/tree.ts';
import type { CopyAction } from '#build/vertex.ts';
import { parentOf } from '#store/tree.ts';
import type { Directory, Found } from '#store/union.ts';

/** Which files of a directory are meant; paths as text, relative to it. */
export interface Filter {
  /** Is this one wanted? */
  takes(path: string, isDirectory: boolean): boolean;
  /** Can anything in this directory, which is not wanted itself, be wanted? */
  enters(path: string): boolean;
}

/** Something that files are copied from. */
export interface Source {
  tree: TreeReader;
  /** What it is, where that says all of its content: a tree's layers, a commit. Absent: a directory of the user's. */
  id?: string;
  /** A context's .dockerignore. */
  filter?: Filter;
  /** The digest of a regular file's bytes and of its attributes. */
  digest(path: string, found: Found): string;
  /** Keeps what was learnt of them. */
  save?: () => void;
}

/** One of the files that an action's source has matched. */
export interface Matched {
  /** Where it is in the source, links followed. */
  path: string;
  /** Its last part as it was written: what it is called in a directory that it goes to. */
  name: string;
  found: Found;
}

/** A file in what is copied. */
export interface Item {
  /** Below the directory that is copied; never ''. */
  path: string;
  /** In the source. */
  from: string;
  found: Found;
}

/**
 * What an action's `source` means; nothing where a wildcard may match nothing.
 * Throws kind `not-found` in BuildKit's words.
 */
export function matchSources(source: Source, { source: text, wildcard, allowEmpty }: CopyAction): Matched[] {
  const path = bytesOf(text);
  if (!wildcard || !hasWildcard(path)) {
    const found = follow(source, cleanPath(path));
    if (found === undefined) throw notFound(text);
    return [found];
  }
  const matched = expand(source, cleanPath(path)).flatMap((one) => follow(source, one) ?? []);
  if (matched.length === 0 && !allowEmpty) throw notFound(text);
  return matched;
}

const notFound = (path: string) =>
  new WherryError(
    'not-found',
    `failed to compute cache key: failed to calculate checksum of ref: "${path.replace(/^\/*/, '/')}": not found`,
  );

/** Go's filepath.Match has these; a backslash makes them plain. */
function hasWildcard(path: string): boolean {
  return /(?:^|[^\\])(?:\\\\)*[*?[]/.test(path);
}

function resolveSource(tree: TreeReader, path: string): string {
  try {
    return tree.resolve(path);
  } catch (cause) {
    if (!(cause instanceof WherryError)) throw cause;
    const message = 'failed to compute cache key: failed to calculate checksum of ref: too many links';
    throw new WherryError('invalid', message, { cause });
  }
}

function follow({ tree, filter }: Source, path: string): Matched | undefined {
  const resolved = resolveSource(tree, path);
  const found = tree.find(resolved);
  if (found === undefined || (resolved !== '' && filter !== undefined && !isShown(tree, filter, resolved))) {
    return undefined;
  }
  return { path: resolved, name: nameOf(path), found };
}

/** A directory that is left out shows where something in it does not. */
function isShown(tree: TreeReader, filter: Filter, path: string): boolean {
  const text = Buffer.from(path, 'latin1').toString();
  const isDirectory = tree.find(path)?.stat.isDirectory() ?? false;
  if (filter.takes(text, isDirectory)) return true;
  if (!isDirectory || !filter.enters(text)) return false;
  const directory = tree.directory(path);
  if (directory === undefined) return false;
  return !walkFrom(directory, { above: path, below: '' }, { filter }).next().done;
}

/** The paths that match, part by part; links on the way are followed. */
function expand({ tree }: Source, pattern: string): string[] {
  let found = [''];
  for (const part of pattern.split('/')) {
    if (!hasWildcard(part)) {
      found = found.map((above) => joined(above, part.replace(/\\(.)/g, '$1')));
      continue;
    }
    const glob = globOf(part);
    found = found.flatMap((above) =>
      namesIn(tree, above)
        .filter((name) => glob.test(name))
        .map((name) => joined(above, name)),
    );
  }
  return found.filter((path) => tree.find(joined(tree.resolve(parentOf(path)), nameOf(path))) !== undefined);
}

const namesIn = (tree: TreeReader, path: string): string[] => tree.directory(tree.resolve(path))?.names() ?? [];

/** What an action leaves out of what it has matched, and what alone it takes. */
interface Picking {
  /** The source's own, by paths in the source. */
  filter?: Filter | undefined;
  /** The action's, by paths below what is copied. */
  pick?: Filter | undefined;
}

/** Everything in a directory of a source that is wanted: a directory before what is in it, sorted by bytes. */
export function walk(source: Source, path: string, pick?: Filter): Generator<Item, void, void> {
  const directory = source.tree.directory(path);
  return directory === undefined
    ? none()
    : walkFrom(directory, { above: path, below: '' }, { filter: source.filter, pick });
}

function* none(): Generator<Item, void, void> {
  // Nothing: it went meanwhile.
}

interface Where {
  /** In the source. */
  above: string;
  /** In what is copied. */
  below: string;
  /** Directories on the way that come only with something in them. */
  pending?: Item[];
}

function* walkFrom(
  of: Directory,
  { above, below, pending = [] }: Where,
  picking: Picking,
): Generator<Item, void, void> {
  for (const name of of.names()) {
    const found = of.find(name);
    if (found === undefined) continue;
    const item = { path: joined(below, name), from: joined(above, name), found };
    const verdict = judge(item, picking);
    if (verdict === 'take') {
      yield* pending.splice(0);
      yield item;
    }
    if (verdict === 'leave' || !found.stat.isDirectory()) continue;
    using directory = of.enter(name);
    if (directory === undefined) continue;
    const waiting = verdict === 'enter' ? [...pending, item] : [];
    for (const inside of walkFrom(directory, { above: item.from, below: item.path, pending: waiting }, picking)) {
      pending.length = 0;
      yield inside;
    }
  }
}

function judge({ path, from, found }: Item, { filter, pick }: Picking): 'take' | 'enter' | 'leave' {
  const isDirectory = found.stat.isDirectory();
  const [inSource, inCopy] = [text(from), text(path)];
  const taken = (filter?.takes(inSource, isDirectory) ?? true) && (pick?.takes(inCopy, isDirectory) ?? true);
  if (taken) return 'take';
  if (!isDirectory) return 'leave';
  const entered = (one: Filter | undefined, at: string) => one === undefined || one.takes(at, true) || one.enters(at);
  return entered(filter, inSource) && entered(pick, inCopy) ? 'enter' : 'leave';
}

const text = (bytes: string) => Buffer.from(bytes, 'latin1').toString();
