/**
 * Runs a graph: each vertex once, as soon as its inputs are there, independent ones at the same time. What a step makes is
 * kept by its key (cache.ts), and while one build makes it, others that want the same wait for it.
 */
import { closeSync } from 'node:fs';
import { WherryError } from '#base/error.ts';
import { type CacheStep, compressionOf } from '#build/cache-config.ts';
import type { Report } from '#build/event.ts';
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
import { workOnFiles } from '#build/solve/files.ts';
import { fileKeys, type Keys, runKeys, treeId } from '#build/solve/keys.ts';
import { type LayerFacts, measureLayer } from '#build/solve/layer.ts';
import type { Means, Outside, Scope, Solved, SolvedLayer, SolvedMount } from '#build/solve/means.ts';
import { brought, broughtSources } from '#build/solve/outside.ts';
import { pickOf } from '#build/solve/pick.ts';
import { clampTimes, settleUpper } from '#build/solve/settle.ts';
import type { Source } from '#build/solve/source.ts';
import { treeReader, treeSource } from '#build/solve/trees.ts';
import type { Plan, RunMount, Vertex } from '#build/vertex.ts';
import { digestOf } from '#oci/digest.ts';
import { MEDIA } from '#oci/manifest.ts';
import { formatPlatform } from '#oci/platform.ts';
import { commitLayer, hasLayer, layerPath, removeLayer } from '#store/layers.ts';
import { stageDirectory, stagingName } from '#store/staging.ts';
import type { Store } from '#store/store.ts';
import { takeTurn } from '#store/turns.ts';
import { asStorageError, removeTree } from '#sys/file.ts';

export interface SolveOptions {
  report: Report;
  abort?: AbortSignal | undefined;
  /** Seconds since 1970: no file is younger. */
  epoch?: number | undefined;
  /** Nobody wants the results' files, only that the steps were done: what is in caches outside stays there. */
  isForCacheOnly?: boolean;
}

/** A step that could not be done, for who prints the lines of the Dockerfile around it. */
export class StepError extends Error {
  readonly vertex: Vertex;
  constructor(vertex: Vertex, cause: unknown) {
    super((cause as Error).message, { cause });
    this.vertex = vertex;
  }
}

/** Layers that were there are gone: pruned, or no more in a cache outside. Solved once more, they are made again. */
export class Vanished extends WherryError {
  constructor(message = 'Cannot go on with the build: what it was built on was pruned meanwhile') {
    super('unavailable', message, { hint: 'Build again' });
  }
}

export interface Solution extends Disposable {
  /** Of the plan's targets, in their order. */
  results: SolvedLayer[][];
  /** Layers of records that are no more, as their steps were run again: perhaps nobody needs them. */
  replaced: string[];
  /** What is kept of the steps, for caches outside. */
  steps: CacheStep<SolvedLayer>[];
  /** Is there more in the cache than before? */
  hasGrown: boolean;
}

interface Work {
  store: Store;
  plan: Plan;
  means: Means;
  options: SolveOptions;
  stop: AbortController;
  held: DisposableStack;
  replaced: string[];
  steps: CacheStep<SolvedLayer>[];
  hasGrown: boolean;
  ids: string[];
}

/**
 * Solves a plan's targets. What it made is held until the solution is disposed of. The umask must be 0.
 * Throws StepError for the first step that fails; the others are ended before.
 */
export async function solve(store: Store, plan: Plan, means: Means, options: SolveOptions): Promise<Solution> {
  const stop = new AbortController();
  const aborted = () => stop.abort(options.abort?.reason);
  options.abort?.addEventListener('abort', aborted, { once: true });
  if (options.abort?.aborted) aborted();
  const held = new DisposableStack();
  const work: Work = {
    store,
    plan,
    means,
    options,
    stop,
    held,
    replaced: [],
    steps: [],
    hasGrown: false,
    ids: vertexIds(plan),
  };
  const running = new Map<number, Promise<Solved>>();
  const solved = (index: number): Promise<Solved> => {
    const known = running.get(index);
    if (known !== undefined) return known;
    const made = solveVertex(work, index, solved);
    made.catch((error: unknown) => stop.abort(error));
    running.set(index, made);
    return made;
  };
  try {
    const found = await Promise.all(plan.targets.map(async ({ result }) => layersOf(await solved(result))));
    if (!options.isForCacheOnly) await brought(found.flat());
    const results = options.isForCacheOnly ? found : await Promise.all(found.map(brought));
    const here = results.flat().filter(({ bring }) => bring === undefined);
    if (!here.every(({ diffId }) => hasLayer(store, diffId))) throw new Vanished();
    const { replaced, steps, hasGrown } = work;
    return { results, replaced, steps, hasGrown, [Symbol.dispose]: () => held.dispose() };
  } catch (error) {
    await Promise.allSettled(running.values());
    held.dispose();
    // The first reason, not who was told to end because of it.
    throw stop.signal.aborted && stop.signal.reason instanceof Error ? stop.signal.reason : error;
  } finally {
    options.abort?.removeEventListener('abort', aborted);
  }
}

/** What a vertex is called in events: the same for the same step on the same inputs. */
function vertexIds(plan: Plan): string[] {
  const ids: string[] = [];
  for (const { inputs, place: _place, ...vertex } of plan.vertices) {
    ids.push(digestOf(JSON.stringify([vertex, inputs.map((input) => ids[input])])));
  }
  return ids;
}

function layersOf(solved: Solved): SolvedLayer[] {
  if (solved.kind === 'tree') return solved.layers;
  throw new Error('a source of files is no image');
}

type Inputs = (index: number) => Promise<Solved>;

/** The tree or source of one vertex; its events. */
async function solveVertex(work: Work, index: number, inputs: Inputs): Promise<Solved> {
  const vertex = work.plan.vertices[index];
  if (vertex === undefined) throw new Error(`no vertex ${index}`);
  const needed = await Promise.all(vertex.inputs.map(inputs));
  work.stop.signal.throwIfAborted();
  if (vertex.op === 'scratch') return { kind: 'tree', layers: [] };
  if (vertex.op === 'merge') return { kind: 'tree', layers: needed.flatMap(layersOf) };
  const told = tell(work, vertex, index);
  try {
    const { solved, cached } = await solveStep(work, vertex, needed, told.scope);
    told.end({ cached });
    return solved;
  } catch (cause) {
    // Of what a step writes all begins in there.
    const error = asStorageError(cause, work.store.path('tmp', 'layer'));
    const own = !work.stop.signal.aborted;
    told.end({ error: own ? (error as Error).message : `context canceled: ${(error as Error).message}` });
    const isBlamed = own && error instanceof WherryError && !(error instanceof Vanished);
    throw isBlamed ? new StepError(vertex, error) : error;
  }
}

interface Told {
  scope: Scope;
  end(how: { cached?: boolean; error?: string }): void;
}

function tell({ options: { report }, ids, stop }: Work, vertex: Vertex, index: number): Told {
  const id = ids[index] ?? '';
  const started = Date.now();
  const event = {
    kind: 'vertex' as const,
    id,
    name: vertex.name,
    inputs: vertex.inputs.map((at) => ids[at] ?? ''),
    started,
  };
  report(event);
  const moving = new Map<string, number>();
  return {
    scope: {
      abort: stop.signal,
      log: (stream, data) => report({ kind: 'log', vertex: id, stream, data, timestamp: Date.now() }),
      status: (name, { current, total, done }) => {
        const timestamp = Date.now();
        const since = moving.get(name) ?? timestamp;
        moving.set(name, since);
        const end = done ? { completed: timestamp } : {};
        report({ kind: 'status', vertex: id, id: name, current, total, started: since, timestamp, ...end });
      },
    },
    end: (how) => report({ ...event, ...how, completed: Date.now() }),
  };
}

interface Outcome {
  solved: Solved;
  cached: boolean;
}

async function solveStep(work: Work, vertex: Vertex, inputs: readonly Solved[], scope: Scope): Promise<Outcome> {
  const { means } = work;
  switch (vertex.op) {
    case 'image':
      return { solved: { kind: 'tree', layers: await means.image(vertex, scope) }, cached: false };
    case 'layout':
      return { solved: { kind: 'tree', layers: await means.layout(vertex, scope) }, cached: false };
    case 'local':
    case 'http':
    case 'git': {
      const source = await bringSource(means, vertex, scope);
      return { solved: { kind: 'source', source }, cached: false };
    }
    case 'file':
      return makeFiles(work, vertex, inputs, scope);
    case 'run':
      return makeRun(work, vertex, inputs, scope);
    default:
      throw new Error(`a step ${vertex.op} has no work`);
  }
}

function bringSource(
  means: Means,
  vertex: Extract<Vertex, { op: 'local' | 'http' | 'git' }>,
  scope: Scope,
): Promise<Source> {
  if (vertex.op === 'local') return means.local(vertex, scope);
  return vertex.op === 'http' ? means.http(vertex, scope) : means.git(vertex, scope);
}

function sourceOf(store: Store, solved: Solved): Source {
  return solved.kind === 'source' ? solved.source : treeSource(store, solved.layers);
}

async function makeFiles(
  work: Work,
  vertex: Extract<Vertex, { op: 'file' }>,
  inputs: readonly Solved[],
  scope: Scope,
): Promise<Outcome> {
  const { store, options } = work;
  const [first] = inputs;
  const base = first?.kind === 'tree' ? first.layers : [];
  const sources = new Map<number, Source>();
  for (const action of vertex.actions) {
    const input = action.action === 'copy' ? inputs[action.from] : undefined;
    if (action.action === 'copy' && input !== undefined) sources.set(action.from, sourceOf(store, input));
  }
  const common = { base: treeId(base), epoch: options.epoch, platform: formatPlatform(vertex.platform) };
  const keys = fileKeys(vertex.actions, { ...common, sources, pick: pickOf });
  const from = [...sources.keys()].flatMap((input) => inputs[input] ?? []);
  return cachedOr(work, vertex, { keys, base, from, scope }, async (upper) => {
    const tree = treeReader(store, base);
    const { abort } = scope;
    await workOnFiles(upper, { actions: vertex.actions, base: tree, sources, pick: pickOf, abort });
  });
}

async function makeRun(
  work: Work,
  vertex: Extract<Vertex, { op: 'run' }>,
  inputs: readonly Solved[],
  scope: Scope,
): Promise<Outcome> {
  const { store, options, means } = work;
  const [first] = inputs;
  const base = first === undefined ? [] : layersOf(first);
  const from = new Map<RunMount, { solved: Solved; source: Source }>();
  const mounts: SolvedMount[] = [];
  for (const mount of vertex.mounts) {
    const solved = mount.input === undefined ? undefined : inputs[mount.input];
    if (solved !== undefined) from.set(mount, { solved, source: sourceOf(store, solved) });
    mounts.push(solved === undefined ? mount : { ...mount, from: solved });
  }
  const common = { base: treeId(base), epoch: options.epoch, platform: formatPlatform(vertex.platform) };
  const keys = runKeys(vertex, { ...common, from });
  const mounted = [...from.values()].map(({ solved }) => solved);
  return cachedOr(work, vertex, { keys, base, from: mounted, scope }, async (upper) => {
    await means.run({ step: vertex, platform: vertex.platform, layers: base, mounts, upper }, scope);
    const tree = treeReader(store, base);
    settleUpper(upper, tree.directory(''));
  });
}

interface Making {
  keys: Keys;
  base: readonly SolvedLayer[];
  /** The inputs that it reads besides. */
  from: readonly Solved[];
  scope: Scope;
}

/** What is kept for these keys, else what `make` puts into an empty directory. */
async function cachedOr(
  work: Work,
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
function outsideLayer(work: Work, vertex: Vertex, { found, keys, base, scope }: OutsideHit): SolvedLayer {
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
  work: Work,
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
