/** What all prune commands have in common: --filter until=, label= and label!= (moby, daemon/prune.go). */
import { WherryError } from '#base/error.ts';
import { type Accepted, asDaemon, type Filters, parseFilters } from '#base/filter.ts';
import { parseTimestamp } from '#base/units.ts';

export interface PruneFilters extends Filters {
  /** Made before the time that was asked for, and labelled as was asked for? created: milliseconds. */
  matches(created: number, labels: Readonly<Record<string, string>> | null | undefined): boolean;
}

const COMMON: Accepted = { until: undefined, label: undefined, 'label!': undefined };

/** Reads them. Throws kind `unavailable`, as Docker's daemon answers. more: what a noun accepts besides. */
export function readPruneFilters(pairs: readonly string[], more: Accepted = COMMON): PruneFilters {
  return asDaemon(() => {
    const filters = parseFilters(pairs, { ...more, label: undefined, 'label!': undefined });
    const until = readUntil(filters);
    const matches: PruneFilters['matches'] = (created, labels) =>
      created <= until &&
      filters.labels('label', labels ?? {}) &&
      !(filters.has('label!') && filters.labels('label!', labels ?? {}));
    return { ...filters, matches };
  });
}

/** Milliseconds. */
function readUntil(filters: Filters): number {
  const [until, ...others] = filters.values('until');
  if (until === undefined) return Number.POSITIVE_INFINITY;
  if (others.length > 0) throw new WherryError('invalid', 'more than one until filter specified');
  const { seconds, nanos } = parseTimestamp(until);
  return seconds * 1000 + nanos / 1e6;
}
