/** `config --variables`: the variables of a project's files as a table, JSON or YAML. */
import { WherryError } from '#base/error.ts';
import { indentJson } from '#base/go-json.ts';
import { goJson } from '#cli/gofmt.ts';
import { formatTable } from '#cli/table.ts';
import type { Variable } from '#compose/load/variables.ts';
import { variablesOf } from '#compose/load/variables.ts';
import type { TreeMap } from '#compose/model/tree.ts';
import { writeYaml } from '#compose/model/yaml.ts';

/** The text for a format: none or `table`, `json`, `yaml`. Throws kind `invalid` for another. */
export async function variablesText(model: TreeMap, format = ''): Promise<string> {
  const found = [...variablesOf(model).values()].sort((one, other) => (one.name < other.name ? -1 : 1));
  if (format === 'yaml') return yamlText(found);
  if (format === 'json') {
    const fields = found.map(({ name, defaultValue, presenceValue, required }) => {
      return [name, { Name: name, DefaultValue: defaultValue, PresenceValue: presenceValue, Required: required }];
    });
    return `${indentJson(goJson(Object.fromEntries(fields)), '    ')}\n\n`;
  }
  if (!['', 'table', 'pretty'].includes(format)) {
    throw new WherryError('invalid', `format value ${JSON.stringify(format)} could not be parsed: parsing failed`);
  }
  const rows = found.map(({ name, required, defaultValue, presenceValue }) => {
    return [name, String(required), defaultValue, presenceValue];
  });
  return formatTable([['NAME', 'REQUIRED', 'DEFAULT VALUE', 'ALTERNATE VALUE'], ...rows], 20);
}

/** Of yaml.v3 with its own indent, which is four. */
function yamlText(found: readonly Variable[]): string {
  const fields = found.map(
    ({ name, defaultValue, presenceValue, required }): [string, Map<string, string | boolean>] => {
      const entries = { name, defaultvalue: defaultValue, presencevalue: presenceValue, required };
      return [name, new Map(Object.entries(entries))];
    },
  );
  return writeYaml(new Map(fields)).replaceAll(/^ {2}/gm, '    ');
}
