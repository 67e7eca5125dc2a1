/**
 * .dockerignore, and the patterns of `COPY --exclude`: which paths they name, by the rules of moby/patternmatcher.
 * Later patterns win; those with `!` take back. Paths are relative, with slashes, without one at either end. Pure.
 */
import { posix } from 'node:path';
import { wrong } from '#build/dockerfile/fault.ts';
import { compilePattern, type PathPattern } from '#build/dockerfile/path-pattern.ts';
import { trim } from '#build/dockerfile/text.ts';

/** What was found out about a path; its children's begins with it. */
export interface Matched {
  isMatched: boolean;
  /** Which groups of patterns have named it, or a directory it is in. */
  groups: readonly boolean[];
}

export interface Matcher {
  /** The path of a walk; `parent` is what its directory has given, undefined at the top. */
  match(path: string, parent?: Matched): Matched;
  /** A path alone: its directories are looked at too. */
  matches(path: string): boolean;
  /** Nothing below this directory, which is matched, can be taken back: it needn't be entered. */
  isClosed(directory: string): boolean;
}

/** Patterns in a row with the same sign: it's enough that one matches. */
interface Group {
  isException: boolean;
  /** Whole paths; a file may have a hundred thousand of them. */
  exact: Set<string>;
  patterns: PathPattern[];
}

/** The patterns of a file: comments and empty lines left out, paths cleaned. */
export function readIgnoreFile(text: string): string[] {
  return text
    .replace(/^\ufeff/, '')
    .split('\n')
    .flatMap((line) => {
      const pattern = line.startsWith('#') ? '' : trim(line);
      if (pattern === '') return [];
      return pattern.startsWith('!') ? `!${cleaned(trim(pattern.slice(1)))}` : cleaned(pattern);
    });
}

/** `/some/path` means the same as `some/path`. */
function cleaned(pattern: string): string {
  const path = pattern === '' ? '' : cleanPath(pattern);
  return path.length > 1 && path.startsWith('/') ? path.slice(1) : path;
}

function cleanPath(path: string): string {
  return posix.normalize(path).replace(/(?<=.)\/$/, '');
}

/** Throws kind `invalid` for a pattern that can't be read. */
export function makeMatcher(patterns: readonly string[]): Matcher {
  const groups: Group[] = [];
  for (const written of patterns) addPattern(groups, written);
  const match: Matcher['match'] = (path, parent) => walk(groups, path, parent);
  const exceptions = groups.flatMap((group) => (group.isException ? startsOf(group) : []));
  return {
    match,
    matches: (path) => {
      const parts = path.split('/');
      let found: Matched | undefined;
      for (const [index] of parts.entries()) found = match(parts.slice(0, index + 1).join('/'), found);
      return found?.isMatched ?? false;
    },
    isClosed: (directory) =>
      !exceptions.some((start) => start === undefined || `${start}/`.startsWith(`${directory}/`)),
  };
}

function addPattern(groups: Group[], written: string): void {
  const trimmed = trim(written);
  if (trimmed === '') return;
  const pattern = cleanPath(trimmed);
  if (pattern === '!') throw wrong('illegal exclusion pattern: "!"');
  const isException = pattern.startsWith('!');
  const last = groups.at(-1);
  const group = last?.isException === isException ? last : { isException, exact: new Set<string>(), patterns: [] };
  if (group !== last) groups.push(group);
  const compiled = compilePattern(isException ? pattern.slice(1) : pattern);
  if (compiled.exact === undefined) group.patterns.push(compiled);
  else group.exact.add(compiled.exact);
}

/** The fixed paths that a group's patterns begin with; undefined for one that can be anywhere. */
function startsOf({ exact, patterns }: Group): (string | undefined)[] {
  return [...exact, ...patterns.map(({ start }) => start)];
}

function walk(groups: readonly Group[], path: string, parent: Matched | undefined): Matched {
  let isMatched = false;
  const found = groups.map((group, index) => {
    const isNamed = parent?.groups[index] === true || (group.isException === isMatched && names(group, path));
    if (isNamed) isMatched = !group.isException;
    return isNamed;
  });
  return { isMatched, groups: found };
}

function names({ exact, patterns }: Group, path: string): boolean {
  return exact.has(path) || patterns.some(({ matches }) => matches(path));
}
