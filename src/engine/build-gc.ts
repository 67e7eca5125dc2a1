/**
 * The build cache prunes itself, as Docker's does by default (moby's builder/builder-next/worker/gc.go): after a build that
 * has made something, and not at each of many in a row.
 */
import { readdirSync, rmSync, statSync } from 'node:fs';
import { hasCode, WherryError } from '#base/error.ts';
import { type CacheLimits, choosePruned, diskOf } from '#engine/build-prune.ts';
import { cacheUsage, dropCache } from '#engine/build-usage.ts';
import type { Store } from '#store/store.ts';
import { replace, tryLock } from '#sys/file.ts';

/** One after the other is applied. */
export interface GcPolicy {
  /** Also what images have, too. */
  all: boolean;
  filters: string[];
  /** Hours; younger use keeps. */
  keep?: number;
  limits: CacheLimits;
}

const DAY = 24;
/** Of the reserved space so much is for what is easily had again: e × π × φ. */
const PASSING = Math.E * Math.PI * ((1 + Math.sqrt(5)) / 2);

/** BuildKit's rounding of a share of a disk: so many GiB, and one, each of them as a GB. */
const share = (total: number, percent: number) => (Math.floor((total * percent) / 100 / 2 ** 30) + 1) * 1e9;

/** The policies for a disk of so many bytes. Pure. */
export function gcPolicies(total: number): GcPolicy[] {
  const limits = { reserved: share(total, 10), most: share(total, 80), free: share(total, 20) };
  return [
    {
      all: false,
      filters: ['type=exec.cachemount'],
      keep: 2 * DAY,
      limits: { most: Math.floor((limits.reserved / 100) * PASSING) },
    },
    { all: false, filters: [], keep: 60 * DAY, limits },
    { all: false, filters: [], limits },
    { all: true, filters: [], limits },
  ];
}

/** The policies for a store. */
export const gcPoliciesOf = (store: Store): GcPolicy[] => gcPolicies(diskOf(store).total);

/** Milliseconds between two times; BuildKit has the same. */
const PAUSE = 60_000;

/** Prunes what the policies say. What can't be done is for the next time: a build has not failed because of it. */
export async function collectGarbage(store: Store): Promise<void> {
  const stamp = store.path('build', 'pruned');
  const before = statSync(stamp, { throwIfNoEntry: false })?.mtimeMs ?? 0;
  if (Math.abs(Date.now() - before) < PAUSE) return;
  try {
    using alone = await tryLock(store.path('build'));
    if (alone === undefined) return;
    replace(stamp, '');
    await applyPolicies(store);
    dropOldContexts(store);
  } catch (error) {
    if (!(error instanceof WherryError) && !hasCode(error, 'ENOENT')) throw error;
  }
}

async function applyPolicies(store: Store): Promise<void> {
  let usage = await cacheUsage(store);
  for (const { all, filters, keep, limits } of gcPoliciesOf(store)) {
    const aged = keep === undefined ? filters : [...filters, `until=${keep}h`];
    const chosen = choosePruned(usage, { all, filters: aged, limits }, diskOf(store).free);
    if (chosen.length === 0) continue;
    const { removed } = await dropCache(store, chosen);
    usage = usage.filter((one) => !removed.includes(one));
  }
}

/** Digests of contexts in which nothing has changed for long are found out again if need be. */
function dropOldContexts(store: Store): void {
  const folder = store.path('build', 'contexts');
  for (const name of readdirSync(folder)) {
    const path = `${folder}/${name}`;
    const age = Date.now() - (statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? Date.now());
    if (age > 60 * DAY * 3_600_000) rmSync(path, { force: true });
  }
}
