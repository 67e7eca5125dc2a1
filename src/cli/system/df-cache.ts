/** The build cache as system df shows it. What images have too is theirs, and counts nothing here. */
import { ago, humanSize } from '#base/units.ts';
import type { CacheUsage } from '#engine/build-usage.ts';

const own = (usage: readonly CacheUsage[]) => usage.reduce((sum, { shared, size }) => sum + (shared ? 0 : size), 0);

export function cacheRow(usage: readonly CacheUsage[]): object {
  const active = usage.filter(({ inUse }) => inUse);
  return {
    Type: 'Build Cache',
    TotalCount: String(usage.length),
    Active: String(active.length),
    Size: humanSize(own(usage), 4),
    Reclaimable: humanSize(own(usage) - own(active), 4),
  };
}

export const cacheSize = (usage: readonly CacheUsage[]): string => humanSize(own(usage), 4);

/** As Docker's templates have one. */
export function cacheEntry(one: CacheUsage, truncate: boolean) {
  return {
    CacheType: one.type,
    CreatedAt: goTime(one.created),
    CreatedSince: ago(new Date(one.created)),
    Description: one.description,
    ID: truncate ? one.id.slice(0, 12) : one.id,
    InUse: String(one.inUse),
    LastUsedAt: goTime(one.used),
    LastUsedSince: ago(new Date(one.used)),
    Parent: one.parents[0] ?? '',
    Shared: String(one.shared),
    Size: humanSize(one.size),
    UsageCount: String(one.uses),
  };
}

const goTime = (date: string) => date.replace('T', ' ').replace('Z', ' +0000 UTC');

export const CACHE_COLUMNS = {
  ID: 'CACHE ID',
  CacheType: 'CACHE TYPE',
  Size: 'SIZE',
  CreatedSince: 'CREATED',
  LastUsedSince: 'LAST USED',
  UsageCount: 'USAGE',
  Shared: 'SHARED',
};
