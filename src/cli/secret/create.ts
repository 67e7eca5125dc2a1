import { readFileSync } from 'node:fs';
import { WherryError } from '#base/error.ts';
import { command } from '#cli/command.ts';
import { reason } from '#cli/run-files.ts';
import { boolean, list, pairs, text } from '#cli/values.ts';
import { createSecret } from '#secret/secret.ts';

export default command({
  usage: 'SECRET [file|-]',
  summary: 'Create a secret from a file or STDIN as content',
  details: `
    A secret is kept in the store, in a file that only its owner can read, and not encrypted. Containers get it with
    run --secret as a file below /run/secrets or as a variable; no image and no inspect shows it. Its ID is printed.`,
  examples: [{ does: 'A password from a pipe', line: 'printf hunter2 | wherry secret create password -' }],
  flags: {
    driver: { short: 'd', as: text, summary: 'Secret driver' },
    env: { as: boolean, summary: 'Read the secret from an environment variable of this name' },
    ignore: { as: boolean, summary: 'If a secret with the same name exists, leave it as it is' },
    label: { short: 'l', as: list, summary: 'Secret labels' },
    replace: { as: boolean, summary: 'If a secret with the same name exists, replace it' },
    'template-driver': { as: text, summary: 'Template driver' },
  },
  run: async (context, [name = '', source = '-'], { driver, env, ignore, label, replace, templateDriver }) => {
    if (driver !== undefined && driver !== '' && driver !== 'file')
      refuse(`Cannot keep secrets by the driver "${driver}"`);
    if (templateDriver) refuse(`Cannot expand secrets by the template driver "${templateDriver}"`);
    const data = env ? variable(source) : content(source);
    const { id } = await createSecret(context.store, name, data, { labels: pairs(label), replace, ignore });
    context.out.line(id);
  },
});

function refuse(what: string): never {
  throw new WherryError('unsupported', `${what}: drivers are plugins of a daemon`, {
    hint: 'Leave out the driver: secrets are files of the store',
  });
}

function variable(name: string): Buffer {
  const value = process.env[name];
  if (value === undefined) throw new WherryError('not-found', `cannot find "${name}" in the environment`);
  return Buffer.from(value);
}

function content(source: string): Buffer {
  try {
    return readFileSync(source === '-' ? 0 : source);
  } catch (cause) {
    throw new WherryError(
      'invalid',
      `error reading content from ${source === '-' ? 'STDIN' : `"${source}": open ${source}`}: ${reason(cause)}`,
      { cause },
    );
  }
}
