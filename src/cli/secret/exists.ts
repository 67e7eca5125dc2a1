import { command } from '#cli/command.ts';
import { EXISTS, exists } from '#cli/exists.ts';
import { needSecret } from '#secret/secret.ts';

export default command({
  ...EXISTS,
  usage: 'SECRET',
  summary: 'Check if a secret exists',
  details: 'Prints nothing. The exit status is 0 where there is one, 1 where there is none, 125 for an error.',
  examples: [
    { does: 'Make a secret once', line: 'wherry secret exists password || wherry secret create password file' },
  ],
  run: ({ store }, [name = '']) => exists(() => needSecret(store, name)),
});
