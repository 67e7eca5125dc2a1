/**
 * What the two paths of a copy mean: Docker's rules for trailing slashes and dots, by which a source goes into a directory
 * or takes a name (docker cp's manual page; moby/go-archive, copy.go). Pure; paths are strings of the system's separator.
 */
import { posix } from 'node:path';
import { WherryError } from '#base/error.ts';

/** `CONTAINER:PATH` or a local path: what begins with a slash or a dot is always local. */
export function splitCopyArgument(argument: string): { container: string; path: string } {
  const colon = argument.startsWith('/') || argument.startsWith('.') ? -1 : argument.indexOf(':');
  return { container: argument.slice(0, Math.max(0, colon)), path: argument.slice(colon + 1) };
}

/** Says where the source of a copy is, or where it goes. */
export interface CopyPoint {
  path: string;
  exists: boolean;
  isDirectory: boolean;
}

export interface CopySource {
  path: string;
  isDirectory: boolean;
  /** The first name in its archive, where that is not what the path ends with: a followed link keeps its own. */
  rename?: string;
}

/** Go's filepath.Clean: no trailing slash. */
export const clean = (path: string) => posix.join(path, '.').replace(/(?<=.)\/$/, '');

/** Go's filepath.Base: trailing slashes don't count, and nothing is `.`. */
const base = (path: string) => (path === '' ? '.' : posix.basename(path) || '/');

/** Is the last part of a path `.`? */
const endsInDot = (path: string) => base(path) === '.';

/** Whoever writes such a path means a directory. */
const namesDirectory = (path: string) => path.endsWith('/') || endsInDot(path);

/** The cleaned path with the trailing `/` or `/.` that the original one has. */
export function keepEnding(cleaned: string, original: string): string {
  const slash = cleaned.endsWith('/') ? '' : '/';
  if (endsInDot(original) && !endsInDot(cleaned)) return `${cleaned}${slash}.`;
  return original.endsWith('/') ? `${cleaned}${slash}` : cleaned;
}

/** A path as its directory and the entry there, which stays `.` where the path ends so. */
export function splitPath(path: string): { directory: string; entry: string } {
  const cleaned = clean(path);
  const whole = endsInDot(path) && !endsInDot(cleaned) ? `${cleaned.replace(/\/$/, '')}/.` : cleaned;
  return { directory: directoryOf(whole), entry: base(whole) };
}

/** Go's filepath.Dir, which takes a trailing `/.` for an entry. */
function directoryOf(path: string): string {
  return clean(path.slice(0, path.lastIndexOf('/') + 1));
}

/** Where a link at the end of `path` leads, as the user would have written it: its ending stays, and so does its name. */
export function followed(path: string, target: string): { path: string; rename?: string } {
  const end = keepEnding(target, path);
  return base(path) === base(end) ? { path: end } : { path: end, rename: base(path) };
}

/** How an archive's names begin for a source, and what they are to begin with when it is extracted. */
export interface Renaming {
  from: string;
  to: string;
}

/**
 * Which directory the source's archive is to be extracted in, and under which name. Throws kind `invalid` in Docker's
 * words where the two don't go together.
 */
export function planCopy(source: CopySource, destination: CopyPoint): { directory: string; renaming?: Renaming } {
  if (destination.exists && destination.isDirectory) return { directory: destination.path };
  if (destination.exists && source.isDirectory) throw new WherryError('invalid', 'cannot copy directory');
  if (!destination.exists && !source.isDirectory && namesDirectory(destination.path)) {
    throw new WherryError('invalid', 'no such directory');
  }
  const { directory, entry } = splitPath(destination.path);
  return { directory, renaming: { from: source.rename ?? splitPath(source.path).entry, to: entry } };
}

/** A function that renames an archive's members. */
export function renamer({ from, to }: Renaming): (name: string) => string {
  const [before, after] = [from.replace(/\/+$/, ''), to.replace(/\/+$/, '')];
  if (before === '') {
    return (name) => (after === '' ? name.replace(/^\/+/, '') : `${after}/${name.replace(/^\/+/, '')}`);
  }
  return (name) => {
    const rest = name.slice(before.length);
    return name.startsWith(before) && (rest === '' || rest.startsWith('/')) ? after + rest : name;
  };
}

/** How the members of a source are named: its last part, `.` or, of the root itself, nothing. */
export function memberName(top: string, below: string): string {
  const prefix = top === '/' ? '' : top;
  return below === '' ? prefix || '/' : `${prefix}/${below}`;
}

/** A container's path as its daemon takes it: from the root, without `..`, the ending kept. Throws kind `unavailable`. */
export function insidePath(path: string): string {
  if (path === '') throw new WherryError('unavailable', 'bad parameter: pathcannot be empty');
  return keepEnding(clean(`/${path}`), path);
}
