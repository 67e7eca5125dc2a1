/** Name and password from a person, or from a pipe. */
import { createInterface } from 'node:readline';
import { Writable } from 'node:stream';
import { text as readText } from 'node:stream/consumers';
import { WherryError } from '#base/error.ts';
import type { Context } from '#cli/command.ts';
import { INTERRUPTED } from '#cli/fail.ts';
import type { Login } from '#engine/login.ts';

/** All of standard input, without the line end that `echo` adds. */
export async function readPassword(): Promise<string> {
  return (await readText(process.stdin)).replace(/\r?\n$/, '');
}

interface Known {
  server: string | undefined;
  username: string | undefined;
  password: string | undefined;
}

/** Asks on the terminal for what is not known yet; the password is not shown. Throws kind `invalid` where nobody can be asked. */
export async function askCredentials(context: Context, { server, username, password }: Known): Promise<Login> {
  if (username && password) return { username, password };
  if (!process.stdin.isTTY) {
    throw new WherryError('invalid', 'Error: Cannot perform an interactive login from a non TTY device', {
      hint: 'Give the name by --username, and the password by --password-stdin',
    });
  }
  if (server === undefined)
    context.out.line('Log in with your Docker ID or email address to push and pull images from Docker Hub.');
  const name = username || (await ask(context, 'Username: ', { hidden: false })).trim();
  if (name === '') throw new WherryError('invalid', 'Error: Non-null Username Required');
  const secret = password || (await ask(context, 'Password: ', { hidden: true }));
  if (secret === '') throw new WherryError('invalid', 'Error: Password Required');
  return { username: name, password: secret };
}

/** readline edits the line and, when it writes to nowhere, shows nothing of it; it gives the terminal back by itself. */
async function ask(context: Context, prompt: string, { hidden }: { hidden: boolean }): Promise<string> {
  context.out.write(prompt);
  const output = hidden ? new Writable({ write: (_chunk, _encoding, done) => done() }) : process.stdout;
  const lines = createInterface({ input: process.stdin, output, terminal: true });
  const { abort } = context;
  try {
    return await new Promise<string>((resolve, reject) => {
      lines.once('line', resolve);
      lines.once('close', () => resolve(''));
      lines.once('SIGINT', () => reject(new WherryError('invalid', 'canceled', { exitCode: INTERRUPTED })));
      abort.addEventListener('abort', () => reject(abort.reason), { once: true });
    });
  } finally {
    lines.close();
    if (hidden) context.out.line('');
  }
}
