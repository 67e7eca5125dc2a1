import { command } from '#cli/command.ts';
import { listFormat } from '#cli/config-file.ts';
import { LIST_FORMAT_SUMMARY } from '#cli/format.ts';
import { boolean, filter, text } from '#cli/values.ts';
import { printVolumes } from '#cli/volume-list.ts';
import { findVolumes } from '#engine/volumes.ts';

export default command({
  usage: '',
  summary: 'List volumes',
  details: 'Filters: dangling=true|false, driver=NAME, label=KEY[=VALUE], name=PATTERN.',
  examples: [{ does: 'Volumes that no container has', line: 'wherry volume ls --filter dangling=true' }],
  flags: {
    cluster: {
      as: boolean,
      hidden: true,
      summary: 'Display only cluster volumes, and use cluster volume list formatting',
    },
    filter: { short: 'f', as: filter, summary: 'Provide filter values (e.g. "dangling=true")' },
    format: { as: text, summary: LIST_FORMAT_SUMMARY },
    quiet: { short: 'q', as: boolean, summary: 'Only display volume names' },
  },
  run: async ({ store, out, err }, _args, { cluster, filter: filters, format, quiet }) => {
    // A cluster's volumes are a swarm's; there are none.
    const volumes = cluster ? [] : findVolumes(store, filters);
    await printVolumes(out, volumes, { format: listFormat(err, 'volumesFormat', { format, quiet }), quiet, cluster });
  },
});
