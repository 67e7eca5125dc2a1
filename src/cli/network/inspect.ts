import { command } from '#cli/command.ts';
import { inspectEach } from '#cli/each.ts';
import { FORMAT_SUMMARY } from '#cli/format.ts';
import { boolean, text } from '#cli/values.ts';
import { inspectNetwork } from '#engine/networking.ts';

export default command({
  usage: 'NETWORK [NETWORK...]',
  summary: 'Display detailed information on one or more networks',
  details: '--verbose shows what a swarm knows besides, and there is none: the answer is the same without it.',
  examples: [
    { does: 'The subnet of a network', line: "wherry network inspect -f '{{(index .IPAM.Config 0).Subnet}}' bridge" },
  ],
  flags: {
    format: { short: 'f', as: text, summary: FORMAT_SUMMARY },
    verbose: { short: 'v', as: boolean, summary: 'Verbose output for diagnostics' },
  },
  run: ({ store, ...context }, names, { format }) =>
    inspectEach({ store, ...context }, names, (name) => inspectNetwork(store, name), format),
});
