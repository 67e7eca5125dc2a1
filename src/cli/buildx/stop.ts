import { needBuilder } from '#build/builders.ts';
import { BUILDER_FLAG, inBuildx } from '#cli/buildx/buildx.ts';
import { command } from '#cli/command.ts';

export default command({
  usage: '[NAME]',
  summary: 'Stop builder instance',
  details: 'Nothing runs between builds, so that there is nothing to stop: a builder of this name has to be there.',
  examples: [{ does: 'As scripts end', line: 'wherry buildx stop' }],
  flags: BUILDER_FLAG,
  run: (context, [name], { builder }) =>
    inBuildx(context, () => {
      needBuilder(context.store, name || builder);
    }),
});
