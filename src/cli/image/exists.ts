import { command } from '#cli/command.ts';
import { EXISTS, exists } from '#cli/exists.ts';

export default command({
  ...EXISTS,
  usage: 'IMAGE',
  summary: 'Check if an image exists in local storage',
  details: 'Prints nothing. The exit status is 0 where there is one, 1 where there is none, 125 for an error.',
  examples: [{ does: 'Pull it once', line: 'wherry image exists nginx || wherry pull nginx' }],
  run: async ({ store }, [name = '']) => {
    const { findImage } = await import('#image/names.ts');
    return exists(() => findImage(store, name));
  },
});
