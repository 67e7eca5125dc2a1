import { command } from '#cli/command.ts';
import { findContext } from '#cli/context/contexts.ts';
import { inspectEach } from '#cli/each.ts';
import { FORMAT_SUMMARY } from '#cli/format.ts';
import { text } from '#cli/values.ts';

export default command({
  usage: '[CONTEXT] [CONTEXT...]',
  summary: 'Display detailed information on one or more contexts',
  details: 'The endpoint of the one context is empty: there is no socket to connect to.',
  examples: [{ does: 'Which socket there is (none)', line: "wherry context inspect -f '{{.Endpoints.docker.Host}}'" }],
  flags: { format: { short: 'f', as: text, summary: FORMAT_SUMMARY } },
  store: false,
  run: (context, names, { format }) =>
    inspectEach(context, names.length === 0 ? ['default'] : names, findContext, format),
});
