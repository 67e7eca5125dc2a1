import { WherryError } from '#base/error.ts';
import { useBuilder } from '#build/builders.ts';
import { BUILDER_FLAG, inBuildx } from '#cli/buildx/buildx.ts';
import { command } from '#cli/command.ts';
import { boolean } from '#cli/values.ts';

export default command({
  usage: '[NAME]',
  summary: 'Set the current builder instance',
  details: `
    There are no contexts but the one, so that --default and --global, which say for which of them the name is kept, change
    nothing.`,
  examples: [{ does: 'Back to the builder that is always there', line: 'wherry buildx use default' }],
  flags: {
    ...BUILDER_FLAG,
    default: { as: boolean, summary: 'Set builder as default for current context' },
    global: { as: boolean, summary: 'Builder persists context changes' },
  },
  run: (context, [name], { builder }) =>
    inBuildx(context, () => {
      const wanted = name || builder;
      if (!wanted) throw new WherryError('invalid', 'a name of a builder is needed', { hint: 'buildx ls lists them' });
      return useBuilder(context.store, wanted);
    }),
});
