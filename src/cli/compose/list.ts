/** compose's own lists: wide columns, or JSON in one line. */
import { WherryError } from '#base/error.ts';
import type { Output } from '#cli/command.ts';
import { goJson } from '#cli/gofmt.ts';
import { formatTable } from '#cli/table.ts';

export interface List {
  headers: readonly string[];
  cells: readonly (readonly string[])[];
  /** What --format json prints. */
  json: readonly object[];
}

/** Columns are at least so wide, with what is between them. */
const WIDTH = 20;

/** Prints a list as `compose ls` and `compose images` do. Throws kind `invalid` for another format. */
export async function printList(out: Output, format: string, { headers, cells, json }: List): Promise<void> {
  switch (format.toLowerCase()) {
    case '':
    case 'table':
    case 'pretty':
      return out.write(await formatTable([headers, ...cells], WIDTH));
    case 'json':
      return out.line(goJson(json));
    default:
      throw new WherryError('invalid', `format value ${JSON.stringify(format)} could not be parsed: parsing failed`);
  }
}
