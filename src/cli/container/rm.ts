import { WherryError } from '#base/error.ts';
import { command } from '#cli/command.ts';
import { eachName } from '#cli/each.ts';
import { boolean } from '#cli/values.ts';
import { findContainer } from '#container/names.ts';
import { removeContainer } from '#engine/start.ts';

export default command({
  usage: 'CONTAINER [CONTAINER...]',
  summary: 'Remove one or more containers',
  details: `
    A running container is removed only with --force, which kills it first. Named volumes stay in any case;
    --volumes takes those along that were made for the container alone.`,
  examples: [{ does: 'Remove a container and its anonymous volumes', line: 'wherry rm --force --volumes web' }],
  flags: {
    force: { short: 'f', as: boolean, summary: 'Force the removal of a running container (uses SIGKILL)' },
    link: { short: 'l', as: boolean, summary: 'Remove the specified link' },
    volumes: { short: 'v', as: boolean, summary: 'Remove anonymous volumes associated with the container' },
  },
  run: async (context, names, { force, link, volumes }) => {
    if (link) {
      // Links of the old kind are not made here, so the only one is the container's own name.
      return eachName(context, names, (name) => {
        findContainer(context.store, name);
        throw new WherryError('conflict', 'Conflict, cannot remove the default link name of the container');
      });
    }
    let absent = 0;
    const status = await eachName(context, names, async (name) => {
      try {
        await removeContainer(context.store, name, { force, volumes });
      } catch (error) {
        if (error instanceof WherryError && error.kind === 'not-found') absent += 1;
        else absent = Number.NaN;
        throw error;
      }
    });
    // As with rm(1), what is not there need not be removed by force.
    return force && absent > 0 ? 0 : status;
  },
});
