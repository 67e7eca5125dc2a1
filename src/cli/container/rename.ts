import { WherryError } from '#base/error.ts';
import { command } from '#cli/command.ts';
import { describe } from '#cli/fail.ts';
import { renameContainer } from '#engine/rename.ts';

export default command({
  usage: 'CONTAINER NEW_NAME',
  summary: 'Rename a container',
  details: `
    A container that runs is found by its new name on its networks at once; its own hostname stays what it was.`,
  examples: [{ does: 'Keep the old one for a while', line: 'wherry rename web web-old' }],
  flags: {},
  run: async (context, [from = '', to = '']) => {
    const [name, newName] = [from.trim(), to.trim()];
    if (name === '' || newName === '') {
      throw new WherryError('invalid', 'Error: Neither old nor new names may be empty');
    }
    try {
      await renameContainer(context.store, name, newName);
    } catch (cause) {
      if (!(cause instanceof WherryError)) throw cause;
      context.err.line(describe(cause));
      throw new WherryError('invalid', `Error: failed to rename container named ${name}`, { cause });
    }
  },
});
