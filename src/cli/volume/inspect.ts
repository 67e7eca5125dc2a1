import { command } from '#cli/command.ts';
import { inspectEach } from '#cli/each.ts';
import { FORMAT_SUMMARY } from '#cli/format.ts';
import { text } from '#cli/values.ts';
import { inspectVolume } from '#volume/view.ts';
import { needVolume } from '#volume/volume.ts';

export default command({
  usage: 'VOLUME [VOLUME...]',
  summary: 'Display detailed information on one or more volumes',
  examples: [{ does: 'Where a volume is', line: "wherry volume inspect -f '{{.Mountpoint}}' data" }],
  flags: { format: { short: 'f', as: text, summary: FORMAT_SUMMARY } },
  run: (context, names, { format }) =>
    inspectEach(context, names, (name) => inspectVolume(needVolume(context.store, name)), format),
});
