/** --print: what would be built, as a JSON bake file. */
import { goEntries, goJson, indentJson } from '#base/go-json.ts';
import type { Entry } from '#build/bake/entry.ts';
import { FIELD_NAMES, FIELDS, type Target } from '#build/bake/fields.ts';
import type { Baked } from '#build/bake/resolve.ts';

export function printed({ groups, targets }: Baked): string {
  const definition = {
    group: Object.fromEntries(goEntries(groups)),
    target: Object.fromEntries(goEntries(targets).map(([name, target]) => [name, printedTarget(target)])),
  };
  return `${indentJson(goJson(definition), '  ')}\n`;
}

/** Settings whose texts are templates when they are read again. */
const TEMPLATES = ['annotations', 'dockerfile-inline', 'labels', 'args', 'extra-hosts'];

const escaped = (text: string) => text.replaceAll('${', () => '$${').replaceAll('%{', '%%{');

/** A target in the order and with the escapes of --print. */
export function printedTarget(target: Target): object {
  return Object.fromEntries(
    FIELD_NAMES.flatMap((name): [string, unknown][] => {
      const value = target[name];
      if (value === undefined || value === '') return [];
      const isMap = FIELDS[name].kind === 'map';
      const sorted = isMap ? Object.fromEntries(goEntries(value as Record<string, string>)) : value;
      if (name === 'attest') return [[name, target.attest?.map(withTruth)]];
      return [[name, TEMPLATES.includes(name) ? withEscapes(sorted) : sorted]];
    }),
  );
}

const withTruth = (entry: Entry) => (entry.disabled === 'true' ? { ...entry, disabled: true } : entry);

function withEscapes(value: unknown): unknown {
  if (typeof value === 'string') return escaped(value);
  if (Array.isArray(value)) return value.map(withEscapes);
  return Object.fromEntries(Object.entries(value as object).map(([key, item]) => [key, withEscapes(item)]));
}
