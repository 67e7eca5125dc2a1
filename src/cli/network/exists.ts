import { command } from '#cli/command.ts';
import { EXISTS, exists } from '#cli/exists.ts';

export default command({
  ...EXISTS,
  usage: 'NETWORK',
  summary: 'Check if a network exists in local storage',
  details: 'Prints nothing. The exit status is 0 where there is one, 1 where there is none, 125 for an error.',
  examples: [{ does: 'Make it once', line: 'wherry network exists back || wherry network create back' }],
  run: async ({ store }, [name = '']) => {
    const { needNetwork } = await import('#network/records.ts');
    return exists(() => needNetwork(store, name));
  },
});
