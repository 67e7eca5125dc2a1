import { command } from '#cli/command.ts';
import { LIST_FORMAT_SUMMARY } from '#cli/format.ts';
import { printRows } from '#cli/table.ts';
import { boolean, text } from '#cli/values.ts';

const HEADERS = { Name: 'NAME', Description: 'DESCRIPTION', DockerEndpoint: 'DOCKER ENDPOINT', Error: 'ERROR' };

const ROW = {
  Current: true,
  Description: 'Containers of this user, without a daemon',
  DockerEndpoint: '',
  Error: '',
  Name: 'default',
};

export default command({
  usage: '',
  summary: 'List contexts',
  details: 'There is one context: contexts tell which daemon is meant, and there is none.',
  examples: [{ does: 'Names only', line: 'wherry context ls --quiet' }],
  flags: {
    format: { as: text, summary: LIST_FORMAT_SUMMARY },
    quiet: { short: 'q', as: boolean, summary: 'Only show context names' },
  },
  store: false,
  run: ({ out }, _args, { format, quiet }) => {
    const isTable = !format || format === 'table';
    return printRows(out, [isTable && !quiet ? { ...ROW, Name: 'default *' } : ROW], {
      headers: HEADERS,
      columns: Object.keys(HEADERS),
      format,
      quiet: quiet ? 'Name' : undefined,
      type: 'clientContextContext',
      runPrefix: 'template parsing error: ',
    });
  },
});
