import { command } from '#cli/command.ts';

export default command({
  usage: '[COMMAND [ARG...]]',
  summary: 'Run a command in a modified user namespace',
  details: `
    The command runs in the user and mount namespace that wherry keeps for you: as its root, who owns what containers
    have written, and with the images that \`wherry image mount\` has mounted. Without a command it is your shell.`,
  examples: [
    { does: 'Who owns the files of a volume, as its container sees it', line: 'wherry unshare ls -ln volume' },
    { does: 'Remove what a container has left in a directory of yours', line: 'wherry unshare rm -r left' },
  ],
  flags: {},
  interspersed: false,
  run: async (_context, words) => {
    const { runInside } = await import('#engine/inside.ts');
    return runInside(words);
  },
});
