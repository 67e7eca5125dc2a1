import { WherryError } from '#base/error.ts';
import { needBuilder } from '#build/builders.ts';
import { findBuild, listBuilds, removeBuild } from '#build/history.ts';
import { BUILDER_FLAG, inBuildx } from '#cli/buildx/buildx.ts';
import { command } from '#cli/command.ts';
import { boolean } from '#cli/values.ts';

export default command({
  usage: '[REF...]',
  summary: 'Remove build records',
  details: 'Images and cache stay: a record tells only how a build went.',
  examples: [{ does: 'Forget all of them', line: 'wherry buildx history rm --all' }],
  flags: { all: { as: boolean, summary: 'Remove all build records' }, ...BUILDER_FLAG },
  run: (context, refs, { all, builder }) =>
    inBuildx(context, () => {
      needBuilder(context.store, builder);
      if (refs.length === 0 && !all) {
        throw new WherryError('invalid', 'rm requires at least one argument', { hint: 'Name records, or give --all' });
      }
      const records = all ? listBuilds(context.store) : refs.map((ref) => findBuild(context.store, ref));
      for (const { ref } of records) removeBuild(context.store, ref);
    }),
});
