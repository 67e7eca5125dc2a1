import { WherryError } from '#base/error.ts';
import { command } from '#cli/command.ts';
import { eachName } from '#cli/each.ts';
import { boolean } from '#cli/values.ts';

export default command({
  usage: '[IMAGE...]',
  summary: "Unmount an image's root filesystem",
  details: `
    Takes back one mount of each image; its files go with the last one. What is not mounted is passed over.`,
  examples: [{ does: 'Take everything back', line: 'wherry image unmount --all --force' }],
  flags: {
    all: { short: 'a', as: boolean, summary: 'Unmount all of the currently mounted images' },
    force: { short: 'f', as: boolean, summary: 'Force the complete unmount of the specified mounted images' },
  },
  run: async (context, names, { all, force }) => {
    if (all && names.length > 0) {
      throw new WherryError('invalid', 'when using the --all switch, you may not pass any image names or IDs');
    }
    if (!all && names.length === 0) throw new WherryError('invalid', 'image name or ID must be specified');
    const { mountedImages, unmountImage } = await import('#image/mount.ts');
    const { needImage } = await import('#image/names.ts');
    const { store } = context;
    const wanted = all ? mountedImages(store).map(({ id }) => id) : names;
    const unmount = async (name: string) => {
      const id = all ? name : needImage(store, name).id;
      return (await unmountImage(store, id, { force })) ? id.replace('sha256:', '') : undefined;
    };
    return eachName(context, wanted, unmount, { show: (_name, id) => id, parallel: 1 });
  },
});
