import { WherryError } from '#base/error.ts';
import { command } from '#cli/command.ts';
import { text } from '#cli/values.ts';

export default command({
  usage: 'CONTAINER',
  summary: "Export a container's filesystem as a tar archive",
  details: `
    The archive has all files of the container, running or not; what is in volumes is not among them. Numbers of owners
    are those of inside the container.`,
  examples: [{ does: 'Look at what a container is made of', line: 'wherry export web | tar -t' }],
  flags: {
    output: { short: 'o', as: text, summary: 'Write to a file, instead of STDOUT' },
  },
  run: async (context, [name = ''], { output }) => {
    if (!output && context.out.isTerminal) {
      throw new WherryError('invalid', 'cowardly refusing to save to a terminal. Use the -o flag or redirect');
    }
    const { exportContainer, exportToFile } = await import('#container/export.ts');
    const { store, abort } = context;
    if (output) await exportToFile(store, name, output, { abort });
    else await exportContainer(store, name, (piece) => context.out.write(piece), { abort });
  },
});
