import { basename } from 'node:path';
import { WherryError } from '#base/error.ts';
import { parseBool } from '#base/units.ts';
import { needBuilder } from '#build/builders.ts';
import { openContexts } from '#build/context/open.ts';
import type { BuildEvent } from '#build/event.ts';
import { recordBuild } from '#build/history.ts';
import type { BuildResult } from '#build/request.ts';
import type { LintWarning } from '#build/vertex.ts';
import { aboutOf } from '#cli/build/about.ts';
import { callBuild, parseMethod, sayCalled } from '#cli/build/call.ts';
import { prepareFiles, writeFiles } from '#cli/build/files.ts';
import { BUILD_FLAGS } from '#cli/build/flags.ts';
import { type BuildValues, namedContexts, wantedOf } from '#cli/build/request.ts';
import { explain, type Source, sayWarnings, showsWarnings, solving } from '#cli/build/say.ts';
import { checkTogether } from '#cli/build/together.ts';
import { inBuildx } from '#cli/buildx/buildx.ts';
import { type Context, command } from '#cli/command.ts';
import { showBuild } from '#cli/solve/show.ts';
import { build } from '#engine/build.ts';
import type { Wanted } from '#engine/build-wanted.ts';

export default command({
  usage: 'PATH | URL | -',
  summary: 'Start a build',
  details: `
    Builds an image from a Dockerfile, as BuildKit would, in this command and without a daemon. Steps that nothing has changed
    for are taken from the cache, which all builds of a user share; "buildx du" lists it and "buildx prune" empties it.
    Provenance of mode=max has the steps in the shape of BuildKit's; their digests are of this engine's steps, and the layers
    that it names are those of the result.`,
  examples: [
    { does: 'Build what is here and give it a name', line: 'wherry build -t app .' },
    { does: 'See all output of the steps', line: 'wherry build --progress plain .' },
    { does: 'Take the files out of the last stage', line: 'wherry build --output out .' },
  ],
  flags: BUILD_FLAGS,
  run: (context, [path = ''], values) =>
    inBuildx(context, () => runBuild(context, path, values as BuildValues), 'failed to build: '),
});

async function runBuild(context: Context, path: string, values: BuildValues): Promise<number> {
  const builder = needBuilder(context.store, values.builder);
  const method = parseMethod(values);
  const wanted = wantedOf(values);
  checkStdout(context, wanted.outputs);
  if (method !== undefined && values.metadataFile) {
    context.err.line('WARNING: nothing is built: the file of --metadata-file is not written');
  }
  for (const warning of checkTogether(wanted, values)) context.err.line(`WARNING: ${warning}`);
  const mode = progressMode(values);
  const debug = context.debug || values.debug;
  const files = prepareFiles(values);
  const view = showBuild(context.err, mode, { builder });
  const warnings: LintWarning[] = [];
  const recorder = recordBuild(context.store, { ...aboutOf(path, values), builder });
  const report = (event: BuildEvent) => {
    if (event.kind === 'warning') warnings.push(event.warning);
    recorder.note(event);
    view.report(event);
  };
  const source: Source = { name: nameOf(values), text: undefined };
  const end = (failure?: { message: string; source: string }) => {
    recorder.end(failure);
    view.end();
    if (showsWarnings(mode) && source.text !== undefined) sayWarnings({ ...context, debug }, warnings, source);
  };
  try {
    const words = { context: path, file: values.file ?? '', named: namedContexts(values.buildContext) };
    const keepGitDir = parseBool(wanted.buildArgs.BUILDKIT_CONTEXT_KEEP_GIT_DIR ?? '') ?? false;
    const opening = { ...words, stdin: process.stdin, keepGitDir };
    using opened = await openContexts(context.store, opening, { report, abort: context.abort });
    Object.assign(source, { name: opened.dockerfile.name, text: opened.dockerfile.text });
    const request = { ...wanted, dockerfile: opened.dockerfile, contexts: opened.contexts };
    if (method !== undefined) {
      const called = await callBuild(context, { method, request, path, values }, { report, abort: context.abort });
      end();
      return sayCalled(context, called);
    }
    const toStdout = (piece: Uint8Array) => context.out.write(piece);
    const result = await build(context.store, request, { report, abort: context.abort, toStdout });
    end();
    say(context, values, result);
    await writeFiles(files, { result, ref: recorder.ref, builder, warnings });
    return 0;
  } catch (error) {
    const lines = explain(error, source);
    end({ message: error instanceof Error ? error.message : String(error), source: lines });
    context.err.write(lines);
    throw source.text === undefined ? error : solving(error);
  }
}

/** An archive is nothing for a terminal. */
function checkStdout({ out }: Context, outputs: Wanted['outputs']): void {
  const toTerminal = outputs.find((output) => 'dest' in output && output.dest === '-' && out.isTerminal);
  if (toTerminal === undefined) return;
  throw new WherryError(
    'invalid',
    `dest file is required for ${toTerminal.type} exporter. refusing to write to console`,
  );
}

const nameOf = ({ file = '' }: BuildValues) => (file === '' || file === '-' ? 'Dockerfile' : basename(file));

/** -q means that nothing is shown but the image's ID. */
function progressMode({ quiet, progress }: BuildValues): string {
  if (!quiet && progress !== 'quiet') return progress;
  if (progress === 'auto' || progress === 'quiet') return 'quiet';
  throw new WherryError('invalid', `progress=${progress} and quiet cannot be used together`);
}

function say({ out }: Context, { quiet, progress }: BuildValues, { targets }: BuildResult): void {
  if (!quiet && progress !== 'quiet') return;
  out.line(targets[0]?.imageId ?? '');
}
