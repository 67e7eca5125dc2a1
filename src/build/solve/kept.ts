/** What is kept of a step by its keys (cache.ts); what is not is made, once, and kept. */
import { closeSync } from 'node:fs';
import { WherryError } from '#base/error.ts';
import { type CacheStep, compressionOf } from '#build/cache-config.ts';
import {
  type CacheRecord,
  dropRecords,
  findRecord,
  isDoubtful,
  keepRecord,
  nameRecord,
  noteBlob,
  noteSound,
  noteUse,
} from '#build/solve/cache.ts';
import type { Keys } from '#build/solve/keys.ts';
import { type LayerFacts, measureLayer } from '#build/solve/layer.ts';
import type { Means, Outside, Scope, Solved, SolvedLayer } from '#build/solve/means.ts';
import { brought, broughtSources } from '#build/solve/outside.ts';
import { clampTimes } from '#build/solve/settle.ts';
import type { Vertex } from '#build/vertex.ts';
import { MEDIA } from '#oci/manifest.ts';
import { commitLayer, hasLayer, layerPath, removeLayer } from '#store/layers.ts';
import { stageDirectory, stagingName } from '#store/staging.ts';
import type { Store } from '#store/store.ts';
import { takeTurn } from '#store/turns.ts';
import { removeTree } from '#sys/file.ts';

/** Layers that were there are gone: pruned, or no more in a cache outside. Solved once more, they are made again. */
export class Vanished extends WherryError {
  constructor(message = 'Cannot go on with the build: what it was built on was pruned meanwhile') {
    super('unavailable', message, { hint: 'Build again' });
  }
}

/** One solving, as far as its steps are kept. */
export interface Keeping {
  store: Store;
  means: Means;
  options: {
    /** Seconds since 1970: no file is younger. */
    epoch?: number | undefined;
  };
  /** What nobody removes while it is solved. */
  held: DisposableStack;
  /** Layers of records that are no more, as their steps were run again: perhaps nobody needs them. */
  replaced: string[];
  /** What is kept of the steps, for caches outside. */
  steps: CacheStep<SolvedLayer>[];
  /** Is there more in the cache than before? */
  hasGrown: boolean;
}

export interface Outcome {
  solved: Solved;
  cached: boolean;
}

interface Making {
  keys: Keys;
  base: readonly SolvedLayer[];
  /** The inputs that it reads besides. */
  from: readonly Solved[];
  scope: Scope;
}

/** What is kept for these keys, else what `make` puts into an empty directory. */
export async function keptOrMade(
  work: Keeping,
  vertex: Vertex,
  { keys, base, from, scope }: Making,
  make: (upper: string) => Promise<void>,
): Promise<Outcome> {
  const { store, means, steps } = work;
  const further = keys.quick === undefined ? [] : [keys.quick];
  const outcome = (id: string, layer: SolvedLayer, cached: boolean): Outcome => {
    const layers = [...base, layer];
    steps.push({ keys: [...new Set([id, ...further])], layers });
    return { solved: { kind: 'tree', layers }, cached };
  };
  const hit = (record: CacheRecord, key?: string): Outcome => {
    if (key !== undefined) nameRecord(store, record, key);
    noteUse(store, record);
    return outcome(record.id, layerFrom(record), true);
  };
  const look = (key: string) => (vertex.ignoreCache ? undefined : soundRecord(store, key));
  const lookOutside = async (key: string): Promise<Outcome | undefined> => {
    const found = vertex.ignoreCache ? undefined : await means.outside(key);
    if (found === undefined) return undefined;
    return outcome(found.id, outsideLayer(work, vertex, { found, keys: [key, ...further], base, scope }), true);
  };
  const quick = keys.quick === undefined ? undefined : await look(keys.quick);
  if (quick !== undefined) return hit(quick);
  const quickOutside = keys.quick === undefined ? undefined : await lookOutside(keys.quick);
  if (quickOutside !== undefined) return quickOutside;
  await broughtSources(from);
  const exact = await keys.exact();
  const known = await look(exact);
  if (known !== undefined) return hit(known, keys.quick);
  const outside = await lookOutside(exact);
  if (outside !== undefined) return outside;
  await brought(base);
  // The content of the inputs is known by now, so the same work is the same for all builds that are at it.
  using _turn = await takeTurn(store, `build-${exact}`, { abort: scope.abort });
  const found = await look(exact);
  if (found !== undefined) return hit(found, keys.quick);
  const former = findRecord(store, exact);
  const record = await makeLayer(work, vertex, { base, scope, exact }, make);
  if (former !== undefined && former.diffId !== record.diffId) {
    // Before it has no record: who is killed after that leaves it to nobody.
    work.held.use(await means.hold([former.diffId]));
    work.replaced.push(former.diffId);
  }
  keepRecord(store, record, [exact, ...further]);
  work.hasGrown = true;
  return outcome(exact, layerFrom(record), false);
}

interface OutsideHit {
  found: Outside;
  /** What it was found by, and what else means it. */
  keys: readonly string[];
  base: readonly SolvedLayer[];
  scope: Scope;
}

/** A layer that stays outside until somebody needs it; then it is kept here as if it had been made. */
function outsideLayer(work: Keeping, vertex: Vertex, { found, keys, base, scope }: OutsideHit): SolvedLayer {
  const { store, means, held } = work;
  const { id, diffId, blob, created } = found;
  const bring = async () => {
    held.use(await means.hold([diffId]));
    const facts = await found.bring(scope);
    const below = base.map((layer) => layer.diffId);
    const record = { ...newRecord(store, vertex, facts, { id, below }), created };
    keepRecord(store, record, [...new Set([id, ...keys])]);
    noteBlob(store, id, compressionOf(blob), blob);
    work.hasGrown = true;
    return layerFrom(record);
  };
  let bringing: Promise<SolvedLayer> | undefined;
  return {
    diffId,
    size: 0,
    blob,
    created,
    bring: () => {
      bringing ??= bring();
      return bringing;
    },
  };
}

/** What is kept for a key, and is whole: of another boot it is read once, for its digest. */
async function soundRecord(store: Store, key: string): Promise<CacheRecord | undefined> {
  const record = findRecord(store, key);
  if (record === undefined || !isDoubtful(store, record)) return record;
  const { diffId } = await measureLayer(layerPath(store, record.diffId));
  if (diffId === record.diffId) {
    noteSound(store, record);
    return record;
  }
  dropRecords(store, [record.id]);
  await removeLayer(store, record.diffId);
  return undefined;
}

/** The layer that a record is about, as an image with it would have it. */
function layerFrom({ diffId, size, archive, created }: CacheRecord): SolvedLayer {
  return { diffId, size, created, blob: { mediaType: MEDIA.layer, digest: diffId, size: archive } };
}

async function makeLayer(
  work: Keeping,
  vertex: Vertex,
  { base, scope, exact }: { base: readonly SolvedLayer[]; scope: Scope; exact: string },
  make: (upper: string) => Promise<void>,
): Promise<CacheRecord> {
  const { store, means, options, held } = work;
  const below = base.map(({ diffId }) => diffId);
  held.use(await means.hold(below));
  // From here on nobody removes them; until now somebody may have.
  if (!below.every((diffId) => hasLayer(store, diffId))) throw new Vanished();
  const staged = store.path('tmp', stagingName('layer'));
  const lock = stageDirectory(staged, 0o755);
  try {
    await make(staged);
    scope.abort.throwIfAborted();
    if (options.epoch !== undefined) clampTimes(staged, BigInt(options.epoch) * 1_000_000_000n);
    const facts = await measureLayer(staged, scope.abort);
    held.use(await means.hold([facts.diffId]));
    await commitLayer(store, staged, facts.diffId);
    return newRecord(store, vertex, facts, { id: exact, below });
  } catch (error) {
    removeTree(staged);
    throw error;
  } finally {
    closeSync(lock);
  }
}

function newRecord(
  { bootId }: Store,
  { name }: Vertex,
  { diffId, size, archive }: LayerFacts,
  { id, below }: { id: string; below: string[] },
): CacheRecord {
  const now = new Date().toISOString();
  return { id, diffId, size, archive, created: now, used: now, uses: 1, description: name, below, boot: bootId };
}
