/** Patterns as filters: .dockerignore, --exclude and --parents. */
import { type Matched, type Matcher, makeMatcher, readIgnoreFile } from '#build/dockerfile/ignore.ts';
import type { Filter } from '#build/solve/source.ts';
import type { CopyAction } from '#build/vertex.ts';
import { parentOf } from '#store/tree.ts';

/** What a copy means of what it has matched; undefined: all of it. Throws kind `invalid` for patterns that are none. */
export function pickOf({ exclude, include }: CopyAction): Filter | undefined {
  const filters = [
    ...(exclude.length === 0 ? [] : [leavingOut(makeMatcher(exclude))]),
    ...(include === undefined ? [] : [takingOnly(include)]),
  ];
  if (filters.length === 0) return undefined;
  return {
    takes: (path, isDirectory) => filters.every((filter) => filter.takes(path, isDirectory)),
    enters: (path) => filters.every((filter) => filter.takes(path, true) || filter.enters(path)),
  };
}

/** The text of a .dockerignore; undefined where it leaves nothing out. */
export function ignoreFilter(text: string): Filter | undefined {
  const patterns = readIgnoreFile(text);
  return patterns.length === 0 ? undefined : leavingOut(makeMatcher(patterns));
}

function leavingOut(matcher: Matcher): Filter {
  const matched = remembering(matcher);
  return {
    takes: (path) => !matched(path).isMatched,
    enters: (path) => !matcher.isClosed(path),
  };
}

function takingOnly(patterns: readonly string[]): Filter {
  const matched = remembering(makeMatcher(patterns));
  const starts = patterns.map(fixedStart);
  const leads = (one: string, other: string) => one === '' || `${other}/`.startsWith(`${one}/`);
  return {
    takes: (path) => matched(path).isMatched,
    enters: (path) => starts.some((start) => leads(start, path) || leads(path, start)),
  };
}

/** The directories before the first wildcard. */
function fixedStart(pattern: string): string {
  const parts = pattern.replace(/^\/+/, '').split('/');
  const wild = parts.findIndex((part) => /[*?[\\]/.test(part));
  return (wild === -1 ? parts : parts.slice(0, wild)).join('/');
}

/** What a directory is decides for what is in it: it is asked once. */
function remembering(matcher: Matcher): (path: string) => Matched {
  const directories = new Map<string, Matched>();
  const directory = (path: string): Matched | undefined => {
    if (path === '') return undefined;
    const known = directories.get(path) ?? matcher.match(path, directory(parentOf(path)));
    directories.set(path, known);
    return known;
  };
  return (path) => matcher.match(path, directory(parentOf(path)));
}
