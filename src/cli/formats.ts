/** The flag --format, in Docker's words: of commands that list, and of commands that inspect. */
import type { Flag } from '#cli/command.ts';
import { text } from '#cli/values.ts';

const MORE = `Refer to https://docs.docker.com/go/formatting/ for more information about formatting output with templates`;

/** For listings: a table by itself. */
export const tableFormat = {
  as: text,
  summary: `Format output using a custom template:
'table':            Print output in table format with column headers (default)
'table TEMPLATE':   Print output in table format using the given Go template
'json':             Print in JSON format
'TEMPLATE':         Print output using the given Go template.
${MORE}`,
} satisfies Flag;

/** For inspect and its like: JSON by itself. */
export const inspectFormat = {
  short: 'f',
  as: text,
  summary: `Format output using a custom template:
'json':             Print in JSON format
'TEMPLATE':         Print output using the given Go template.
${MORE}`,
} satisfies Flag;
