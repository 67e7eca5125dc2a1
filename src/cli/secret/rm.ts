import { command } from '#cli/command.ts';
import { eachName } from '#cli/each.ts';
import { removeSecret } from '#secret/secret.ts';

export default command({
  usage: 'SECRET [SECRET...]',
  summary: 'Remove one or more secrets',
  details: 'Containers that have a secret keep their copy of it.',
  examples: [{ does: 'Remove a secret', line: 'wherry secret rm password' }],
  flags: {},
  run: (context, names) =>
    eachName(
      context,
      names,
      async (name) => {
        await removeSecret(context.store, name);
      },
      { parallel: 1 },
    ),
});
