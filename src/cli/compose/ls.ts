import { WherryError } from '#base/error.ts';
import { parseFilters } from '#base/filter.ts';
import { printList } from '#cli/compose/list.ts';
import { composeCommand, warn } from '#cli/compose/project.ts';
import { boolean, filter, text } from '#cli/values.ts';
import { listProjects } from '#compose/view/projects.ts';

export default composeCommand({
  usage: '',
  summary: 'List running compose projects',
  details: 'The filter is name=PATTERN, a regular expression.',
  examples: [{ does: 'Also what is stopped', line: 'wherry compose ls --all' }],
  flags: {
    all: { short: 'a', as: boolean, summary: 'Show all stopped Compose projects' },
    filter: { as: filter, summary: 'Filter output based on conditions provided' },
    format: { as: text, default: 'table', summary: 'Format the output. Values: [table | json]' },
    quiet: { short: 'q', as: boolean, summary: 'Only display project names' },
  },
  run: async (context, _args, { all, filter: pairs, format, quiet }) => {
    const names = readNames(pairs);
    const projects = listProjects(context.store, { all, warn: (text) => warn(context, text) }).filter(names);
    if (quiet) {
      for (const { Name } of projects) context.out.line(Name);
      return;
    }
    const cells = projects.map(({ Name, Status, ConfigFiles }) => [Name, Status, ConfigFiles]);
    await printList(context.out, format, { headers: ['NAME', 'STATUS', 'CONFIG FILES'], cells, json: projects });
  },
});

function readNames(pairs: readonly string[]): ({ Name }: { Name: string }) => boolean {
  const filters = parseFilters(pairs, { name: undefined });
  const unknown = pairs.map((pair) => pair.split('=', 1)[0] ?? '').find((name) => name.trim().toLowerCase() !== 'name');
  if (unknown !== undefined) throw new WherryError('invalid', `invalid filter '${unknown}'`);
  return ({ Name }) => !filters.has('name') || filters.pattern('name', Name);
}
