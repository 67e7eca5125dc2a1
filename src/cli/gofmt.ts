/** Go's fmt for the data of a template: %v of anything, JSON, quoted texts. Printf's verbs are in goprintf.ts. */
import { sprintfValue } from '#cli/goprintf.ts';
import { type GoType, inside, textOf, type Value } from '#cli/gotypes.ts';

/** %v: `[a b]`, `map[k:v]`, `{v1 v2}`, `<nil>`. */
export const formatValue = (value: Value): string => sprintfValue('v', value);

/** fmt.Sprint: a space between two values that are both no strings. */
export function sprint(values: readonly Value[]): string {
  return values.reduce((text, value, at) => {
    const before = values[at - 1];
    const apart = before !== undefined && !isText(value) && !isText(before);
    return text + (apart ? ' ' : '') + formatValue(value);
  }, '');
}

const isText = (value: Value) => inside(value).type.kind === 'string';

/** JSON.rawJSON(), which the types do not know yet: whole numbers that are too large for JavaScript's. */
const { rawJSON } = JSON as unknown as { rawJSON(text: string): unknown };

const inFull = (_key: string, value: unknown) => (typeof value === 'bigint' ? rawJSON(String(value)) : value);

/** JSON as Go writes it: with <, > and & escaped where a Marshaler stands between (rows), plain else. */
export function goJson(value: unknown, { html = false }: { html?: boolean } = {}): string {
  const text = JSON.stringify(value, inFull) ?? 'null';
  const safe = text.replace(/[\u2028\u2029]/g, (letter) => `\\u${letter.charCodeAt(0).toString(16)}`);
  return html ? safe.replace(/[<>&]/g, (letter) => `\\u00${letter.charCodeAt(0).toString(16)}`) : safe;
}

/** JSON of a value with its type: what is left out is there with its empty value, and maps are in order. */
export const valueJson = (value: Value): string => goJson(ordered(value.type, value.data));

const EMPTY: Partial<Record<GoType['kind'], unknown>> = { bool: false, int: 0, uint: 0, float: 0, string: '' };

function ordered(type: GoType, data: unknown): unknown {
  if (data === null || data === undefined) return type.name === 'json.Number' ? 0 : (EMPTY[type.kind] ?? null);
  if (type.name === 'json.Number') return Number(data);
  if (type.kind === 'interface') return ordered(inside({ type, data }).type, data);
  if (type.kind === 'pointer' && type.elem !== undefined) return ordered(type.elem, data);
  if (type.kind === 'slice' && Array.isArray(data)) return data.map((item) => ordered(type.elem ?? type, item));
  if (typeof data !== 'object') return data;
  if (CLIENT_ORDER.has(type.name)) return inFieldOrder(type, data as Record<string, unknown>);
  if (type.kind !== 'map') return data;
  const keys = Object.keys(data).sort((one, other) => Buffer.compare(Buffer.from(one), Buffer.from(other)));
  return Object.fromEntries(
    keys.map((key) => [key, ordered(type.elem ?? type, (data as Record<string, unknown>)[key])]),
  );
}

/** Structs that Docker's client writes otherwise than the engine sent them: in the order of their fields. */
const CLIENT_ORDER = new Set([
  'image.InspectResponse',
  'v1.Image',
  'v1.ImageConfig',
  'v1.DockerOCIImageConfig',
  'imagetools.tplInput',
  'imagetools.tplInputs',
]);

const isEmpty = (data: unknown) =>
  !data || (typeof data === 'object' && (Array.isArray(data) ? data : Object.keys(data)).length === 0);

/** An image's configuration leaves out what is empty. */
function inFieldOrder(type: GoType, data: Record<string, unknown>): object {
  const sparse = type.name === 'v1.DockerOCIImageConfig' || type.name === 'v1.ImageConfig';
  const fields = fieldsOf(type).filter(({ key }) => key in data && !(sparse && isEmpty(data[key])));
  return Object.fromEntries(fields.map(({ key, type: inner }) => [key, ordered(inner, data[key])]));
}

function fieldsOf(type: GoType): { key: string; type: GoType }[] {
  return (type.fields ?? []).flatMap((field) =>
    field.key === undefined ? fieldsOf(field.type.elem ?? field.type) : [{ key: field.key, type: field.type }],
  );
}

/** fmt.Sprintln. */
export const sprintln = (values: readonly Value[]): string => `${values.map(formatValue).join(' ')}\n`;

/** What a text argument of a function is. */
export const stringOf = (value: Value): string => textOf(inside(value).data);
