/** The sentences that Docker's help has about --format, the same for all commands. */
import type { Output } from '#cli/command.ts';

const TEMPLATE = `'TEMPLATE':         Print output using the given Go template.
Refer to https://docs.docker.com/go/formatting/ for more information about formatting output with templates`;

/** Of commands that print one thing. */
export const FORMAT_SUMMARY = `Format output using a custom template:
'json':             Print in JSON format
${TEMPLATE}`;

/** Of commands that print a list. */
export const LIST_FORMAT_SUMMARY = `Format output using a custom template:
'table':            Print output in table format with column headers (default)
'table TEMPLATE':   Print output in table format using the given Go template
'json':             Print in JSON format
${TEMPLATE}`;

/** Writes what a template makes of one thing. Where it does not fit, the line ends all the same, as Docker's does. */
export function renderLine(out: Output, render: () => string): void {
  let text = '';
  try {
    text = render();
  } finally {
    out.line(text);
  }
}
