import { command } from '#cli/command.ts';
import { EXISTS, exists } from '#cli/exists.ts';

export default command({
  ...EXISTS,
  usage: 'VOLUME',
  summary: 'Check if a volume exists in local storage',
  details: 'Prints nothing. The exit status is 0 where there is one, 1 where there is none, 125 for an error.',
  examples: [{ does: 'Make it once', line: 'wherry volume exists data || wherry volume create data' }],
  run: async ({ store }, [name = '']) => {
    const { findVolume } = await import('#volume/volume.ts');
    return exists(() => findVolume(store, name));
  },
});
