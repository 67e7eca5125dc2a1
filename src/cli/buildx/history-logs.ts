import { needBuilder } from '#build/builders.ts';
import { buildEvents, findBuild } from '#build/history.ts';
import { BUILDER_FLAG, inBuildx } from '#cli/buildx/buildx.ts';
import { command } from '#cli/command.ts';
import { text } from '#cli/values.ts';

export default command({
  usage: '[REF]',
  summary: 'Print the logs of a build record',
  details: 'Without a reference the newest; ^1 is the one before it.',
  examples: [{ does: 'What the last build printed', line: 'wherry buildx history logs' }],
  flags: {
    ...BUILDER_FLAG,
    progress: { as: text, default: 'plain', summary: 'Set type of progress output (plain, rawjson, tty)' },
  },
  run: (context, [ref = ''], { builder, progress }) =>
    inBuildx(context, async () => {
      needBuilder(context.store, builder);
      const events = buildEvents(context.store, findBuild(context.store, ref));
      const { replayBuild } = await import('#cli/solve/show.ts');
      replayBuild(context.out, progress, events);
    }),
});
