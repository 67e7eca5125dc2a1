import { asDaemon, parseFilters } from '#base/filter.ts';
import { command } from '#cli/command.ts';
import { LIST_FORMAT_SUMMARY } from '#cli/format.ts';
import { printRows } from '#cli/table.ts';
import { boolean, filter, text } from '#cli/values.ts';
import { listSecrets } from '#secret/secret.ts';
import { secretRow } from '#secret/view.ts';

const HEADERS = {
  ID: 'ID',
  Name: 'NAME',
  Driver: 'DRIVER',
  CreatedAt: 'CREATED',
  UpdatedAt: 'UPDATED',
  Labels: 'LABELS',
};

export default command({
  usage: '',
  summary: 'List secrets',
  details: 'Filters: id=ID, name=NAME (each by its beginning), label=KEY[=VALUE].',
  examples: [{ does: 'The names alone', line: "wherry secret ls --format '{{.Name}}'" }],
  flags: {
    filter: { short: 'f', as: filter, summary: 'Filter output based on conditions provided' },
    format: { as: text, summary: LIST_FORMAT_SUMMARY },
    quiet: { short: 'q', as: boolean, summary: 'Only display IDs' },
  },
  run: async ({ store, out }, _args, { filter: pairs, format, quiet }) => {
    const filters = asDaemon(() => parseFilters(pairs, { id: undefined, name: undefined, label: undefined }));
    const secrets = listSecrets(store).filter(
      ({ id, name, labels }) =>
        filters.prefix('id', id) && filters.prefix('name', name) && filters.labels('label', labels),
    );
    await printRows(out, secrets.map(secretRow), {
      headers: HEADERS,
      columns: ['ID', 'Name', 'Driver', 'CreatedAt', 'UpdatedAt'],
      format,
      quiet: quiet && !format ? 'ID' : undefined,
      type: 'secretContext',
    });
  },
});
