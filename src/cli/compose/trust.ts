/** What up and run ask before they start what was written elsewhere. */
import { WherryError } from '#base/error.ts';
import type { Context } from '#cli/command.ts';
import { composeFlags } from '#cli/compose/flags.ts';
import { openModel, openProject, type Wishes } from '#cli/compose/project.ts';
import { confirm } from '#cli/compose/questions.ts';
import { modeOf } from '#cli/compose/settings.ts';
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
  if (included.length > 0 && !yes) await confirmIncludes(context, file.filter(isRemote));
  if (!['quiet', 'json'].includes(modeOf(context))) {
    const names = `${JSON.stringify(first)} is stored in ${JSON.stringify(project.workingDir)}`;
    context.out.line(`Your compose stack ${names}`);
  }
  if (!yes) await confirmVariables(context);
  return project;
}

async function confirmIncludes(context: Context, files: readonly string[]): Promise<void> {
  const lines = ['', 'Warning: This Compose project includes files from remote sources:'];
  for (const file of files) lines.push(`  - ${file}`);
  lines.push('', 'Remote includes could potentially be malicious. Make sure you trust the source.');
  context.out.write(lines.map((line) => `${line}\n`).join(''));
  await needYes(context, 'Do you want to continue? [y/N]: ', false);
}

async function confirmVariables(context: Context): Promise<void> {
  const variables = [...variablesOf(await openModel(context, { interpolate: false })).values()];
  if (variables.length === 0) return;
  variables.sort((one, other) => (one.name < other.name ? -1 : 1));
  const rows = [['VARIABLE', 'VALUE', 'SOURCE', 'REQUIRED', 'DEFAULT'], ...variables.map(rowOf)];
  context.out.write(`\nFound the following variables in configuration:\n${await formatTable(rows, 0)}`);
  await needYes(context, '\nDo you want to proceed with these variables? [Y/n]: ', true);
}

function rowOf({ name, required, defaultValue }: Variable): string[] {
  const own = process.env[name];
  const [value, source] =
    own !== undefined ? [own, 'environment'] : defaultValue ? [defaultValue, 'compose file'] : ['<unset>', 'none'];
  return [name, value, source, required ? 'yes' : 'no', defaultValue];
}

/** usual: what an empty line means at a terminal. */
async function needYes(context: Context, question: string, usual: boolean): Promise<void> {
  if (!(await confirm(context, question, { usual }))) throw new WherryError('invalid', 'operation cancelled by user');
}
