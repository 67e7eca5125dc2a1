import { WherryError } from '#base/error.ts';
import { command, given } from '#cli/command.ts';
import { text } from '#cli/values.ts';

export default command({
  usage: 'IMAGE [IMAGE...]',
  summary: 'Save one or more images to a tar archive (streamed to STDOUT by default)',
  details: `
    The archive is an OCI layout and one of Docker's own format at once: docker load, podman load and skopeo read it. It
    has the layers as they were pulled, compressed, with the same digests. A name without a tag means all tags of its
    repository; an image that is named by its ID is saved without names.`,
  examples: [
    { does: 'Carry an image to a machine without a network', line: 'wherry save -o busybox.tar localhost/busybox' },
  ],
  flags: {
    output: { short: 'o', as: text, summary: 'Write to a file, instead of STDOUT' },
    platform: {
      as: text,
      summary: 'Save only the given platform variant. Formatted as "os[/arch[/variant]]" (e.g., "linux/amd64")',
    },
  },
  run: async (context, names, { output, platform }) => {
    if (!output && context.out.isTerminal) {
      throw new WherryError('invalid', 'cowardly refusing to save to a terminal. Use the -o flag or redirect');
    }
    const { saveImages, saveToFile } = await import('#image/save.ts');
    const options = given({ platform, abort: context.abort });
    if (output) await saveToFile(context.store, names, output, options);
    else await saveImages(context.store, names, (piece) => context.out.write(piece), options);
  },
});
