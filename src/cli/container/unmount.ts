import { WherryError } from '#base/error.ts';
import { command } from '#cli/command.ts';
import { eachName } from '#cli/each.ts';
import { boolean } from '#cli/values.ts';

export default command({
  usage: '[CONTAINER...]',
  summary: "Unmount working container's root filesystem",
  details: `
    Takes back one mount of each container. Its root is unmounted with the last one, but stays while the container runs.`,
  examples: [{ does: 'Take everything back', line: 'wherry unmount --all --force' }],
  flags: {
    all: { short: 'a', as: boolean, summary: 'Unmount all of the currently mounted containers' },
    force: { short: 'f', as: boolean, summary: 'Force the complete unmount of the specified mounted containers' },
  },
  run: async (context, names, { all, force }) => {
    if (all && names.length > 0) throw new WherryError('invalid', 'no arguments are needed with --all');
    if (!all && names.length === 0) throw new WherryError('invalid', 'you must provide at least one name or id');
    const { mountedContainers, unmountContainer } = await import('#container/mount.ts');
    const wanted = all ? mountedContainers(context.store).map(({ id }) => id) : names;
    return eachName(context, wanted, (name) => unmountContainer(context.store, name, { force }), { parallel: 1 });
  },
});
