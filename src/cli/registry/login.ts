import { WherryError } from '#base/error.ts';
import { command } from '#cli/command.ts';
import { boolean, text } from '#cli/values.ts';

export default command({
  usage: '[SERVER]',
  summary: 'Authenticate to a registry.\nDefaults to Docker Hub if no server is specified.',
  details: `
    Name and password are proved at the registry, then kept where docker keeps them: by the
    credential helper that ~/.docker/config.json names, else in that file, readable by its owner alone.`,
  examples: [{ does: 'Log in from a script', line: 'wherry login --username me --password-stdin registry.example' }],
  store: false,
  flags: {
    password: { short: 'p', as: text, summary: 'Password or Personal Access Token (PAT)' },
    'password-stdin': { as: boolean, summary: 'Take the Password or Personal Access Token (PAT) from stdin' },
    username: { short: 'u', as: text, summary: 'Username' },
  },
  run: async (context, [server], { password, passwordStdin, username }) => {
    if (password !== undefined) {
      if (passwordStdin) {
        throw new WherryError('invalid', 'conflicting options: cannot specify both --password and --password-stdin');
      }
      context.err.line('WARNING! Using --password via the CLI is insecure. Use --password-stdin.');
    }
    if (context.given.has('username') && username === '') throw new WherryError('invalid', 'username is empty');
    if (passwordStdin && !username) {
      throw new WherryError('invalid', 'the --password-stdin option requires --username to be set');
    }
    const { askCredentials, readPassword } = await import('#cli/registry/ask.ts');
    const { login } = await import('#engine/login.ts');
    const secret = passwordStdin ? await readPassword() : password;
    const credentials = await askCredentials(context, { server, username, password: secret || undefined });
    const { file } = await login(server, credentials, { abort: context.abort });
    if (file !== undefined) {
      context.err.line(`
WARNING! Your credentials are stored unencrypted in '${file}'.
Configure a credential helper to remove this warning. See
https://docs.docker.com/go/credential-store/
`);
    }
    context.out.line('Login Succeeded');
  },
});
