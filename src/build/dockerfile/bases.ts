/** Base images: their configurations are asked for, all at once, and ONBUILD triggers that come with them are added. */
import { WherryError } from '#base/error.ts';
import { checkBasePlatform } from '#build/dockerfile/checks.ts';
import { reworded, withPlace } from '#build/dockerfile/fault.ts';
import { asPlaces } from '#build/dockerfile/graph.ts';
import { emptyImage, imageOf, platformOf } from '#build/dockerfile/image.ts';
import { allOf, stepName } from '#build/dockerfile/naming.ts';
import type { NamedContext, ResolveBase } from '#build/dockerfile/request.ts';
import { contextVertex, scratchVertex } from '#build/dockerfile/sources.ts';
import { addTriggers, reachable, type Stage, type Stages } from '#build/dockerfile/stage.ts';
import { namedContext } from '#build/dockerfile/stages.ts';
import type { Scope } from '#build/dockerfile/step.ts';
import { suggestion } from '#build/dockerfile/text.ts';
import { NO_VARIABLES } from '#build/dockerfile/words.ts';
import type { CopyAction } from '#build/vertex.ts';
import type { ImageConfig, Platform } from '#oci/manifest.ts';
import { canonical, parseReference, withDefaultTag } from '#oci/reference.ts';

interface Resolution {
  stages: Stages;
  target: Stage;
  /** No platform was asked for: the base image's is taken. */
  isImplicit: boolean;
  resolve: ResolveBase;
}

/** Triggers can name further images: then those are asked for. */
export async function resolveBases(scope: Scope, resolution: Resolution): Promise<void> {
  const { stages, target } = resolution;
  for (let isOpen = true; isOpen; ) {
    const needed = reachable(target);
    const open = stages.all.filter((stage) => {
      const isWanted = scope.request.allStages || needed.has(stage);
      return isWanted && stage.baseStage === undefined && !stage.isResolved;
    });
    const results = await Promise.allSettled(open.map((stage) => resolveStage(scope, stage, resolution)));
    for (const result of results) if (result.status === 'rejected') throw result.reason;
    isOpen = [...needed].map((stage) => startTriggers(scope, stages, stage)).includes(true);
  }
}

function startTriggers(scope: Scope, stages: Stages, stage: Stage): boolean {
  if (stage.hasTriggers) return false;
  stage.hasTriggers = true;
  const triggers = triggersOf(stage);
  delete stage.image.config.OnBuild;
  return triggers.length > 0 && !stage.isDispatched && addTriggers(stages, stage, triggers, scope.token);
}

function triggersOf({ baseStage, image }: Stage): string[] {
  if (baseStage === undefined) return [...(image.config.OnBuild ?? [])];
  return baseStage.commands.flatMap(({ instruction }) =>
    instruction.kind === 'onbuild' ? [instruction.expression] : [],
  );
}

async function resolveStage(scope: Scope, stage: Stage, resolution: Resolution): Promise<void> {
  stage.isResolved = true;
  try {
    await resolveBase(scope, stage, resolution);
  } catch (error) {
    if (!(error instanceof WherryError) || stage.place === undefined) throw error;
    throw withPlace(error, stage.place);
  }
  // What no stage is has no instructions.
  if (stage.isImplicit) stage.isDispatched = true;
}

async function resolveBase(scope: Scope, stage: Stage, resolution: Resolution): Promise<void> {
  const { graph, platform } = scope;
  if (stage.base === 'scratch' && stage.context === undefined) {
    stage.tree = scratchVertex(graph, platform);
    stage.platform = platform;
    return;
  }
  if (stage.context !== undefined) {
    await useContext(scope, stage, { context: stage.context, asBase: false, resolution });
    stage.isDispatched = true;
    return;
  }
  const written = stage.base;
  const reference = canonical(withDefaultTag(readReference(written)));
  const wanted = stage.platform ?? platform;
  const context = namedContext(scope, reference, wanted);
  if (context !== undefined) {
    await useContext(scope, stage, { context, asBase: !stage.isImplicit, resolution });
    stage.platform = wanted;
    return;
  }
  await useImage(scope, stage, { written, reference, resolution });
}

function readReference(written: string): ReturnType<typeof parseReference> {
  try {
    return parseReference(written);
  } catch (error) {
    throw reworded(error, (why) => `failed to parse stage name ${JSON.stringify(written)}: ${why}`);
  }
}

interface ContextUse {
  context: { name: string; value: NamedContext };
  /** Steps are put on it: it has to be a tree. */
  asBase: boolean;
  resolution: Resolution;
}

async function useContext(scope: Scope, stage: Stage, { context, asBase, resolution }: ContextUse): Promise<void> {
  const { name, value } = context;
  const platform = stage.platform ?? scope.platform;
  if (value.kind === 'image' || value.kind === 'layout') {
    await useImageContext(scope, stage, { name, value, platform, resolution });
    return;
  }
  stage.context = context;
  const files = contextVertex(scope, name);
  stage.image = emptyImage(platform);
  stage.platform = platform;
  if (asBase) stage.paths.add('/');
  stage.tree = asBase ? treeOf(scope, files, { name, platform }) : files;
}

/** The files of a directory as a layer. */
function treeOf(scope: Scope, files: number, { name, platform }: { name: string; platform: Platform }): number {
  const copy: CopyAction = {
    action: 'copy',
    from: 1,
    source: '/',
    target: '/',
    exclude: [],
    unpack: false,
    wildcard: false,
    allowEmpty: false,
    followLinks: false,
    contentsOnly: true,
    createTarget: true,
  };
  return scope.graph.add({
    op: 'file',
    name: `[context ${name}] as a base`,
    inputs: [scratchVertex(scope.graph, platform), files],
    platform,
    actions: [copy],
  });
}

interface ImageContext {
  name: string;
  value: Extract<NamedContext, { kind: 'image' | 'layout' }>;
  platform: Platform;
  resolution: Resolution;
}

async function useImageContext(scope: Scope, stage: Stage, about: ImageContext): Promise<void> {
  const { name, value, platform, resolution } = about;
  const resolveMode = scope.request.pull ? 'pull' : 'default';
  if (value.kind === 'image' && value.reference === 'scratch') {
    stage.tree = scratchVertex(scope.graph, platform);
    return;
  }
  const written = value.kind === 'image' ? value.reference : '';
  const reference = value.kind === 'image' ? canonical(withDefaultTag(parseReference(written))) : '';
  const source = value.kind === 'image' ? { reference } : { path: value.path, digest: value.digest };
  const log = `[context ${name}] load metadata for ${reference || name}`;
  const { config, digest } = await resolution.resolve({ name: log, source, platform, resolveMode });
  stage.image = imageOf(config);
  stage.platform = platformOf(config);
  const pinned = digest === undefined ? {} : { digest };
  stage.tree = scope.graph.add({
    ...(value.kind === 'image'
      ? ({ op: 'image', reference, resolveMode, ...pinned } as const)
      : ({ op: 'layout', path: value.path, digest: value.digest } as const)),
    name: value.kind === 'image' ? `[context ${name}] ${reference}` : `[context ${name}] OCI load from client`,
    inputs: [],
    platform,
  });
}

interface ImageUse {
  written: string;
  /** Complete, with a tag. */
  reference: string;
  resolution: Resolution;
}

async function useImage(scope: Scope, stage: Stage, { written, reference, resolution }: ImageUse): Promise<void> {
  const { request, showPlatform, linter } = scope;
  const asked = stage.platform ?? scope.platform;
  const about = showPlatform ? `${allOf(asked)} internal` : 'internal';
  const resolveMode = request.pull ? 'pull' : 'default';
  const name = `[${about}] load metadata for ${reference}`;
  const resolved = await resolution
    .resolve({ name, source: { reference }, platform: asked, resolveMode })
    .catch((error) => {
      const names = resolution.stages.all.flatMap(({ label }) => (label === '' ? [] : [label]));
      throw reworded(error, (why) => {
        const missing = error instanceof WherryError && error.kind === 'not-found';
        const what = `${written}: failed to resolve source metadata for ${reference}`;
        return `${what}: ${missing ? `${reference}: not found` : why}${suggestion(written, [...names, ...COMMON])}`;
      });
    });
  const { config, digest } = resolved;
  stage.image = imageOf(config);
  const isOpen = stage.platform === undefined && resolution.isImplicit;
  const platform = isOpen ? ownPlatform(config, asked, request.buildPlatform) : asked;
  stage.platform = platform;
  const pinned = digest === undefined || reference.includes('@') ? reference : `${reference}@${digest}`;
  if (hasNoLayers(config)) {
    stage.tree = scratchVertex(scope.graph, platform);
    return;
  }
  const naming = { stage, platform, env: NO_VARIABLES, showPlatform, isOnbuild: false };
  stage.tree = scope.graph.add({
    op: 'image',
    reference: pinned,
    ...(digest === undefined ? {} : { digest }),
    resolveMode,
    name: stepName(naming, `FROM ${pinned}`),
    command: stage.code || `FROM ${written}`,
    ...(stage.label === '' ? {} : { stage: stage.label }),
    ...asPlaces(stage.place),
    inputs: [],
    platform,
  });
  if (stage.place === undefined) return;
  const own = linter.under(stage.comments);
  checkBasePlatform({ base: written, expected: platform, actual: config, place: stage.place, linter: own });
}

/** The image's own, if this machine runs it. */
function ownPlatform(config: Platform, asked: Platform, build: Platform): Platform {
  const isSame = (one: Platform) => one.os === config.os && one.architecture === config.architecture;
  return [asked, build].find(isSame) ?? asked;
}

function hasNoLayers({ rootfs, history }: ImageConfig): boolean {
  return rootfs.diff_ids.length === 0 && !(history ?? []).some(({ empty_layer: isEmpty }) => isEmpty !== true);
}

/** What people mean when they misspell an image's name. */
const COMMON = ['alpine', 'busybox', 'centos', 'debian', 'golang', 'ubuntu', 'fedora'].flatMap((name) => [
  name,
  `${name}:latest`,
]);
