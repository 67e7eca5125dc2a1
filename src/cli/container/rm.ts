import { WherryError } from '#base/error.ts';
import { command } from '#cli/command.ts';
import { eachName } from '#cli/each.ts';
import { boolean } from '#cli/values.ts';
import { removeContainer } from '#engine/start.ts';
import { removeLink } from '#engine/unlink.ts';

export default command({
  usage: 'CONTAINER [CONTAINER...]',
  summary: 'Remove one or more containers',
  details: `
    A running container is removed only with --force, which kills it first. Named volumes stay in any case;
    --volumes takes those along that were made for the container alone. With --link it is a name that --link gave to
    another container which goes: CONTAINER/ALIAS.`,
  examples: [{ does: 'Remove a container and its anonymous volumes', line: 'wherry rm --force --volumes web' }],
  flags: {
    force: { short: 'f', as: boolean, summary: 'Force the removal of a running container (uses SIGKILL)' },
    link: { short: 'l', as: boolean, summary: 'Remove the specified link' },
    volumes: { short: 'v', as: boolean, summary: 'Remove anonymous volumes associated with the container' },
  },
  run: async (context, names, { force, link, volumes }) => {
    let absent = 0;
    const status = await eachName(context, names, async (name) => {
      try {
        const bare = name.replace(/^\/+|\/+$/g, '');
        if (bare === '') throw new WherryError('invalid', 'container name cannot be empty');
        if (link) await removeLink(context.store, bare);
        else await removeContainer(context.store, bare, { force, volumes });
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
