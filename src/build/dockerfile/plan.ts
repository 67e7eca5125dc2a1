/**
 * A Dockerfile as a graph (BuildKit's dockerfile2llb): stages are resolved, instructions become vertices, settings and
 * history are gathered beside them. Nothing is read but what the caller hands over.
 */
import { WherryError } from '#base/error.ts';
import { resolveBases } from '#build/dockerfile/bases.ts';
import { dispatch } from '#build/dockerfile/dispatch.ts';
import { splitVariable } from '#build/dockerfile/environment.ts';
import { withPlace, wrong } from '#build/dockerfile/fault.ts';
import { type DockerfileText, readDockerfile } from '#build/dockerfile/file.ts';
import { globalArguments } from '#build/dockerfile/globals.ts';
import { newGraph, prune } from '#build/dockerfile/graph.ts';
import { DEFAULT_PATH, finishImage, setVariable } from '#build/dockerfile/image.ts';
import { type Outline, outlineOf } from '#build/dockerfile/outline.ts';
import type { PlanRequest, ResolveBase } from '#build/dockerfile/request.ts';
import { findTarget, inherit, linkStages, reachable, type Stage, type Stages } from '#build/dockerfile/stage.ts';
import { makeStages } from '#build/dockerfile/stages.ts';
import { type Scope, setWorkdir } from '#build/dockerfile/step.ts';
import type { LintWarning, Plan, PlanTarget, Vertex } from '#build/vertex.ts';
import type { Platform } from '#oci/manifest.ts';

/**
 * Throws DockerfileError, with the places in the file. Warnings are in `warnings` also when it throws; platforms have
 * them in common.
 */
export async function planBuild(
  request: PlanRequest,
  resolve: ResolveBase,
  warnings: LintWarning[] = [],
): Promise<Plan> {
  const graph = newGraph();
  const contexts = new Map<string, Set<string>>();
  const targets: PlanTarget[] = [];
  const platforms = request.platforms.length === 0 ? [undefined] : request.platforms;
  for (const [index, wanted] of platforms.entries()) {
    const file = readDockerfile(request, index === 0 ? warnings : []);
    targets.push(await planPlatform({ request, graph, contexts, file, wanted }, resolve));
  }
  return { ...pruned(graph.vertices, targets), warnings, contexts: asked(contexts) };
}

function pruned(vertices: readonly Vertex[], targets: readonly PlanTarget[]): Pick<Plan, 'vertices' | 'targets'> {
  const { vertices: kept, results } = prune(
    vertices,
    targets.map(({ result }) => result),
  );
  return { vertices: kept, targets: targets.map((target, index) => ({ ...target, result: results[index] ?? -1 })) };
}

/** One path that is all makes the others needless. */
function asked(contexts: ReadonlyMap<string, ReadonlySet<string>>): Plan['contexts'] {
  return Object.fromEntries([...contexts].map(([name, paths]) => [name, paths.has('/') ? ['/'] : [...paths].sort()]));
}

interface PlatformPlan extends Pick<Scope, 'request' | 'graph' | 'contexts'> {
  file: DockerfileText;
  wanted: Platform | undefined;
}

async function planPlatform(about: PlatformPlan, resolve: ResolveBase): Promise<PlanTarget> {
  const { request, wanted } = about;
  const target = await planTarget(about, resolve);
  target.paths.add('/');
  if (Object.keys(request.labels).length > 0) {
    target.image.config.Labels = { ...target.image.config.Labels, ...request.labels };
  }
  about.file.linter.check();
  const platform = wanted ?? target.platform ?? request.buildPlatform;
  return { platform, result: target.tree, config: finishImage(target.image, wanted) };
}

/** What a target can be told. Throws DockerfileError. */
export async function outlineBuild(
  request: PlanRequest,
  resolve: ResolveBase,
  warnings: LintWarning[],
): Promise<Outline> {
  const file = readDockerfile(request, warnings);
  const [wanted] = request.platforms;
  const about = { request, graph: newGraph(), contexts: new Map<string, Set<string>>(), file, wanted };
  const target = await planTarget(about, resolve);
  file.linter.check();
  return outlineOf(target);
}

/** The target with all its instructions dispatched. */
async function planTarget(
  { request, graph, contexts, file, wanted }: PlatformPlan,
  resolve: ResolveBase,
): Promise<Stage> {
  const platform = wanted ?? request.buildPlatform;
  const globals = globalArguments(file, { request, platform });
  const scope: Scope = {
    request,
    graph,
    contexts,
    linter: file.linter,
    token: file.token,
    globals: globals.values,
    platform,
    showPlatform: request.platforms.length > 1,
    epoch: request.epoch ?? epochOf(globals.values.get('SOURCE_DATE_EPOCH')),
  };
  const stages = makeStages(scope, file, globals);
  const target = findTarget(stages, request.target);
  linkStages(stages, scope.token);
  await resolveBases(scope, { stages, target, isImplicit: wanted === undefined, resolve });
  dispatchStages(scope, stages, target);
  for (const stage of stages.all) askOf(scope, stage);
  return target;
}

function epochOf(text: string | undefined): number | undefined {
  if (text === undefined || text === '') return undefined;
  if (/^[+-]?\d+$/.test(text)) return Number(text);
  throw wrong(`invalid SOURCE_DATE_EPOCH: ${text}: strconv.ParseInt: parsing "${text}": invalid syntax`);
}

/** What was read of a named directory, once all stages are known. */
function askOf({ contexts }: Scope, { context, paths, isDispatched }: Stage): void {
  if (context?.value.kind !== 'local' || !isDispatched || paths.size === 0) return;
  const known = contexts.get(context.name) ?? new Set();
  contexts.set(context.name, new Set([...known, ...paths]));
}

function dispatchStages(scope: Scope, stages: Stages, target: Stage): void {
  const needed = reachable(target);
  for (const stage of stages.all) {
    const isWanted = scope.request.allStages || needed.has(stage);
    if (!isWanted || stage.isDispatched) continue;
    inherit(stage);
    stage.isDispatched = true;
    startStage(scope, stage);
    for (const command of stage.commands) dispatch(scope, stage, command);
  }
}

/** What the base image's settings mean for the steps above it. */
function startStage(scope: Scope, stage: Stage): void {
  stage.platform ??= scope.platform;
  const { config } = stage.image;
  const env = (config.Env ?? []).map(splitVariable);
  if (!env.some(([name]) => name === 'PATH')) setVariable(config, 'PATH', DEFAULT_PATH);
  for (const [name, value] of (config.Env ?? []).map(splitVariable)) stage.env.set(name, value);
  try {
    if (config.WorkingDir) setWorkdir(stage, config.WorkingDir);
  } catch (error) {
    if (!(error instanceof WherryError) || stage.place === undefined) throw error;
    throw withPlace(error, stage.place);
  }
  if (config.User) stage.user = config.User;
}
