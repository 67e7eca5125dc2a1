import { WherryError } from '#base/error.ts';
import { needBuilder, removeBuilder } from '#build/builders.ts';
import { BUILDER_FLAG, inBuildx } from '#cli/buildx/buildx.ts';
import { type Context, command } from '#cli/command.ts';
import { boolean } from '#cli/values.ts';

export default command({
  usage: '[NAME...]',
  summary: 'Remove one or more builder instances',
  details: `
    The name is forgotten. The cache stays, as with --keep-state, for all builds of the user share it ("buildx prune" empties
    it), and there is no daemon. No builder is ever inactive, so that --all-inactive removes none.`,
  examples: [{ does: 'Remove the current builder', line: 'wherry buildx create --use && wherry buildx rm' }],
  flags: {
    'all-inactive': { as: boolean, summary: 'Remove all inactive builders' },
    ...BUILDER_FLAG,
    force: { short: 'f', as: boolean, summary: 'Do not prompt for confirmation' },
    'keep-daemon': { as: boolean, summary: 'Keep the BuildKit daemon running' },
    'keep-state': { as: boolean, summary: 'Keep BuildKit state' },
  },
  run: (context, names, { allInactive, builder }) =>
    inBuildx(context, () => {
      if (!allInactive) return remove(context, names.length > 0 ? names : [needBuilder(context.store, builder).name]);
      if (names.length > 0) {
        throw new WherryError('invalid', 'cannot specify builder name when --all-inactive is set');
      }
    }),
});

async function remove({ store, out, err }: Context, names: readonly string[]): Promise<void> {
  let isWhole = true;
  for (const name of names) {
    try {
      await removeBuilder(store, name);
      out.line(`${name} removed`);
    } catch (error) {
      if (!(error instanceof WherryError)) throw error;
      err.line(`failed to remove ${name}: ${error.message}`);
      isWhole = false;
    }
  }
  if (!isWhole) throw new WherryError('invalid', 'failed to remove one or more builders');
}
