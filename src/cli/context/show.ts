import { command } from '#cli/command.ts';

export default command({
  usage: '',
  summary: 'Print the name of the current context',
  examples: [{ does: 'See what scripts see', line: 'wherry context show' }],
  flags: {},
  store: false,
  run: ({ out }) => out.line('default'),
});
