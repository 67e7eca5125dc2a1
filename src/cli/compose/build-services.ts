/** The images of services that are built, shown all in one. */
import { asInvalid, WherryError } from '#base/error.ts';
import { given } from '#base/given.ts';
import { openContexts } from '#build/context/open.ts';
import type { Report } from '#build/event.ts';
import { vertexId } from '#build/progress.ts';
import type { BuildRequest } from '#build/request.ts';
import { explain, type Source, solving, Unbuilt } from '#cli/build/say.ts';
import { aboutTarget, ofTarget } from '#cli/build/targets.ts';
import type { Context } from '#cli/command.ts';
import { showBuild } from '#cli/solve/show.ts';
import { type BuildWishes, inBuildOrder, type ServiceBuild, serviceBuild } from '#compose/apply/build.ts';
import { imageOf } from '#compose/apply/request.ts';
import type { Scope } from '#compose/apply/scope.ts';
import type { Project, Service } from '#compose/model/project.ts';
import { type BuildOptions, build } from '#engine/build.ts';
import { checkWanted } from '#engine/build-wanted.ts';

export interface BuildServices extends BuildWishes {
  scope: Scope;
  quiet: boolean;
  /** auto, plain, tty, rawjson; absent: as --progress of builds. */
  progress?: string;
  /** Nothing is built: what is bad style in the Dockerfiles is told of. */
  check?: boolean;
}

/**
 * Builds them, those at once that don't build upon each other, and shows all in one. What can't be asked for of one of them
 * is said before any is built. Throws what the first build that failed has thrown, when the others have ended; what was
 * built until then stays.
 */
export async function buildServices(
  context: Context,
  project: Project,
  services: readonly Service[],
  options: BuildServices,
): Promise<void> {
  const { scope, check = false, quiet, progress = 'auto' } = options;
  const ordered = inBuildOrder(project, services);
  if (scope.pretended !== undefined) return pretendBuild(project, ordered, scope);
  const builds = ordered.map((service) => serviceBuild(project, service, options));
  if (!check) for (const warning of builds.flatMap(({ wanted }) => checkWanted(wanted))) scope.warn(warning);
  const view = showBuild(context.out, quiet ? 'quiet' : progress);
  const jobs = new Map<string, Promise<string>>();
  try {
    for (const one of builds) {
      const needed = one.needs.map((name) => jobs.get(name));
      const report = ofTarget(one.target, builds.length > 1, view.report);
      const ways = { report, environment: project.environment, ...given({ abort: scope.abort }) };
      const job = Promise.all(needed).then(() => buildOne(context, one, check, ways));
      job.catch(() => undefined);
      jobs.set(one.service.name, job);
    }
    await Promise.allSettled(jobs.values());
  } finally {
    view.end();
  }
  for (const { service, target } of builds) {
    const giveUp = (error: unknown) => failed(context, error, (why) => aboutTarget(target, builds.length > 1, why));
    context.out.write((await jobs.get(service.name)?.catch(giveUp)) ?? '');
  }
  for (const service of ordered) scope.report({ id: imageOf(project.name, service), state: 'Built', status: 'done' });
}

/** Says where in the Dockerfile it failed, and throws why: no daemon has answered anything. */
function failed(context: Context, error: unknown, about: (why: unknown) => unknown): never {
  if (!(error instanceof Unbuilt)) throw error;
  context.err.write(error.lines);
  throw asInvalid(about(error.cause));
}

/** compose's words for a dry run. */
function pretendBuild(project: Project, services: readonly Service[], { report }: Scope): void {
  for (const service of services) {
    const about = { id: service.name, state: '', status: 'done' } as const;
    const id = `dryRun-${vertexId(service.name).slice(-40)}`;
    report({ ...about, text: `==> ==> writing image ${id}` });
    report({ ...about, text: `==> ==> naming to ${imageOf(project.name, service)}` });
    report({ ...about, state: 'Built' });
  }
}

/** What it says on standard output: only a check has something, and its own errors. */
async function buildOne(
  context: Context,
  { service, words, wanted }: ServiceBuild,
  check: boolean,
  options: BuildOptions & { report: Report },
): Promise<string> {
  const { report, abort } = options;
  const source: Source = { name: 'Dockerfile', text: undefined };
  try {
    using opened = await openContexts(context.store, { ...words, stdin: process.stdin }, { report, abort });
    Object.assign(source, opened.dockerfile);
    const request = { ...wanted, dockerfile: opened.dockerfile, contexts: opened.contexts };
    if (check) return await checkOne(context, service, { request, path: words.context, file: words.file }, options);
    await build(context.store, request, options);
    return '';
  } catch (error) {
    abort?.throwIfAborted();
    if (source.text === undefined) throw new Unbuilt(error, '');
    throw check ? error : new Unbuilt(solving(error), explain(error, source));
  }
}

/** Throws kind `invalid` where the check finds something, as compose does. */
async function checkOne(
  context: Context,
  { name }: Service,
  { file, ...about }: { request: BuildRequest; path: string; file: string },
  options: BuildOptions,
): Promise<string> {
  const { callBuild } = await import('#cli/build/call.ts');
  const method = { name: 'check', json: false, ignoreStatus: false } as const;
  const { text, fault, status } = await callBuild(context, { method, values: { file }, ...about }, options);
  if (status === 0) return `${name}\n\n${text}\n`;
  context.out.write(`${name}\n\n${text}\n`);
  throw new WherryError('invalid', fault.trimEnd() || `the Dockerfile of ${name} has warnings`);
}
