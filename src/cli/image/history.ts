import { command, given } from '#cli/command.ts';
import { LIST_FORMAT_SUMMARY } from '#cli/format.ts';
import { printRows } from '#cli/table.ts';
import { boolean, text } from '#cli/values.ts';
import { historyRows } from '#image/history.ts';

const HEADERS = {
  ID: 'IMAGE',
  CreatedSince: 'CREATED',
  CreatedAt: 'CREATED AT',
  CreatedBy: 'CREATED BY',
  Size: 'SIZE',
  Comment: 'COMMENT',
};

export default command({
  usage: 'IMAGE',
  summary: 'Show the history of an image',
  details: `
    The last step comes first. Steps before it have no ID of their own: what made the image has not kept them.`,
  examples: [
    { does: 'Whole commands', line: "wherry history --no-trunc --format '{{.Size}} {{.CreatedBy}}' localhost/busybox" },
  ],
  flags: {
    format: { as: text, summary: LIST_FORMAT_SUMMARY },
    human: { short: 'H', as: boolean, default: 'true', summary: 'Print sizes and dates in human readable format' },
    'no-trunc': { as: boolean, summary: "Don't truncate output" },
    platform: {
      as: text,
      summary: 'Show history for the given platform. Formatted as "os[/arch[/variant]]" (e.g., "linux/amd64")',
    },
    quiet: { short: 'q', as: boolean, summary: 'Only show image IDs' },
  },
  run: (context, [name = ''], { format, human, noTrunc, platform, quiet }) =>
    printRows(context.out, historyRows(context.store, name, { ...given({ platform }), human, noTrunc }), {
      headers: HEADERS,
      columns: ['ID', human ? 'CreatedSince' : 'CreatedAt', 'CreatedBy', 'Size', 'Comment'],
      format,
      quiet: quiet && !format ? 'ID' : undefined,
      type: 'image.historyContext',
      runPrefix: 'template parsing error: ',
    }),
});
