/** The user namespace that we are in: which ids it has (user_namespaces(7)). */
import { readFileSync } from 'node:fs';

/** One line of uid_map or gid_map. */
export interface IdRange {
  inside: number;
  outside: number;
  count: number;
}

export interface UserNamespace {
  /** The machine's first one: ids are what they are, and root is root. */
  initial: boolean;
  uids: IdRange[];
  gids: IdRange[];
}

/** A whole id space; the last id means "no id". */
const ALL = 0xffff_ffff;

/** Reads a map as the kernel shows it. */
export function parseIdMap(text: string): IdRange[] {
  return text
    .trim()
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => {
      const [inside = 0, outside = 0, count = 0] = line.trim().split(/\s+/).map(Number);
      return { inside, outside, count };
    });
}

/** Our own namespace's maps. */
export function userNamespace(): UserNamespace {
  const uids = parseIdMap(readFileSync('/proc/self/uid_map', 'latin1'));
  const gids = parseIdMap(readFileSync('/proc/self/gid_map', 'latin1'));
  const [first] = uids;
  return { initial: first?.inside === 0 && first.outside === 0 && first.count >= ALL, uids, gids };
}

/** Does this id exist inside? */
export function isMapped(ranges: readonly IdRange[], id: number): boolean {
  return ranges.some(({ inside, count }) => id >= inside && id < inside + count);
}

/** The last id of the unbroken run of ids that starts at 0; -1 where there is no 0. */
export function lastOfRun(ranges: readonly IdRange[]): number {
  let next = 0;
  for (const { inside, count } of ranges.toSorted((one, other) => one.inside - other.inside)) {
    if (inside !== next) break;
    next += count;
  }
  return next - 1;
}
