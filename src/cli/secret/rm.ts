import { WherryError } from '#base/error.ts';
import { command } from '#cli/command.ts';
import { eachName } from '#cli/each.ts';
import { boolean } from '#cli/values.ts';
import { removeSecret } from '#secret/secret.ts';

export default command({
  usage: 'SECRET [SECRET...]',
  summary: 'Remove one or more secrets',
  details: 'Containers that have a secret keep their copy of it.',
  examples: [{ does: 'Remove a secret', line: 'wherry secret rm password' }],
  flags: {
    ignore: { short: 'i', as: boolean, summary: 'Do not fail when a secret does not exist' },
  },
  run: (context, names, { ignore }) =>
    eachName(
      context,
      names,
      async (name) => {
        try {
          await removeSecret(context.store, name);
        } catch (error) {
          if (!ignore || !(error instanceof WherryError) || error.kind !== 'not-found') throw error;
        }
      },
      { parallel: 1 },
    ),
});
