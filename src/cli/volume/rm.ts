import { WherryError } from '#base/error.ts';
import { command } from '#cli/command.ts';
import { eachName } from '#cli/each.ts';
import { boolean } from '#cli/values.ts';
import { removeUnused } from '#engine/volumes.ts';

export default command({
  usage: 'VOLUME [VOLUME...]',
  summary: 'Remove one or more volumes',
  details:
    'A volume that a container has, running or not, is not removed. With --force one that is not there is no error.',
  examples: [{ does: 'Remove a volume and what is in it', line: 'wherry volume rm data' }],
  flags: { force: { short: 'f', as: boolean, summary: 'Force the removal of one or more volumes' } },
  run: (context, names, { force }) =>
    eachName(
      context,
      names,
      async (name) => {
        try {
          await removeUnused(context.store, name);
        } catch (error) {
          if (!force || !(error instanceof WherryError) || error.kind !== 'not-found') throw error;
        }
      },
      { parallel: 1 },
    ),
});
