/**
 * Runs a graph: each vertex once, as soon as its inputs are there, independent ones at the same time. What a step makes is
 * kept (kept.ts), and while one build makes it, others that want the same wait for it.
 */
import { WherryError } from '#base/error.ts';
import { formatPlatform } from '#base/platform.ts';
import type { Report } from '#build/event.ts';
import { workOnFiles } from '#build/solve/files.ts';
import { type Keeping, keptOrMade, type Outcome, Vanished } from '#build/solve/kept.ts';
import { fileKeys, runKeys, treeId } from '#build/solve/keys.ts';
import type { Means, Scope, Solved, SolvedLayer, SolvedMount } from '#build/solve/means.ts';
import { brought } from '#build/solve/outside.ts';
import { pickOf } from '#build/solve/pick.ts';
import { settleUpper } from '#build/solve/settle.ts';
import type { Source } from '#build/solve/source.ts';
import { treeReader, treeSource } from '#build/solve/trees.ts';
import type { Plan, RunMount, Vertex } from '#build/vertex.ts';
import { digestOf } from '#oci/digest.ts';
import { hasLayer } from '#store/layers.ts';
import type { Store } from '#store/store.ts';
import { asStorageError } from '#sys/file.ts';

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

export interface Solution extends Disposable, Pick<Keeping, 'replaced' | 'steps' | 'hasGrown'> {
  /** Of the plan's targets, in their order. */
  results: SolvedLayer[][];
}

interface Work extends Keeping {
  plan: Plan;
  options: SolveOptions;
  stop: AbortController;
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
  return keptOrMade(work, vertex, { keys, base, from, scope }, async (upper) => {
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
  return keptOrMade(work, vertex, { keys, base, from: mounted, scope }, async (upper) => {
    await means.run({ step: vertex, platform: vertex.platform, layers: base, mounts, upper }, scope);
    const tree = treeReader(store, base);
    settleUpper(upper, tree.directory(''));
  });
}
