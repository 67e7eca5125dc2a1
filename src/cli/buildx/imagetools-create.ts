import { readFileSync } from 'node:fs';
import { WherryError } from '#base/error.ts';
import { needBuilder } from '#build/builders.ts';
import { readAnnotation, readPlatforms } from '#build/options.ts';
import { step } from '#build/progress.ts';
import { BUILDER_FLAG, inBuildx } from '#cli/buildx/buildx.ts';
import { type Context, command, type Values } from '#cli/command.ts';
import { showBuild } from '#cli/solve/show.ts';
import { boolean, listOf, text } from '#cli/values.ts';
import { attempt } from '#cli/write-file.ts';
import { type Combined, combineRemote, putCombined } from '#image/remote-index.ts';

const array = listOf('stringArray');

const FLAGS = {
  annotation: { as: array, summary: 'Add annotation to the image' },
  append: { as: boolean, summary: 'Append to existing manifest' },
  ...BUILDER_FLAG,
  'dry-run': { as: boolean, summary: 'Show final image instead of pushing' },
  file: { short: 'f', as: array, summary: 'Read source descriptor from file' },
  platform: { short: 'p', as: array, summary: 'Filter specified platforms of target image' },
  'prefer-index': {
    as: boolean,
    default: 'true',
    summary:
      'When only a single source is specified, prefer outputting an image index or manifest list instead of performing a carbon copy',
  },
  progress: {
    as: text,
    default: 'auto',
    summary:
      'Set type of progress output ("auto", "none", "plain", "rawjson", "tty"). Use plain to show container output',
  },
  tag: { short: 't', as: array, summary: 'Set reference for new image' },
} as const;

export default command({
  usage: '[SOURCE...]',
  summary: 'Create a new image based on source images',
  details: `
    Joins what registries have to one index, and gives names to it: nothing is built, and no layer comes here unless it has to
    go to another registry. A source is a name, or a digest or descriptor (as JSON) in the repository of the tag.`,
  examples: [
    {
      does: 'One name for two processors',
      line: 'wherry buildx imagetools create -t registry.example/app:1 registry.example/app:1-amd64 registry.example/app:1-arm64',
    },
  ],
  flags: FLAGS,
  run: (context, sources, values) => inBuildx(context, () => create(context, sources, values)),
});

async function create(context: Context, names: string[], values: Values<typeof FLAGS>): Promise<void> {
  const { file: files, tag: tags, append, dryRun, preferIndex: prefersIndex } = values;
  if (files.length + names.length === 0) throw new WherryError('invalid', 'no sources specified');
  if (tags.length === 0 && !dryRun) {
    throw new WherryError('invalid', "can't push with no tags specified, please set --tag or --dry-run");
  }
  const sources = [...files.map(readSourceFile), ...names];
  needBuilder(context.store, values.builder);
  const combined = await combineRemote(
    { sources, tags, append },
    {
      prefersIndex,
      platforms: readPlatforms(values.platform),
      annotations: values.annotation.flatMap(readAnnotation),
      abort: context.abort,
    },
  );
  if (dryRun) return context.out.line(combined.document.bytes.toString());
  await push(context, combined, values.progress);
}

const readSourceFile = (path: string) => {
  let read = '';
  attempt('open', path, () => {
    read = readFileSync(path, 'utf8');
  });
  return read;
};

async function push({ err, abort }: Context, combined: Combined, progress: string): Promise<void> {
  const view = showBuild(err, progress);
  try {
    for (const [at, tag] of combined.tags.entries()) {
      await step(view.report, `[internal] pushing ${combined.names[at]}`, ({ say }) =>
        putCombined(combined, tag, { abort, told: say }),
      );
    }
  } finally {
    view.end();
  }
}
