/** --list: the targets, or the variables, as a table of tabs or as JSON. */
import { csv } from '#base/csv.ts';
import { goJson, indentJson } from '#base/go-json.ts';
import type { Definition } from '#build/bake/fields.ts';
import { invalid } from '#build/bake/value.ts';

export interface ListWish {
  type: 'targets' | 'variables';
  isJson: boolean;
}

/** `targets`, `type=variables,format=json`. Throws kind `invalid` in buildx's words. */
export function readList(text: string): ListWish {
  const fields = csv(text);
  const isShort = fields.length === 1 && !text.startsWith('type=');
  const read = isShort ? { type: text } : Object.fromEntries(fields.map(pair));
  const { type, format = 'table' }: Record<string, string> = read;
  if (type !== 'targets' && type !== 'variables') throw invalid(`invalid list type ${JSON.stringify(type ?? '')}`);
  if (format !== 'table' && format !== 'json') throw invalid(`invalid list format ${JSON.stringify(format)}`);
  return { type, isJson: format === 'json' };
}

function pair(field: string): [string, string] {
  const at = field.indexOf('=');
  if (at < 0) throw invalid(`invalid list field ${JSON.stringify(field)}, expected key=value pair`);
  const key = field.slice(0, at).trim().toLowerCase();
  if (key !== 'type' && key !== 'format') throw invalid(`unexpected key '${key}' in '${field}'`);
  return [key, field.slice(at + 1)];
}

export function listed(definition: Definition, { type, isJson }: ListWish): string {
  if (type === 'variables') {
    const { variables } = definition;
    if (isJson) return json(variables);
    const rows = variables.map(({ name, type: kind = '', value = '<null>', description = '' }) => {
      return [name, kind, value, description];
    });
    return tabbed([['VARIABLE', 'TYPE', 'VALUE', 'DESCRIPTION'], ...rows]);
  }
  const rows = targetRows(definition);
  if (isJson) return json(rows);
  return tabbed([['TARGET', 'DESCRIPTION'], ...rows.map(({ name, description = '' }) => [name, description])]);
}

interface TargetRow {
  name: string;
  description?: string;
  group?: true;
}

function targetRows({ groups, targets }: Definition): TargetRow[] {
  const ofGroups = [...groups].map(([name, { description, targets: members }]): TargetRow => {
    const names = members.toSorted().join(', ');
    return { name, description: description ? `${description} (${names})` : names, group: true };
  });
  const ofTargets = [...targets].map(([name, { description }]): TargetRow => {
    return { name, ...(description ? { description } : {}) };
  });
  return [...ofGroups, ...ofTargets].sort((one, other) => (one.name < other.name ? -1 : 1));
}

const json = (value: unknown) => `${indentJson(goJson(value), '  ')}\n`;

const TAB = 8;

/** text/tabwriter with tabs: the widest cell and one more column, to the next tab stop. */
function tabbed(rows: readonly (readonly string[])[]): string {
  const widths = (rows[0] ?? []).map(
    (_, column) => Math.ceil((Math.max(...rows.map((row) => [...(row[column] ?? '')].length)) + 1) / TAB) * TAB,
  );
  const padded = (cell: string, column: number, row: readonly string[]) =>
    column === row.length - 1 ? cell : cell + '\t'.repeat(Math.ceil(((widths[column] ?? 0) - [...cell].length) / TAB));
  return rows.map((row) => `${row.map(padded).join('')}\n`).join('');
}
