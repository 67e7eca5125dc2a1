/** The functions of Go's text/template and of Docker's templates, over JSON values. */
import { formatValue, goJson, sprintf, typeName } from '#cli/gofmt.ts';

// biome-ignore lint/suspicious/noExplicitAny: each function checks what it was given, as Go's reflection does
export type Functions = Readonly<Record<string, (...values: any[]) => unknown>>;

/** A function that can't work with what it was given. counts: the number of arguments is wrong. */
export class TemplateCallError extends Error {
  readonly counts: boolean;

  constructor(message: string, counts = false) {
    super(message);
    this.name = 'TemplateCallError';
    this.counts = counts;
  }
}

/** Go's truth: neither zero nor empty. */
export function isTrue(value: unknown): boolean {
  if (Array.isArray(value)) return value.length > 0;
  if (typeof value === 'object' && value !== null) return Object.keys(value).length > 0;
  return Boolean(value);
}

/** Refuses a wrong number of arguments and non-strings, as Go's call by reflection does. */
function typed<T extends unknown[]>(
  name: string,
  types: readonly ('string' | 'int' | 'any')[],
  run: (...values: T) => unknown,
) {
  return (...values: unknown[]) => {
    if (values.length !== types.length) {
      throw new TemplateCallError(`wrong number of args for ${name}: want ${types.length} got ${values.length}`, true);
    }
    for (const [index, type] of types.entries()) {
      const got = typeName(values[index]);
      if (type === 'any' || got === type) continue;
      throw new TemplateCallError(`wrong type for value; expected ${type}; got ${got}`, true);
    }
    return run(...(values as T));
  };
}

function atLeast(name: string, count: number, values: unknown[]): void {
  if (values.length >= count) return;
  throw new TemplateCallError(`wrong number of args for ${name}: want at least ${count} got ${values.length}`, true);
}

function kindOf(value: unknown): string {
  return typeof value === 'number' ? 'number' : typeName(value);
}

function equal(...values: unknown[]): boolean {
  atLeast('eq', 1, values);
  const [first, ...others] = values;
  if (others.length === 0) throw new TemplateCallError('missing argument for comparison');
  return others.some((other) => {
    if (kindOf(first) !== kindOf(other) && first != null && other != null) throw incompatible(first, other);
    if (typeof first === 'object' && first !== null) throw new TemplateCallError('non-comparable type');
    return (first ?? null) === (other ?? null);
  });
}

function incompatible(first: unknown, other: unknown): TemplateCallError {
  return new TemplateCallError(`incompatible types for comparison: ${typeName(first)} and ${typeName(other)}`);
}

function less(first: unknown, other: unknown): boolean {
  if (kindOf(first) !== kindOf(other)) throw incompatible(first, other);
  if (typeof first === 'number' && typeof other === 'number') return first < other;
  if (typeof first === 'string' && typeof other === 'string')
    return Buffer.compare(Buffer.from(first), Buffer.from(other)) < 0;
  throw new TemplateCallError(`invalid type for comparison: ${typeName(first)}`);
}

function index(holder: unknown, ...keys: unknown[]): unknown {
  let value = holder;
  for (const key of keys) {
    if (value === null || value === undefined) throw new TemplateCallError('index of untyped nil');
    value = typeof value === 'object' && !Array.isArray(value) ? entry(value, key) : element(value, key);
  }
  return value;
}

/** A key that a map of texts lacks is the empty text, Go's zero value. */
function entry(map: object, key: unknown): unknown {
  if (typeof key !== 'string') throw new TemplateCallError(`value has type ${typeName(key)}; should be string`);
  if (Object.hasOwn(map, key)) return (map as Record<string, unknown>)[key];
  return Object.values(map).every((value) => typeof value === 'string') ? '' : undefined;
}

function element(list: unknown, key: unknown): unknown {
  if (!Array.isArray(list) && typeof list !== 'string')
    throw new TemplateCallError(`can't index item of type ${typeName(list)}`);
  if (typeof key !== 'number') throw new TemplateCallError(`cannot index slice/array with type ${typeName(key)}`);
  const bytes = typeof list === 'string' ? Buffer.from(list) : list;
  if (key < 0 || key >= bytes.length) throw new TemplateCallError(`index out of range: ${key}`);
  return bytes[key];
}

function slice(list: unknown, ...bounds: unknown[]): unknown {
  if (list === null || list === undefined) throw new TemplateCallError('slice of untyped nil');
  if (bounds.length > 3) throw new TemplateCallError(`too many slice indexes: ${bounds.length}`);
  if (!Array.isArray(list) && typeof list !== 'string')
    throw new TemplateCallError(`can't slice item of type ${typeName(list)}`);
  const whole = typeof list === 'string' ? Buffer.from(list) : list;
  const [from = 0, to = whole.length] = bounds.map((bound) => {
    if (typeof bound !== 'number') throw new TemplateCallError(`cannot index slice/array with type ${typeName(bound)}`);
    if (bound < 0 || bound > whole.length) throw new TemplateCallError(`index out of range: ${bound}`);
    return bound;
  });
  if (from > to) throw new TemplateCallError(`invalid slice index: ${from} > ${to}`);
  return Array.isArray(whole) ? whole.slice(from, to) : whole.subarray(from, to).toString();
}

function length(value: unknown): number {
  if (typeof value === 'string') return Buffer.byteLength(value);
  if (Array.isArray(value)) return value.length;
  // Lists and maps that are null in JSON are empty in Go.
  if (value === null) return 0;
  if (typeof value === 'object') return Object.keys(value).length;
  throw new TemplateCallError(value === undefined ? 'len of nil pointer' : `len of type ${typeName(value)}`);
}

/** fmt.Sprint: a space between two values that are both no strings. */
function print(...values: unknown[]): string {
  return values.reduce<string>((text, value, at) => {
    const apart = at > 0 && typeof value !== 'string' && typeof values[at - 1] !== 'string';
    return text + (apart ? ' ' : '') + formatValue(value);
  }, '');
}

const ENTITIES: Record<string, string> = {
  '"': '&#34;',
  "'": '&#39;',
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '\0': '\uFFFD',
};

const SCRIPT: Record<string, string> = {
  '\\': '\\\\',
  "'": "\\'",
  '"': '\\"',
  '<': '\\u003C',
  '>': '\\u003E',
  '&': '\\u0026',
  '=': '\\u003D',
};

const escapeScript = (text: string) =>
  text.replace(/[\\'"<>&=\p{Cc}]/gu, (letter) => {
    return SCRIPT[letter] ?? `\\u${letter.charCodeAt(0).toString(16).toUpperCase().padStart(4, '0')}`;
  });

const escapeQuery = (text: string) =>
  encodeURIComponent(text)
    .replace(/%20/g, '+')
    .replace(/[!'()*]/g, (letter) => `%${letter.charCodeAt(0).toString(16).toUpperCase()}`);

/** The first letter of each word in upper case (strings.Title). */
const title = (text: string) => text.replace(/(?<![\p{L}\p{N}_'])\p{L}/gu, (letter) => letter.toUpperCase());

function pad(text: string, before: number, after: number): string {
  return text === '' ? text : ' '.repeat(Math.max(before, 0)) + text + ' '.repeat(Math.max(after, 0));
}

/** and, or are not here: they don't look at all of their arguments. */
export const STANDARD: Functions = {
  eq: equal,
  ge: typed('ge', ['any', 'any'], (first, other) => !less(first, other)),
  gt: typed('gt', ['any', 'any'], (first, other) => !less(first, other) && !equal(first, other)),
  html: (...values: unknown[]) => print(...values).replace(/["'&<>\0]/g, (letter) => ENTITIES[letter] ?? letter),
  index: (...values: unknown[]) => {
    atLeast('index', 1, values);
    return index(values[0], ...values.slice(1));
  },
  join: typed('join', ['any', 'string'], (list: unknown, separator: string) => join(list, separator)),
  js: (...values: unknown[]) => escapeScript(print(...values)),
  json: typed('json', ['any'], (value) => goJson(value)),
  le: typed('le', ['any', 'any'], (first, other) => less(first, other) || equal(first, other)),
  len: typed('len', ['any'], length),
  lower: typed('lower', ['string'], (text: string) => text.toLowerCase()),
  lt: typed('lt', ['any', 'any'], less),
  ne: typed('ne', ['any', 'any'], (first, other) => !equal(first, other)),
  not: typed('not', ['any'], (value) => !isTrue(value)),
  pad: typed('pad', ['string', 'int', 'int'], pad),
  print,
  printf: (...values: unknown[]) => {
    atLeast('printf', 1, values);
    if (typeof values[0] !== 'string')
      throw new TemplateCallError(`wrong type for value; expected string; got ${typeName(values[0])}`, true);
    return sprintf(values[0], values.slice(1));
  },
  println: (...values: unknown[]) => `${values.map(formatValue).join(' ')}\n`,
  slice: (...values: unknown[]) => {
    atLeast('slice', 1, values);
    return slice(values[0], ...values.slice(1));
  },
  split: typed('split', ['string', 'string'], (text: string, separator: string) =>
    separator === '' ? [...text] : text.split(separator),
  ),
  title: typed('title', ['string'], title),
  truncate: typed('truncate', ['string', 'int'], (text: string, count: number) => [...text].slice(0, count).join('')),
  upper: typed('upper', ['string'], (text: string) => text.toUpperCase()),
  urlquery: (...values: unknown[]) => escapeQuery(print(...values)),
};

function join(list: unknown, separator: string): string {
  if (list === null) return '';
  if (!Array.isArray(list))
    throw new TemplateCallError(`wrong type for value; expected []string; got ${typeName(list)}`, true);
  return list.map(formatValue).join(separator);
}
