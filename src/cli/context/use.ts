import { command } from '#cli/command.ts';
import { findContext } from '#cli/context/contexts.ts';

export default command({
  usage: 'CONTEXT',
  summary: 'Set the current docker context',
  details: 'There is one context, "default", so nothing changes.',
  examples: [{ does: 'Do what a script does before it begins', line: 'wherry context use default' }],
  flags: {},
  store: false,
  run: ({ out, err }, [name = '']) => {
    out.line(findContext(name).Name);
    err.line(`Current context is now "${name}"`);
  },
});
