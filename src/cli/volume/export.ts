import { WherryError } from '#base/error.ts';
import { command } from '#cli/command.ts';
import { text } from '#cli/values.ts';

export default command({
  usage: 'VOLUME',
  summary: "Export a volume's content as a tar archive",
  details: 'Numbers of owners are those of inside containers. `wherry volume import` takes it back.',
  examples: [{ does: 'Keep a copy of a volume', line: 'wherry volume export --output data.tar data' }],
  flags: { output: { short: 'o', as: text, summary: 'Write to a file, instead of STDOUT' } },
  run: async ({ store, out, abort }, [name = ''], { output }) => {
    if (!output && out.isTerminal) {
      throw new WherryError('invalid', 'cowardly refusing to save to a terminal. Use the -o flag or redirect');
    }
    const { exportVolume, exportVolumeTo } = await import('#engine/volumes.ts');
    if (output) await exportVolumeTo(store, name, output, abort);
    else await exportVolume(store, name, (piece) => out.write(piece), abort);
  },
});
