import { WherryError } from '#base/error.ts';
import { command } from '#cli/command.ts';
import { needSecret } from '#secret/secret.ts';

export default command({
  usage: 'SECRET',
  summary: 'Check if a secret exists',
  details: 'The exit status is 0 where it does and 1 where not; nothing is printed.',
  examples: [
    { does: 'Make a secret once', line: 'wherry secret exists password || wherry secret create password file' },
  ],
  flags: {},
  run: (context, [name = '']) => {
    try {
      needSecret(context.store, name);
      return 0;
    } catch (error) {
      if (error instanceof WherryError && error.kind === 'not-found') return 1;
      throw error;
    }
  },
});
