import { command } from '#cli/command.ts';
import { listFormat } from '#cli/config-file.ts';
import { LIST_FORMAT_SUMMARY } from '#cli/format.ts';
import { printRows } from '#cli/table.ts';
import { boolean, filter, text } from '#cli/values.ts';
import { attachedContainers } from '#engine/networking.ts';
import { listAllNetworks } from '#network/records.ts';
import { networkRow, selectNetworks } from '#network/view.ts';

const HEADERS = {
  ID: 'NETWORK ID',
  Name: 'NAME',
  Driver: 'DRIVER',
  Scope: 'SCOPE',
  IPv4: 'IPV4',
  IPv6: 'IPV6',
  Internal: 'INTERNAL',
  Labels: 'LABELS',
  CreatedAt: 'CREATED AT',
};

export default command({
  usage: '',
  summary: 'List networks',
  details: `
    Filters: dangling=true|false, driver=NAME, id=PREFIX, label=KEY[=VALUE], name=PART, scope=local,
    type=custom|builtin.`,
  examples: [{ does: 'Networks of your own', line: 'wherry network ls --filter type=custom' }],
  flags: {
    filter: { short: 'f', as: filter, summary: 'Provide filter values (e.g. "driver=bridge")' },
    format: { as: text, summary: LIST_FORMAT_SUMMARY },
    'no-trunc': { as: boolean, summary: 'Do not truncate the output' },
    quiet: { short: 'q', as: boolean, summary: 'Only display network IDs' },
  },
  run: async ({ store, out, err }, _args, { filter: filters, format, noTrunc, quiet }) => {
    let used: Map<string, unknown> | undefined;
    const isUsed = (name: string) => {
      used ??= attachedContainers(store);
      return used.has(name);
    };
    const networks = selectNetworks(await listAllNetworks(store), filters, isUsed);
    await printRows(
      out,
      networks.map((network) => networkRow(network, { truncate: !noTrunc })),
      {
        headers: HEADERS,
        columns: ['ID', 'Name', 'Driver', 'Scope'],
        format: listFormat(err, 'networksFormat', { format, quiet }),
        quiet: quiet ? 'ID' : undefined,
        raw: ['network_id: {{.ID}}', 'name: {{.Name}}', 'driver: {{.Driver}}', 'scope: {{.Scope}}'],
        type: 'network.networkContext',
        runPrefix: 'template parsing error: ',
      },
    );
  },
});
