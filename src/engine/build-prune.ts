/** builder prune, and what prunes itself: what of the cache goes, by age, by filters, and until no more than so much is left. */
import { statfsSync } from 'node:fs';
import { WherryError } from '#base/error.ts';
import { parseDuration } from '#base/units.ts';
import { type CacheUsage, cacheUsage, dropCache, type PrunedCache } from '#engine/build-usage.ts';
import { recordEvent } from '#store/events.ts';
import type { Store } from '#store/store.ts';

export interface PruneCacheOptions {
  /** Also what images have, too. */
  all?: boolean;
  /** `until=24h`, `id=…`, `type=regular`, `description~=…`, `inuse`, `shared`, `private`, `mutable`, `immutable`, `parents=…`. */
  filters?: readonly string[];
  limits?: CacheLimits;
}

/** Bytes. Without any of them all goes that may; else the least recently used go first, until each holds. */
export interface CacheLimits {
  /** So much may always stay. */
  reserved?: number | undefined;
  /** No more may stay. */
  most?: number | undefined;
  /** So much of the disk is to be free. */
  free?: number | undefined;
}

/** Throws kind `invalid` for filters that are none. */
export async function pruneCache(store: Store, options: PruneCacheOptions = {}): Promise<PrunedCache> {
  const chosen = choosePruned(await cacheUsage(store), options, diskOf(store).free);
  const pruned = await dropCache(store, chosen);
  recordEvent(store, { type: 'builder', action: 'prune', id: '', attributes: { reclaimed: String(pruned.reclaimed) } });
  return pruned;
}

/** The disk that a store is on, in bytes. */
export function diskOf(store: Store): { total: number; free: number } {
  const { blocks, bavail, bsize } = statfsSync(store.root);
  return { total: blocks * bsize, free: bavail * bsize };
}

/** What goes, of all there is. Pure. free: bytes of the disk. Throws as pruneCache(). */
export function choosePruned(
  usage: readonly CacheUsage[],
  { all = false, filters = [], limits = {} }: PruneCacheOptions,
  free: number,
): CacheUsage[] {
  const matches = filters.map(readFilter);
  const wanted = usage.filter((one) => !one.inUse && (all || !one.shared) && matches.every((match) => match(one)));
  const keep = allowance(usage, limits, free);
  return keep === undefined ? wanted : beyond(usage, wanted, keep);
}

/** How many bytes of the cache may stay; undefined: no limit was given. */
function allowance(
  usage: readonly CacheUsage[],
  { reserved, most, free }: CacheLimits,
  isFree: number,
): number | undefined {
  if (reserved === undefined && most === undefined && free === undefined) return undefined;
  const total = ownSize(usage);
  const limits = [most ?? total];
  if (free !== undefined) {
    limits.push(Math.max(0, total - Math.max(0, free - isFree)));
  }
  if (most === undefined && free === undefined) return reserved;
  return Math.max(reserved ?? 0, Math.min(...limits));
}

/** The least recently used of `wanted`, as many as are too much. */
function beyond(usage: readonly CacheUsage[], wanted: readonly CacheUsage[], keep: number): CacheUsage[] {
  let total = ownSize(usage);
  const oldestFirst = wanted.toSorted((one, other) => (one.used < other.used ? -1 : 1));
  return oldestFirst.filter((one) => {
    if (total <= keep) return false;
    total -= ownSize([one]);
    return true;
  });
}

/** Bytes that the cache alone has: what images have, too, is theirs. */
const ownSize = (usage: readonly CacheUsage[]) => usage.reduce((sum, { size, shared }) => sum + (shared ? 0 : size), 0);

type Match = (usage: CacheUsage) => boolean;

const WORDS: Record<string, Match> = {
  inuse: ({ inUse }) => inUse,
  shared: ({ shared }) => shared,
  private: ({ shared }) => !shared,
  mutable: ({ mutable }) => mutable,
  immutable: ({ mutable }) => !mutable,
};

const FIELDS: Record<string, (usage: CacheUsage) => string[]> = {
  id: ({ id }) => [id],
  type: ({ type }) => [type],
  description: ({ description }) => [description],
  parents: ({ parents }) => parents,
  parent: ({ parents }) => parents,
};

/** Containerd's filters, as BuildKit takes them: a word, or a field with =, ==, != or ~=. */
export function readFilter(text: string): Match {
  const word = WORDS[text];
  if (word !== undefined) return word;
  const [, name = '', operator = '', value = ''] = /^([\w.]+)(==|!=|~=|=)(.*)$/s.exec(text) ?? [];
  if (name === 'until' || name === 'unused-for') return until(value);
  if (WORDS[name] !== undefined && /^(?:true|false|1|0)$/.test(value)) {
    const wanted = value === 'true' || value === '1';
    return (usage) => (WORDS[name]?.(usage) ?? false) === (operator === '!=' ? !wanted : wanted);
  }
  const field = FIELDS[name];
  if (field === undefined) throw new WherryError('invalid', `invalid filter '${text}'`);
  if (operator !== '~=') return (usage) => field(usage).includes(value) === (operator !== '!=');
  const pattern = new RegExp(value);
  return (usage) => field(usage).some((one) => pattern.test(one));
}

function until(value: string): Match {
  const before = Date.now() - parseDuration(value) / 1e6;
  return ({ used }) => Date.parse(used) < before;
}
