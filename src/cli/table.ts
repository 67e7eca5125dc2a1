/** Rows become columns, or what --format asks for; Docker's layout, by cli-table3. */
import { columnsOf } from '#base/text.ts';
import type { Output } from '#cli/command.ts';
import { goJson, valueJson } from '#cli/gofmt.ts';
import { ANY, type GoType, mapOf, STRING, type Value } from '#cli/gotypes.ts';
import type { TemplateFunction } from '#cli/template-functions.ts';

/** Docker's columns are at least this wide, and this far apart (text/tabwriter with 10, 1, 3). */
const LEAST = 10;
const GAP = 3;

const NO_LINES = {
  top: '',
  'top-mid': '',
  'top-left': '',
  'top-right': '',
  bottom: '',
  'bottom-mid': '',
  'bottom-left': '',
  'bottom-right': '',
  left: '',
  'left-mid': '',
  mid: '',
  'mid-mid': '',
  right: '',
  'right-mid': '',
  middle: '',
};

const STYLE = { head: [], border: [], compact: true, 'padding-left': 0 };

/**
 * Lays out rows of cells; the first row is mostly the headers. Ends with a line feed unless there are no rows.
 * least: how many places a column and its gap have at least; gap: how many are between two columns.
 *
 * cli-table3 draws the first row, and thereby the columns; the rows below are set under them: drawing each takes it 0.1 ms,
 * as long as reading the container that the row is about.
 */
export async function formatTable(rows: readonly (readonly string[])[], least = LEAST, gap = GAP): Promise<string> {
  const [first, ...others] = rows;
  if (first === undefined) return '';
  const { default: Table } = await import('cli-table3');
  const widths = columnWidths(rows, least - gap);
  const starts = widths.slice(0, -1).reduce((sum, width) => sum + width + gap, 0);
  const table = new Table({ chars: NO_LINES, style: { ...STYLE, 'padding-right': gap } });
  // Filled up cells make the columns as wide as they must be.
  table.push(widths.map((width, column) => fill(first[column] ?? '', width)));
  const below = others.map((row) => widths.map((width, column) => fill(row[column] ?? '', width + gap)).join(''));
  return [table.toString(), ...below].map((line) => `${line.trimEnd().padEnd(starts)}\n`).join('');
}

const fill = (text: string, width: number) => text + ' '.repeat(Math.max(0, width - columnsOf(text)));

/** Of each column; the last is as wide as each row has it. */
function columnWidths(rows: readonly (readonly string[])[], least: number): number[] {
  const count = Math.max(0, ...rows.map((row) => row.length));
  return Array.from({ length: count }, (_, column) =>
    column === count - 1 ? 0 : rows.reduce((most, row) => Math.max(most, columnsOf(row[column] ?? '')), least),
  );
}

/** A row: Docker's fields, all of them texts but for a few; methods (`Label`) are called with the template's arguments. */
export type Row = object;

export interface RowsOptions {
  /** What stands over each field in a table. */
  headers: Readonly<Record<string, string>>;
  /** The fields of the table that is shown when no format was asked for. */
  columns: readonly string[];
  /** --format: empty, `table`, `json`, `table TEMPLATE` or `TEMPLATE`. */
  format?: string | undefined;
  /** -q: this field alone, where no format but `table` or `raw` was asked for. */
  quiet?: string | undefined;
  /** What `--format raw` prints: `name: {{.Name}}` lines, of which the first has -q's field. */
  raw?: readonly string[];
  /** Without the line of headers (podman's --noheading). */
  headless?: boolean;
  /** Docker's name of the row in messages: ContainerContext, or with its package: registry.searchContext. */
  type?: string;
  /** What Docker says before a template that can't be read or does not fit. */
  runPrefix?: string;
}

/**
 * Prints a list as Docker's list commands do. Rows that are made one by one, as they are asked for, take less memory and
 * time where there are many. Throws kind `invalid` for a template that can't be read or rendered.
 */
export async function printRows(out: Output, made: Iterable<Row>, options: RowsOptions): Promise<void> {
  const { headers, columns, quiet, raw, headless = false } = options;
  const format = options.format || 'table';
  if (format === 'table' && quiet === undefined) {
    const cells = Array.from(made, (row) => columns.map((column) => cell(row, column)));
    const head = headless ? [] : [columns.map((column) => headers[column] ?? '')];
    return out.write(await formatTable([...head, ...cells]));
  }
  const rows = [...made];
  if (format === 'json') return out.write(rows.map((row) => `${rowJson(row)}\n`).join(''));
  if (format === 'table') return out.write(rows.map((row) => `${cell(row, quiet ?? '')}\n`).join(''));
  const isTable = format.startsWith('table');
  const template = format === 'raw' && raw !== undefined ? rawTemplate(raw, quiet) : format;
  const text = template.slice(isTable ? 'table'.length : 0).replace(/^ +| +$/g, '');
  const lines = await renderRows(
    rows,
    text.replaceAll('\\t', '\t').replaceAll('\\n', '\n'),
    options,
    isTable && !headless,
  );
  const cells = () => lines.flatMap((line) => line.split('\n')).map((line) => line.split('\t'));
  out.write(isTable ? await formatTable(cells()) : lines.map((line) => `${line}\n`).join(''));
}

/** Lines that end in a blank one; -q has the first line alone. */
const rawTemplate = (lines: readonly string[], quiet: string | undefined) =>
  quiet === undefined ? `${lines.join('\n')}\n` : (lines.find((line) => line.includes(`{{.${quiet}}}`)) ?? '');

async function renderRows(
  rows: readonly Row[],
  text: string,
  options: RowsOptions,
  withHeaders: boolean,
): Promise<string[]> {
  const { compileTemplate, compileTyped } = await import('#cli/template.ts');
  const messages = {
    parsePrefix: options.runPrefix ?? 'failed to parse template: ',
    parseStatus: 1,
    runPrefix: options.runPrefix ?? 'failed to execute template: ',
  };
  const type = `*${options.type?.includes('.') ? '' : 'formatter.'}${options.type ?? 'Context'}`;
  const render = compileTemplate(text, { ...messages, type, functions: { json: rowOrValueJson(rows) } });
  const lines = rows.map(render);
  if (!withHeaders) return lines;
  const header = compileTyped(text, { ...messages, functions: HEADER_FUNCTIONS });
  return [header({ type: HEADER_TYPE, data: options.headers }), ...lines];
}

const rowOrValueJson = (rows: readonly Row[]): TemplateFunction => ({
  params: [ANY],
  call: (value) => ({
    type: STRING,
    data: rows.includes(value.data as Row) ? rowJson(value.data as Row) : valueJson(value),
  }),
});

const SAME: TemplateFunction = { params: [ANY], rest: ANY, call: (value: Value) => value };

/** The headers go through the same template as the rows: what would change a value leaves its header alone. */
const HEADER_FUNCTIONS = { join: SAME, json: SAME, lower: SAME, split: SAME, title: SAME, truncate: SAME, upper: SAME };

const HEADER_TYPE: GoType = {
  ...mapOf(STRING, STRING),
  methods: (name) =>
    name === 'Label'
      ? { params: [STRING], call: (_headers, label) => ({ type: STRING, data: lastWord(String(label)) }) }
      : undefined,
};

/** The header of `{{.Label "com.example.some-key"}}` is `some key`. */
function lastWord(label: string): string {
  return (label.split('.').at(-1) ?? '').replace(/[-_]/g, ' ');
}

function cell(row: Row, name: string): string {
  return String((row as Record<string, unknown>)[name] ?? '');
}

/** A row as Docker marshals it: fields in alphabetical order, <, > and & escaped, methods left out. */
function rowJson(row: Row): string {
  const fields = Object.entries(row).filter(([, value]) => typeof value !== 'function');
  return goJson(Object.fromEntries(fields.sort(([one], [other]) => (one < other ? -1 : 1))), { html: true });
}
