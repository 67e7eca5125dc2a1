/**
 * Trees of files as the solver reads them: an image's layers, a context's directory. Paths have no leading slash and are
 * strings of one character a byte (latin1); '' is the root. Nothing is mounted, and no link leads out.
 */
import { lstatSync, readFileSync, readlinkSync } from 'node:fs';
import { hasCode } from '#base/error.ts';
import { parentOf, raw } from '#store/tree.ts';
import { type Directory, type Found, openUnion, type Union } from '#store/union.ts';
import { resolveLinks } from '#sys/rooted.ts';

export interface TreeReader {
  /** What stands at a path whose parents are no links; the last part itself may be one. */
  find(path: string): Found | undefined;
  /** A directory; undefined where there is none. */
  directory(path: string): Directory | undefined;
  /** Where a path leads. Throws kind `invalid` for links in a circle. */
  resolve(path: string): string;
}

/** The files of a tree; each directory that is asked for is looked up once. */
export function readTree(union: Union): TreeReader {
  const directories = new Map<string, Directory | undefined>([['', openUnion(union)]]);
  const directory = (path: string): Directory | undefined => {
    if (directories.has(path)) return directories.get(path);
    const found = directory(parentOf(path))?.enter(nameOf(path));
    directories.set(path, found);
    return found;
  };
  const find = (path: string): Found | undefined => {
    if (path === '') return rootOf(union);
    return directory(parentOf(path))?.find(nameOf(path));
  };
  return { directory, find, resolve: (path) => resolveIn({ find }, path) };
}

/** The last part of a path. */
export const nameOf = (path: string): string => path.slice(path.lastIndexOf('/') + 1);

export const joined = (above: string, name: string): string => (above === '' ? name : `${above}/${name}`);

/** A path without leading slash, `.`, `..` and trailing slash. */
export function cleanPath(path: string): string {
  const parts: string[] = [];
  for (const part of path.split('/')) {
    if (part === '..') parts.pop();
    else if (part !== '' && part !== '.') parts.push(part);
  }
  return parts.join('/');
}

/** As the solver has paths; a Dockerfile's are text. */
export const bytesOf = (text: string): string => Buffer.from(text).toString('latin1');
export const textOf = (bytes: string): string => Buffer.from(bytes, 'latin1').toString();

/** Follows every link of a path, inside of the tree. */
export function resolveIn({ find }: Pick<TreeReader, 'find'>, path: string): string {
  return resolveLinks(path, (at) => {
    const found = find(at.slice(1));
    return found?.stat.isSymbolicLink() ? linkOf(found) : undefined;
  }).slice(1);
}

/** What a link says. */
export const linkOf = ({ at }: Pick<Found, 'at'>): string => readlinkSync(raw(at), { encoding: 'latin1' as 'utf8' });

function rootOf({ layers }: Union): Found | undefined {
  const [top] = layers;
  if (top === undefined) return undefined;
  const stat = lstatSync(raw(top.path), { bigint: true, throwIfNoEntry: false });
  return stat === undefined ? undefined : { at: top.path, stat, live: top.live };
}

/** A tree's file may be gigabytes: passwd and its like are not. */
const MOST_TEXT = 16 * 1024 * 1024;

/** The text of a regular file of a tree, links followed; '' where there is none. */
export function textIn(tree: TreeReader, path: string): string {
  const found = tree.find(tree.resolve(path));
  if (found === undefined || !found.stat.isFile() || found.stat.size > MOST_TEXT) return '';
  try {
    return readFileSync(raw(found.at), 'utf8');
  } catch (error) {
    if (hasCode(error, 'ENOENT', 'EACCES')) return '';
    throw error;
  }
}
