/** build: a Dockerfile becomes an image, by steps that are run here. */
import { temporaryPlace } from '#build/context/place.ts';
import type { Report } from '#build/event.ts';
import type { BuildRequest, BuildResult, BuiltTarget } from '#build/request.ts';
import type { SolvedLayer } from '#build/solve/means.ts';
import { type Solution, solve } from '#build/solve/solve.ts';
import type { Plan, PlanTarget } from '#build/vertex.ts';
import { datedConfig } from '#engine/build-config.ts';
import { type Bases, openBases } from '#engine/build-images.ts';
import { buildMeans } from '#engine/build-solve.ts';
import { recordImageEvent } from '#image/event.ts';
import { assembleImage, type Made } from '#image/make.ts';
import { canonical, familiar, parseReference, withDefaultTag } from '#oci/reference.ts';
import type { Store } from '#store/store.ts';

export interface BuildOptions {
  report: Report;
  abort?: AbortSignal;
  environment?: NodeJS.ProcessEnv;
}

/** Runs a plan, and puts what it makes into the store. */
export async function runPlan(
  store: Store,
  request: BuildRequest,
  plan: Plan,
  { report, abort, environment = process.env, bases = openBases(store) }: BuildOptions & { bases?: Bases },
): Promise<BuildResult> {
  const umask = process.umask(0);
  const temporary = temporaryPlace(store);
  try {
    const means = buildMeans(store, { request, bases, environment, place: temporary.place });
    using solution = await solve(store, plan, means, { report, abort, epoch: request.epoch });
    return await putImages(store, request, { plan, solution, report });
  } finally {
    temporary.remove();
    process.umask(umask);
  }
}

interface Putting {
  plan: Plan;
  solution: Solution;
  report: Report;
}

async function putImages(store: Store, request: BuildRequest, { plan, solution }: Putting): Promise<BuildResult> {
  const names = request.outputs.flatMap((output) => (output.type === 'image' ? output.names : [])).map(fullName);
  const targets: BuiltTarget[] = [];
  for (const [index, target] of plan.targets.entries()) {
    const layers = solution.results[index] ?? [];
    const { id, manifest } = await putImage(store, target, { layers, names, epoch: request.epoch });
    targets.push({ platform: target.platform, imageId: id, digest: manifest.digest });
    noteImage(store, { id, labels: target.config.config?.Labels, names });
  }
  return { targets, digest: targets[0]?.digest ?? '', names };
}

const fullName = (text: string) => canonical(withDefaultTag(parseReference(text)));

async function putImage(
  store: Store,
  { config }: PlanTarget,
  { layers, names, epoch }: { layers: SolvedLayer[]; names: string[]; epoch: number | undefined },
): Promise<Made> {
  const stack = {
    layers: layers.map(({ blob }) => blob),
    diffIds: layers.map(({ diffId }) => diffId),
    sizes: new Map(layers.map(({ diffId, size }) => [diffId, size])),
  };
  return assembleImage(store, stack, { config: datedConfig(config, layers, epoch), names });
}

function noteImage(
  store: Store,
  { id, labels, names }: { id: string; labels: Record<string, string> | null | undefined; names: readonly string[] },
): void {
  for (const name of names) recordImageEvent(store, 'tag', { id, labels, name: familiar(parseReference(name)) });
}
