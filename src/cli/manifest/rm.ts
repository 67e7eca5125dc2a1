import { asInvalid } from '#base/error.ts';
import { command } from '#cli/command.ts';
import { eachName } from '#cli/each.ts';

export default command({
  usage: 'MANIFEST_LIST [MANIFEST_LIST...]',
  summary: 'Delete one or more manifest lists from local storage',
  details: 'What was pushed stays at the registry.',
  examples: [{ does: 'Begin anew', line: 'wherry manifest rm registry.example/app:1' }],
  flags: {},
  store: false,
  run: async (context, names) => {
    const { removeManifestList } = await import('#image/manifest-list.ts');
    const remove = (name: string) => {
      try {
        removeManifestList(name);
      } catch (error) {
        throw asInvalid(error);
      }
    };
    return eachName(context, names, remove, { show: () => undefined });
  },
});
