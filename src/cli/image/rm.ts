import { WherryError } from '#base/error.ts';
import { command } from '#cli/command.ts';
import { describe } from '#cli/fail.ts';
import { boolean, listOf } from '#cli/values.ts';

export default command({
  usage: 'IMAGE [IMAGE...]',
  summary: 'Remove one or more images',
  details: `
    A name is taken away; the image goes with its last name, and each layer with the last image that has it. An image
    that a stopped container was made from is removed only with --force: the container keeps its layers.`,
  examples: [{ does: 'Remove an image and all its names', line: 'wherry rmi --force 7d9495d03763' }],
  flags: {
    force: { short: 'f', as: boolean, summary: 'Force removal of the image' },
    'no-prune': { as: boolean, summary: 'Do not delete untagged parents' },
    platform: {
      as: listOf('strings'),
      summary: 'Remove only the given platform variant. Formatted as "os[/arch[/variant]]" (e.g., "linux/amd64")',
    },
  },
  run: async (context, names, { force, noPrune, platform }) => {
    const { removeImages } = await import('#engine/images.ts');
    const platforms = platform.flatMap((value) => value.split(','));
    const errors: WherryError[] = [];
    for await (const { removed, error } of removeImages(context.store, names, { force, prune: !noPrune, platforms })) {
      if (error instanceof WherryError) errors.push(error);
      else if (error !== undefined) throw error;
      for (const name of removed?.untagged ?? []) context.out.line(`Untagged: ${name}`);
      for (const id of removed?.deleted ?? []) context.out.line(`Deleted: ${id}`);
    }
    for (const error of errors) context.err.line(describe(error));
    // As with rm(1), what is not there need not be removed by force.
    return errors.length === 0 || (force && errors.every((error) => error.kind === 'not-found')) ? 0 : 1;
  },
});
