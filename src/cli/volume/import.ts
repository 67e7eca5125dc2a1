import { command } from '#cli/command.ts';

export default command({
  usage: 'VOLUME SOURCE',
  summary: 'Unpack a tar archive into a volume',
  details: `
    SOURCE is a file, or - for standard input; plain or compressed. What the volume has already stays, but for files of
    the same names.`,
  examples: [{ does: 'Bring back what was exported', line: 'wherry volume import data data.tar' }],
  flags: {},
  run: async ({ store, abort }, [name = '', source = '']) => {
    const { importVolume } = await import('#engine/volumes.ts');
    await importVolume(store, name, source === '-' ? process.stdin : source, abort);
  },
});
