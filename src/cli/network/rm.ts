import { WherryError } from '#base/error.ts';
import { command } from '#cli/command.ts';
import { eachName } from '#cli/each.ts';
import { boolean } from '#cli/values.ts';
import { deleteNetwork } from '#engine/networking.ts';

export default command({
  usage: 'NETWORK [NETWORK...]',
  summary: 'Remove one or more networks',
  details: 'A network with running containers stays. --force says nothing where there is no such network.',
  examples: [{ does: 'Remove a network, if it is there', line: 'wherry network rm --force back' }],
  flags: { force: { short: 'f', as: boolean, summary: 'Do not error if the network does not exist' } },
  run: ({ store, ...context }, names, { force }) => {
    const remove = async (name: string): Promise<boolean> => {
      try {
        await deleteNetwork(store, name);
        return true;
      } catch (error) {
        if (force && error instanceof WherryError && error.kind === 'not-found') return false;
        throw error;
      }
    };
    return eachName({ store, ...context }, names, remove, {
      parallel: 1,
      show: (name, isDone) => (isDone ? name : undefined),
      // Docker's client adds this.
      sum: () => 'exit status 1',
    });
  },
});
