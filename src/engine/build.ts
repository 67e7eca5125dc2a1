/** build: a Dockerfile becomes an image, by steps that are run here. */
import { WherryError } from '#base/error.ts';
import { given } from '#base/given.ts';
import { isLayerEnd, type Progress } from '#base/progress.ts';
import { checkCaches } from '#build/cache-options.ts';
import { temporaryPlace } from '#build/context/place.ts';
import { withPlaces } from '#build/dockerfile/fault.ts';
import { planBuild } from '#build/dockerfile/plan.ts';
import type { NamedContext, PlanRequest, ResolveBase } from '#build/dockerfile/request.ts';
import type { Report } from '#build/event.ts';
import { step, vertexId } from '#build/progress.ts';
import type { BuildContext, BuildRequest, BuildResult } from '#build/request.ts';
import { findKept } from '#build/solve/cache.ts';
import { Vanished } from '#build/solve/kept.ts';
import type { Means } from '#build/solve/means.ts';
import { ignoreFilter } from '#build/solve/pick.ts';
import { type Solution, StepError, solve } from '#build/solve/solve.ts';
import type { LintWarning, Plan } from '#build/vertex.ts';
import { parseSignal } from '#container/signals.ts';
import type { OutsideCaches, ReadingOptions } from '#engine/build-cache-from.ts';
import { type Bases, openBases } from '#engine/build-images.ts';
import type { Delivery } from '#engine/build-indexed.ts';
import { dropLeftLayers, dropNoted, endLeftSteps, openLayerNotes } from '#engine/build-leftovers.ts';
import { deliver } from '#engine/build-output.ts';
import { buildMeans } from '#engine/build-solve.ts';
import { hostPlatform } from '#oci/platform.ts';
import { hasLayer } from '#store/layers.ts';
import type { Store } from '#store/store.ts';
import { sweep } from '#store/sweep.ts';
import { withoutUmask } from '#sys/umask.ts';

export interface BuildOptions {
  report: Report;
  abort?: AbortSignal;
  environment?: NodeJS.ProcessEnv;
  /** Takes an archive whose destination is standard output. */
  toStdout?: (piece: Uint8Array) => void;
}

/**
 * Builds what a request says. Throws kind `invalid` and others in BuildKit's words, as DockerfileError where a line of the
 * Dockerfile is to blame.
 */
export async function build(store: Store, request: BuildRequest, options: BuildOptions): Promise<BuildResult> {
  checkCaches(request);
  const bases = openBases(store);
  const warnings: LintWarning[] = [];
  const planned = planBuild(planRequest(request), resolver(bases, request, options), warnings);
  const plan = await planned.finally(() => reportWarnings(warnings, options.report));
  checkRuns(plan, request.allow);
  return runPlan(store, request, plan, { ...options, bases });
}

/** Throws kind `invalid` in BuildKit's words for a step of no program, and one that may do more than was allowed (--allow). */
function checkRuns({ vertices }: Plan, allowed: readonly string[]): void {
  for (const vertex of vertices) {
    if (vertex.op !== 'run') continue;
    if (vertex.args.length === 0) {
      throw new WherryError('invalid', 'failed to marshal LLB definition: arguments are required');
    }
    const wanted = [
      ...(vertex.network === 'host' ? ['network.host'] : []),
      ...(vertex.security === 'insecure' ? ['security.insecure'] : []),
    ];
    const missing = wanted.find((one) => !allowed.includes(one));
    if (missing === undefined) continue;
    throw new WherryError('invalid', `failed to load LLB: ${missing} is not allowed`, {
      hint: `Allow it: --allow ${missing}`,
    });
  }
}

/** The vertex that warnings are about. */
const DEFINITION = vertexId('[internal] load build definition from Dockerfile');

export function reportWarnings(warnings: readonly LintWarning[], report: Report): void {
  for (const warning of warnings) report({ kind: 'warning', vertex: DEFINITION, warning });
}

/** The request as far as it says what is to be built. */
export function planRequest(request: BuildRequest): PlanRequest {
  const { dockerfile, target, noCache, noCacheFilter, hosts, contexts } = request;
  const ignore = contexts['']?.kind === 'directory' ? contexts[''].ignore : undefined;
  const filter = ignore === undefined ? undefined : ignoreFilter(ignore.text);
  return {
    text: dockerfile.text,
    ...(target === '' ? {} : { target }),
    buildArgs: request.buildArgs,
    labels: request.labels,
    platforms: request.platforms,
    buildPlatform: hostPlatform(),
    contexts: Object.fromEntries(
      Object.entries(contexts).flatMap(([name, context]) => (name === '' ? [] : [[name, named(context)]])),
    ),
    noCache: noCache || (noCacheFilter.length > 0 && noCacheFilter),
    pull: request.pull,
    network: request.network,
    hosts: hosts.map(readHost),
    ...given({ shmSize: request.shmSize, cgroupParent: request.cgroupParent, epoch: request.epoch }),
    ulimits: request.ulimits,
    ...(filter === undefined ? {} : { isIgnored: (path: string) => !filter.takes(path, false) }),
    checkSignal: parseSignal,
  };
}

function named(context: BuildContext): NamedContext {
  return context.kind === 'directory' ? { kind: 'local' } : context;
}

function readHost(text: string): { host: string; ip: string } {
  const [, host = '', ip = ''] = /^([^:=]*)[:=](.*)$/.exec(text) ?? [];
  return { host, ip: ip.replace(/^\[(.*)\]$/, '$1') };
}

/** Asks the store, then registries, for the images that a plan names; settingsOnly: nothing will be run. */
export function resolver(
  bases: Bases,
  request: BuildRequest,
  { report, abort, settingsOnly = false }: BuildOptions & { settingsOnly?: boolean },
): ResolveBase {
  return ({ name, source, platform, resolveMode }) =>
    step(report, name, async ({ tell }) => {
      if ('path' in source) {
        const { readLayout } = await import('#engine/build-layout.ts');
        return { config: readLayout({ ...source, platform }).config };
      }
      const progress = (event: Progress) => {
        if (event.kind !== 'layer') return;
        tell(event.id, { ...given({ current: event.current, total: event.total }), done: isLayerEnd(event.status) });
      };
      const pull = resolveMode === 'pull' || request.pull;
      const wish = { pull, progress, ...given({ abort }) };
      if (settingsOnly) return { config: await bases.look(source.reference, platform, wish) };
      return { config: (await bases.bring(source.reference, platform, wish)).config };
    });
}

/** Runs a plan, and puts what it makes into the store. */
async function runPlan(
  store: Store,
  request: BuildRequest,
  plan: Plan,
  { report, abort, toStdout, environment = process.env, bases = openBases(store) }: BuildOptions & { bases?: Bases },
): Promise<BuildResult> {
  const started = Date.now();
  await endLeftSteps(store);
  await sweep(store);
  const drop = (diffIds: readonly string[]) => dropWaste(store, diffIds);
  await dropLeftLayers(store, drop);
  using _modes = withoutUmask();
  const temporary = temporaryPlace(store);
  using notes = openLayerNotes(store);
  const caches = await outsideCaches(store, request, { report, abort });
  const means = buildMeans(store, { request, bases, caches, notes, environment, place: temporary.place });
  const made = { plan, bases, started, report, ...given({ abort, toStdout }) };
  try {
    const { result, waste, hasGrown } = await solveAndDeliver(store, request, { ...made, means, temporary });
    await drop(waste);
    if (hasGrown) await (await import('#engine/build-gc.ts')).collectGarbage(store);
    return result;
  } catch (error) {
    // What the steps that ended have made is kept by their records; what these replaced is not.
    await dropNoted(notes, drop);
    throw error;
  } finally {
    temporary.remove();
    await caches.close();
  }
}

type Solving = Omit<Delivery, 'solution'> & { means: Means; temporary: ReturnType<typeof temporaryPlace> };

/** waste: layers that perhaps nobody needs any more, now that this build does not hold them. */
async function solveAndDeliver(store: Store, request: BuildRequest, solving: Solving) {
  const { plan, means, temporary, report, abort } = solving;
  const isForCacheOnly = request.outputs.every(({ type }) => type === 'cacheonly');
  const epoch = request.keepsTimes ? undefined : request.epoch;
  const solveIt = () => solve(store, plan, means, { report, abort, epoch, isForCacheOnly });
  using solution = await solveIt()
    .catch((error: unknown) => (error instanceof Vanished ? solveIt() : Promise.reject(error)))
    .catch(blame);
  const result = await deliver(store, request, { ...solving, solution });
  if (request.cacheTo.some(({ type }) => type !== 'inline')) {
    const { exportCaches } = await import('#engine/build-cache-to.ts');
    await exportCaches(store, request.cacheTo, { solution, report, abort, place: temporary.place });
  }
  const { replaced, hasGrown } = solution;
  return { result, waste: [...replaced, ...(hasGrown ? prunedMeanwhile(store, solution) : [])], hasGrown };
}

/** Who prunes forgets records, and leaves the layers that a build at work holds. */
function prunedMeanwhile(store: Store, { steps }: Solution): string[] {
  return steps.flatMap(({ keys: [id = ''], layers }) => {
    const { diffId = '' } = layers.at(-1) ?? {};
    return hasLayer(store, diffId) && findKept(store, id) === undefined ? [diffId] : [];
  });
}

const NO_CACHES: OutsideCaches = { find: async () => undefined, close: async () => undefined };

async function outsideCaches(store: Store, { cacheFrom }: BuildRequest, options: ReadingOptions) {
  if (cacheFrom.length === 0) return NO_CACHES;
  const { openOutsideCaches } = await import('#engine/build-cache-from.ts');
  return openOutsideCaches(store, cacheFrom, options);
}

async function dropWaste(store: Store, diffIds: readonly string[]): Promise<void> {
  if (diffIds.length === 0) return;
  const { dropUnusedLayers } = await import('#image/waste.ts');
  const { imageUsers } = await import('#engine/images.ts');
  await dropUnusedLayers(store, diffIds, () => imageUsers(store));
}

/** A step's error with its lines in the Dockerfile. */
function blame(error: unknown): never {
  if (!(error instanceof StepError)) throw error;
  throw withPlaces(error.cause, error.vertex.place ?? []);
}
