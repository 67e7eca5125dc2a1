import { command } from '#cli/command.ts';
import { describeContainer } from '#cli/describe.ts';
import { inspectEach } from '#cli/each.ts';
import { FORMAT_SUMMARY } from '#cli/format.ts';
import { boolean, text } from '#cli/values.ts';

export default command({
  usage: 'CONTAINER [CONTAINER...]',
  summary: 'Display detailed information on one or more containers',
  examples: [
    { does: 'The address of a container', line: "wherry container inspect -f '{{.NetworkSettings.IPAddress}}' web" },
  ],
  flags: {
    format: { short: 'f', as: text, summary: FORMAT_SUMMARY },
    size: { short: 's', as: boolean, summary: 'Display total file sizes' },
  },
  run: (context, names, { format, size }) =>
    inspectEach(context, names, (name) => describeContainer(context.store, name, { size }), format),
});
