import { writeFileSync } from 'node:fs';
import { WherryError } from '#base/error.ts';
import { parseBool } from '#base/units.ts';
import type { Definition } from '#build/bake/fields.ts';
import { mergeTargets } from '#build/bake/merge.ts';
import { readOverrides } from '#build/bake/override.ts';
import { parseBake } from '#build/bake/parse.ts';
import { type Baked, resolveTargets } from '#build/bake/resolve.ts';
import { type Builder, needBuilder } from '#build/builders.ts';
import { isFar } from '#build/context/git-address.ts';
import type { Report } from '#build/event.ts';
import { checkLeave, readAllow } from '#cli/bake/allow.ts';
import { callJobs } from '#cli/bake/call.ts';
import { type BakeFiles, readFiles } from '#cli/bake/files.ts';
import { BAKE_FLAGS, type BakeValues } from '#cli/bake/flags.ts';
import { listed, readList } from '#cli/bake/list.ts';
import { printed } from '#cli/bake/print.ts';
import { type Done, type Job, runJobs } from '#cli/bake/run.ts';
import { usedContext, wordsOf } from '#cli/bake/values.ts';
import { parseMethod } from '#cli/build/call.ts';
import { metadata } from '#cli/build/files.ts';
import { wantedOf } from '#cli/build/request.ts';
import { sayWarnings, showsWarnings, Unbuilt } from '#cli/build/say.ts';
import { checkTogether } from '#cli/build/together.ts';
import { inBuildx } from '#cli/buildx/buildx.ts';
import { type Context, command } from '#cli/command.ts';
import { showBuild } from '#cli/solve/show.ts';
import { attempt } from '#cli/write-file.ts';
import { builderPlatforms } from '#engine/builder.ts';

export default command({
  usage: '[TARGET...]',
  summary: 'Build from a file',
  details: `
    Builds what a bake file defines: targets, each with the settings of a build, and groups of them. Files are JSON
    (docker-bake.json, docker-bake.override.json) or compose files; HCL is not read. All targets are built at once, and
    steps that several need are made once.`,
  examples: [
    { does: 'See what would be built', line: 'wherry buildx bake --print' },
    { does: 'Build one target with another version', line: 'wherry buildx bake --set app.args.VERSION=2 app' },
  ],
  flags: BAKE_FLAGS,
  run: (context, names, values) => inBuildx(context, () => bake(context, names, values as BakeValues)),
});

async function bake(context: Context, names: string[], values: BakeValues): Promise<number> {
  if (values.print && values.list) throw new WherryError('invalid', '--print and --list are mutually exclusive');
  const method = parseMethod(values);
  const leave = readAllow(values.allow);
  refuseFar(names);
  const builder = needBuilder(context.store, values.builder);
  const isDry = values.print || values.list !== undefined;
  const view = showBuild(context.err, values.progress, isDry ? {} : { builder });
  try {
    const files = await readFiles(values.file, { report: view.report, environment: process.env });
    const definition = await define(context, files);
    if (values.list) {
      view.end();
      context.out.write(listed(definition, readList(values.list)));
      return 0;
    }
    const words = [...values.set, ...overridesOf(context, values, method?.name)];
    const wanted = names.length === 0 ? ['default'] : names;
    const baked = withEpoch(resolveTargets(definition, wanted, readOverrides(words, definition.targets, process.env)));
    for (const target of Object.values(baked.targets)) target.context = usedContext(target);
    if (values.print) {
      view.end();
      context.out.write(printed(baked));
      return 0;
    }
    const jobs = jobsOf(baked, { allow: leave.names, builder: values.builder ?? '' });
    checkLeave(jobs, leave, process.env);
    if (jobs.some(({ target }) => target.call !== undefined && target.call !== 'build')) {
      const called = await callJobs(context, { baked, jobs, method, report: view.report });
      view.end();
      context.out.write(called.text);
      context.err.write(called.fault);
      return called.status;
    }
    return await buildAll(context, jobs, { values, view, builder });
  } catch (error) {
    view.end();
    if (!(error instanceof Unbuilt)) throw error;
    context.err.write(error.lines);
    throw error.cause;
  }
}

function refuseFar(names: readonly string[]): void {
  const [first] = names;
  if (first === undefined || !isFar(first)) return;
  throw new WherryError('unsupported', `Cannot bake ${first}: bake files are read from directories of this machine`, {
    hint: 'Clone it, and bake there',
  });
}

async function define(context: Context, { json, compose }: BakeFiles): Promise<Definition> {
  const lookup = parseBool(process.env.BUILDX_BAKE_DISABLE_VARS_ENV_LOOKUP ?? '') !== true;
  const environment = lookup ? process.env : {};
  const builtIn = { BAKE_CMD_CONTEXT: 'cwd://', BAKE_LOCAL_PLATFORM: builderPlatforms()[0] ?? '' };
  const own = parseBake(json, { environment, builtIn });
  if (compose.length === 0) return own;
  const { readCompose } = await import('#cli/bake/compose.ts');
  const warn = (text: string) => context.err.line(`WARNING: ${text}`);
  const services = await readCompose(
    compose.map(({ name }) => name),
    { environment, warn },
  );
  for (const [name, target] of own.targets) {
    const former = services.targets.get(name);
    services.targets.set(name, former === undefined ? target : mergeTargets(former, target));
  }
  return { ...services, groups: new Map([...services.groups, ...own.groups]), variables: own.variables };
}

/** The short flags are overrides of every target. */
function overridesOf({ given }: Context, values: BakeValues, method: string | undefined): string[] {
  const { push, load, noCache, pull, sbom, provenance } = values;
  const attest = (type: string, text: string) => {
    const isOn = parseBool(text);
    return `*.attest=type=${type}${isOn === undefined ? `,${text}` : isOn ? '' : ',disabled=true'}`;
  };
  return [
    ...(push ? ['*.push=true'] : []),
    ...(load ? ['*.load=true'] : []),
    ...(method === undefined ? [] : [`*.call=${method === 'check' ? 'lint' : method}`]),
    ...(given.has('no-cache') ? [`*.no-cache=${noCache}`] : []),
    ...(given.has('pull') ? [`*.pull=${pull}`] : []),
    ...(sbom ? [attest('sbom', sbom)] : []),
    ...(provenance ? [attest('provenance', provenance)] : []),
  ];
}

/** SOURCE_DATE_EPOCH of the environment holds where a target says nothing of it. */
function withEpoch(baked: Baked): Baked {
  const { SOURCE_DATE_EPOCH: epoch } = process.env;
  if (!epoch) return baked;
  for (const target of Object.values(baked.targets)) target.args = { SOURCE_DATE_EPOCH: epoch, ...target.args };
  return baked;
}

function jobsOf({ targets }: Baked, options: Parameters<typeof wordsOf>[1]): Job[] {
  return Object.entries(targets)
    .sort(([one], [other]) => (one < other ? -1 : 1))
    .map(([name, target]) => {
      const words = wordsOf(target, options);
      const wanted = wantedOf(words.values);
      return { name, target, words, wanted };
    });
}

interface Showing {
  values: BakeValues;
  view: { report: Report; end(): void };
  builder: Builder;
}

async function buildAll(context: Context, jobs: readonly Job[], { values, view, builder }: Showing): Promise<number> {
  for (const { wanted, words } of jobs) {
    for (const warning of checkTogether(wanted, words.values)) context.err.line(`WARNING: ${warning}`);
  }
  const done = await runJobs(context, jobs, { report: view.report, builder });
  view.end();
  if (showsWarnings(values.progress)) {
    const debug = context.debug || values.debug;
    for (const { warnings, source } of done.values()) sayWarnings({ ...context, debug }, warnings, source);
  }
  const { metadataFile } = values;
  if (metadataFile) {
    const text = JSON.stringify(await metadataOf(done), null, 2);
    attempt('open', metadataFile, () => writeFileSync(metadataFile, text));
  }
  return 0;
}

async function metadataOf(done: ReadonlyMap<string, Done>): Promise<object> {
  const entries = await Promise.all([...done].map(async ([name, built]) => [name, await metadata(built)] as const));
  return Object.fromEntries(entries);
}
