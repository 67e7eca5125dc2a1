/** What up and run ask before they start what was written elsewhere. */
import { createInterface, type Interface } from 'node:readline/promises';
import { WherryError } from '#base/error.ts';
import { parseBool } from '#base/units.ts';
import type { Context } from '#cli/command.ts';
import { composeFlags, openModel, openProject, type Wishes } from '#cli/compose/project.ts';
import { modeOf } from '#cli/compose/settings.ts';
import { isTerminal } from '#cli/output.ts';
import { formatTable } from '#cli/table.ts';
import { type Variable, variablesOf } from '#compose/load/variables.ts';
import { isRemote } from '#compose/model/paths.ts';
import type { Project } from '#compose/model/project.ts';

/**
 * Opens a project as openProject() does. Where its first file is in a repository or a registry the user is told where the
 * copy is, and asked whether to trust what it includes from elsewhere and whether its variables are right. Throws kind
 * `invalid` for a no.
 */
export async function openTrusted(
  context: Context,
  services: readonly string[],
  { yes, ...wishes }: Pick<Wishes, 'look' | 'ask'> & { yes: boolean },
): Promise<Project> {
  const included: string[] = [];
  const remoteIncluded = (address: string) => included.push(address);
  const project = await openProject(context, services, { ...wishes, remoteIncluded });
  const { file } = composeFlags(context);
  const [first] = file;
  if (first === undefined || !isRemote(first)) return project;
  using user = answers(context);
  if (included.length > 0 && !yes) await confirmIncludes(context, file.filter(isRemote), user);
  if (!['quiet', 'json'].includes(modeOf(context))) {
    const names = `${JSON.stringify(first)} is stored in ${JSON.stringify(project.workingDir)}`;
    context.out.line(`Your compose stack ${names}`);
  }
  if (!yes) await confirmVariables(context, user);
  return project;
}

/** What the user says, a line an answer. */
interface Answers extends Disposable {
  next: () => Promise<string>;
}

/** Of standard input, which is read once something is asked. */
function answers({ abort }: Context): Answers {
  let opened: { lines: Interface; iterator: AsyncIterator<string> } | undefined;
  const open = () => {
    const lines = createInterface({ input: process.stdin, terminal: false });
    return { lines, iterator: lines[Symbol.asyncIterator]() };
  };
  const interrupted = new Promise<never>((_, reject) => {
    abort.addEventListener('abort', () => reject(abort.reason), { once: true });
  });
  interrupted.catch(() => undefined);
  return {
    next: async () => {
      opened ??= open();
      const { value, done } = await Promise.race([opened.iterator.next(), interrupted]);
      return done ? '' : String(value);
    },
    [Symbol.dispose]: () => opened?.lines.close(),
  };
}

async function confirmIncludes({ out }: Context, files: readonly string[], user: Answers): Promise<void> {
  const lines = ['', 'Warning: This Compose project includes files from remote sources:'];
  for (const file of files) lines.push(`  - ${file}`);
  lines.push('', 'Remote includes could potentially be malicious. Make sure you trust the source.');
  out.write(lines.map((line) => `${line}\n`).join(''));
  out.write('Do you want to continue? [y/N]: ');
  await needYes(user, false);
}

async function confirmVariables(context: Context, user: Answers): Promise<void> {
  const variables = [...variablesOf(await openModel(context, { interpolate: false })).values()];
  if (variables.length === 0) return;
  variables.sort((one, other) => (one.name < other.name ? -1 : 1));
  const rows = [['VARIABLE', 'VALUE', 'SOURCE', 'REQUIRED', 'DEFAULT'], ...variables.map(rowOf)];
  context.out.write(`\nFound the following variables in configuration:\n${await formatTable(rows, 0)}`);
  context.out.write('\nDo you want to proceed with these variables? [Y/n]: ');
  await needYes(user, true);
}

function rowOf({ name, required, defaultValue }: Variable): string[] {
  const own = process.env[name];
  const [value, source] =
    own !== undefined ? [own, 'environment'] : defaultValue ? [defaultValue, 'compose file'] : ['<unset>', 'none'];
  return [name, value, source, required ? 'yes' : 'no', defaultValue];
}

/** At a terminal an empty line is the usual answer; elsewhere only a yes is one, as with docker compose. */
async function needYes(user: Answers, usual: boolean): Promise<void> {
  const answer = (await user.next()).trim().toLowerCase();
  if (answer === '' ? usual && isTerminal(0) : answer.startsWith('y') || parseBool(answer)) return;
  throw new WherryError('invalid', 'operation cancelled by user');
}
