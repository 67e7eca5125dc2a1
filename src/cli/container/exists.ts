import { command } from '#cli/command.ts';
import { EXISTS, exists } from '#cli/exists.ts';

export default command({
  ...EXISTS,
  usage: 'CONTAINER',
  summary: 'Check if a container exists in local storage',
  details: 'Prints nothing. The exit status is 0 where there is one, 1 where there is none, 125 for an error.',
  examples: [{ does: 'Make it once', line: 'wherry container exists db || wherry create --name db postgres' }],
  run: async ({ store }, [name = '']) => {
    const { findContainer } = await import('#container/names.ts');
    return exists(() => findContainer(store, name));
  },
});
