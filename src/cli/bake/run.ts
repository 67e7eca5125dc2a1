/**
 * Builds all targets of a bake at once; one that is linked to others begins when these are there. Steps that several need are
 * made once, as by builds that run side by side.
 */

import { parseBool } from '#base/units.ts';
import type { Target } from '#build/bake/fields.ts';
import { linksOf } from '#build/bake/resolve.ts';
import type { Builder } from '#build/builders.ts';
import { openContexts } from '#build/context/open.ts';
import { temporaryPlace } from '#build/context/place.ts';
import type { BuildEvent, Report } from '#build/event.ts';
import { recordBuild } from '#build/history.ts';
import type { BuildContext, BuildOutput, BuildRequest, BuildResult } from '#build/request.ts';
import type { LintWarning } from '#build/vertex.ts';
import type { TargetWords } from '#cli/bake/values.ts';
import { aboutOf } from '#cli/build/about.ts';
import type { Built } from '#cli/build/files.ts';
import { namedContexts } from '#cli/build/request.ts';
import { explain, type Source, solving, Unbuilt } from '#cli/build/say.ts';
import { aboutTarget, ofTarget } from '#cli/build/targets.ts';
import type { Context } from '#cli/command.ts';
import { build } from '#engine/build.ts';
import { forgetDeadLinked, forgetLinked, openLinking } from '#engine/build-linked.ts';
import type { Wanted } from '#engine/build-wanted.ts';

export interface Job {
  name: string;
  target: Target;
  words: TargetWords;
  wanted: Wanted;
}

export interface Done extends Built {
  source: Source;
}

/** What all targets have in common. */
interface Ways {
  report: Report;
  /** Whom they are asked of. */
  builder: Builder;
}

interface Baking extends Ways {
  context: Context;
  jobs: readonly Job[];
  abort: AbortSignal;
  place: (name: string) => string;
  /** In which linked targets are named for each other, until the end. */
  prefix: string;
}

/** By target. Throws TargetError for the first that fails; the others are ended before. */
export async function runJobs(context: Context, jobs: readonly Job[], ways: Ways): Promise<Map<string, Done>> {
  using linking = openLinking(context.store);
  await forgetDeadLinked(context.store);
  const stop = new AbortController();
  const temporary = temporaryPlace(context.store);
  const abort = AbortSignal.any([context.abort, stop.signal]);
  const baking: Baking = { ...ways, context, jobs, abort, place: temporary.place, prefix: linking.prefix };
  const running = new Map<string, Promise<Done>>();
  const start = (name: string): Promise<Done> => {
    const known = running.get(name);
    if (known !== undefined) return known;
    const made = runTarget(baking, name, start);
    made.catch((error: unknown) => stop.abort(error));
    running.set(name, made);
    return made;
  };
  try {
    const all = jobs.map(async ({ name }) => [name, await start(name)] as const);
    return new Map(await Promise.all(all));
  } catch (error) {
    await Promise.allSettled(running.values());
    throw stop.signal.aborted ? stop.signal.reason : error;
  } finally {
    await forgetLinked(context.store, linkedNames(baking));
    temporary.remove();
  }
}

async function runTarget(baking: Baking, name: string, start: (name: string) => Promise<Done>): Promise<Done> {
  const job = jobOf(baking, name);
  const contexts = await linkedContexts(baking, job, start);
  const wanted = isLinked(baking, name)
    ? { ...job.wanted, outputs: [...job.wanted.outputs, handOver(baking, job)] }
    : job.wanted;
  return buildTarget(baking, { ...job, wanted }, contexts);
}

function jobOf({ jobs }: Baking, name: string): Job {
  const job = jobs.find((one) => one.name === name);
  if (job === undefined) throw new Error(`no target "${name}" to build`);
  return job;
}

const isLinked = ({ jobs }: Baking, name: string) => jobs.some(({ target }) => linksOf(target).includes(name));

/** What a linked target's result is called, or where it is put: an image in the store, but for several platforms a layout. */
const nameFor = ({ prefix }: Baking, name: string) => `${prefix}:${name.toLowerCase()}`;
const isForOthers = ({ wanted }: Job) => wanted.platforms.length > 0;

function handOver(baking: Baking, job: Job): BuildOutput {
  if (isForOthers(job)) return { type: 'oci', dest: baking.place(`linked-${job.name}`), names: [], tar: false };
  return { type: 'image', names: [nameFor(baking, job.name)], push: false };
}

async function linkedContexts(
  baking: Baking,
  { target }: Job,
  start: (name: string) => Promise<Done>,
): Promise<Record<string, BuildContext>> {
  const links = Object.entries(target.contexts ?? {}).filter(([, value]) => value.startsWith('target:'));
  const made = links.map(async ([key, value]): Promise<[string, BuildContext]> => {
    const name = value.slice('target:'.length);
    const { result } = await start(name);
    const job = jobOf(baking, name);
    if (!isForOthers(job)) return [key, { kind: 'image', reference: nameFor(baking, name) }];
    return [key, { kind: 'layout', path: baking.place(`linked-${name}`), digest: result.digest }];
  });
  return Object.fromEntries(await Promise.all(made));
}

function linkedNames(baking: Baking): string[] {
  const linked = baking.jobs.filter((job) => isLinked(baking, job.name) && !isForOthers(job));
  return linked.map(({ name }) => nameFor(baking, name));
}

async function buildTarget(baking: Baking, job: Job, linked: Record<string, BuildContext>): Promise<Done> {
  const { context, abort, builder } = baking;
  const { store } = context;
  const { words, wanted } = job;
  const warnings: LintWarning[] = [];
  const recorder = recordBuild(store, { ...aboutOf(words.context, words.values), builder });
  const told = ofTarget(job.name, baking.jobs.length > 1, baking.report);
  const report = (event: BuildEvent) => {
    if (event.kind === 'warning') warnings.push(event.warning);
    recorder.note(event);
    told(event);
  };
  const source: Source = { name: 'Dockerfile', text: undefined };
  try {
    using opened = await openTarget(context, job, { report, abort });
    Object.assign(source, { name: opened.dockerfile.name, text: opened.dockerfile.text });
    const contexts = { ...opened.contexts, ...linked };
    const request: BuildRequest = { ...wanted, dockerfile: opened.dockerfile, contexts };
    const toStdout = (piece: Uint8Array) => context.out.write(piece);
    const made = await build(store, request, { report, abort, toStdout });
    const names = made.names.filter((name) => !name.startsWith(baking.prefix));
    const result: BuildResult = { ...made, names };
    recorder.end();
    return { result, ref: recorder.ref, builder, warnings, source };
  } catch (error) {
    const lines = explain(error, source);
    recorder.end({ message: error instanceof Error ? error.message : String(error), source: lines });
    throw new Unbuilt(
      aboutTarget(job.name, baking.jobs.length > 1, source.text === undefined ? error : solving(error)),
      lines,
    );
  }
}

export function openTarget(
  { store }: Context,
  { words, wanted }: Pick<Job, 'words' | 'wanted'>,
  options: { report: Report; abort: AbortSignal },
) {
  const { context, file, inline, values } = words;
  const keepGitDir = parseBool(wanted.buildArgs.BUILDKIT_CONTEXT_KEEP_GIT_DIR ?? '') ?? false;
  const named = namedContexts(values.buildContext);
  const opening = { context, file, named, keepGitDir, stdin: process.stdin };
  return openContexts(store, inline === undefined ? opening : { ...opening, inline }, options);
}
