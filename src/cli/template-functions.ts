/** The functions of Go's text/template and of Docker's templates (docs.docker.com/engine/cli/formatting). */
import { formatValue, sprint, sprintln, stringOf, valueJson } from '#cli/gofmt.ts';
import { sprintf } from '#cli/goprintf.ts';
import {
  ANY,
  BOOL,
  elementOf,
  type GoType,
  INT,
  INVALID,
  indirect,
  inside,
  isAssignable,
  isNil,
  isTrue,
  lengthOf,
  numberOf,
  REFLECTED,
  STRING,
  STRINGS,
  textOf,
  type Value,
} from '#cli/gotypes.ts';

/** A function of templates: its parameters' types are checked by the one who calls it. */
export interface TemplateFunction {
  params: readonly GoType[];
  /** Any number of these may follow. */
  rest?: GoType;
  call: (...values: Value[]) => Value;
}

export type Functions = Readonly<Record<string, TemplateFunction>>;

/** A function that can't work with what it was given; the message is Go's, after `error calling NAME: `. */
export class TemplateCallError extends Error {}

const fail = (message: string) => new TemplateCallError(message);
const text = (data: string): Value => ({ type: STRING, data });
const truth = (data: boolean): Value => ({ type: BOOL, data });

type Basic = 'bool' | 'int' | 'uint' | 'float' | 'complex' | 'string' | undefined;

function basicKind({ type: { kind } }: Value): Basic {
  const basic = ['bool', 'int', 'uint', 'float', 'complex', 'string'];
  return basic.includes(kind) ? (kind as Basic) : undefined;
}

const isWhole = (kind: Basic) => kind === 'int' || kind === 'uint';
const incompatible = (first: Value, other: Value) =>
  fail(`incompatible types for comparison: ${first.type.name} and ${other.type.name}`);

function equal(first: Value, others: readonly Value[]): boolean {
  if (others.length === 0) throw fail('missing argument for comparison');
  return others.some((other) => equals(inside(first), inside(other)));
}

function equals(first: Value, other: Value): boolean {
  const kind = basicKind(first);
  const otherKind = basicKind(other);
  if (kind !== otherKind && !(isWhole(kind) && isWhole(otherKind))) {
    if (first.type.kind === 'invalid' || other.type.kind === 'invalid') return false;
    throw incompatible(first, other);
  }
  if (kind === 'string') return textOf(first.data) === textOf(other.data);
  if (kind === 'bool') return (first.data === true) === (other.data === true);
  if (kind === 'complex') return String(first.data) === String(other.data);
  if (kind !== undefined) return numberOf(first.data) === numberOf(other.data);
  return sameObject(first, other);
}

/** Of what is no basic type, nil alone can be compared, and pointers. */
function sameObject(first: Value, other: Value): boolean {
  const kinds = [first.type.kind, other.type.kind];
  if (kinds[0] !== kinds[1] && !kinds.includes('invalid')) {
    throw fail(
      `non-comparable types ${formatValue(first)}: ${first.type.name}, ${other.type.name}: ${formatValue(other)}`,
    );
  }
  if (isNil(first) || isNil(other)) return isNil(first) === isNil(other);
  if (other.type.kind === 'map' || other.type.kind === 'slice')
    throw fail(`non-comparable type ${formatValue(other)}: ${other.type.name}`);
  return first.data === other.data || formatValue(first) === formatValue(other);
}

function less(one: Value, two: Value): boolean {
  const [first, other] = [inside(one), inside(two)];
  const [kind, otherKind] = [basicKind(first), basicKind(other)];
  if (kind === undefined || otherKind === undefined) throw fail('invalid type for comparison');
  if (kind !== otherKind && !(isWhole(kind) && isWhole(otherKind))) throw incompatible(first, other);
  if (kind === 'bool' || kind === 'complex') throw fail('invalid type for comparison');
  if (kind === 'string') return Buffer.compare(Buffer.from(textOf(first.data)), Buffer.from(textOf(other.data))) < 0;
  return numberOf(first.data) < numberOf(other.data);
}

function index(holder: Value, keys: readonly Value[]): Value {
  let value = inside(holder);
  if (value.type.kind === 'invalid') throw fail('index of untyped nil');
  for (const key of keys) {
    const found = indirect(value);
    if (found.isNil) throw fail('index of nil pointer');
    value = indexOne(found.value, inside(key));
  }
  return value;
}

function indexOne(holder: Value, key: Value): Value {
  const { type, data } = holder;
  if (type.kind === 'map') return mapEntry(holder, key);
  if (type.kind !== 'slice' && type.kind !== 'string') throw fail(`can't index item of type ${type.name}`);
  const count = lengthOf(holder);
  const at = place(key, count);
  if (at < count) return elementOf({ type, data }, at);
  throw fail(`reflect: ${type.kind} index out of range`);
}

/** A key that a map lacks is its elements' zero value. */
function mapEntry({ type, data }: Value, key: Value): Value {
  const wanted = type.key ?? STRING;
  if (key.type.kind === 'invalid') throw fail(`value is nil; should be of type ${wanted.name}`);
  if (!isAssignable(key.type, wanted)) throw fail(`value has type ${key.type.name}; should be ${wanted.name}`);
  const name = textOf(key.data);
  const known = data !== null && data !== undefined && Object.hasOwn(data as object, name);
  return { type: type.elem ?? ANY, data: known ? (data as Record<string, unknown>)[name] : undefined };
}

/** An index; the one past the end is the caller's to refuse. */
function place(key: Value, most: number): number {
  const { kind, name } = key.type;
  if (kind === 'invalid') throw fail('cannot index slice/array with nil');
  if (kind !== 'int' && kind !== 'uint') throw fail(`cannot index slice/array with type ${name}`);
  const at = numberOf(key.data);
  if (at < 0 || at > most) throw fail(`index out of range: ${at}`);
  return at;
}

function slice(holder: Value, bounds: readonly Value[]): Value {
  const list = inside(holder);
  const { type, data } = list;
  if (type.kind === 'invalid') throw fail('slice of untyped nil');
  if (bounds.length > 3) throw fail(`too many slice indexes: ${bounds.length}`);
  if (type.kind === 'string' && bounds.length === 3) throw fail('cannot 3-index slice a string');
  if (type.kind !== 'string' && type.kind !== 'slice') throw fail(`can't slice item of type ${type.name}`);
  const most = lengthOf(list);
  const [from = 0, to = most, cap = most] = bounds.map((bound) => place(inside(bound), most));
  if (from > to) throw fail(`invalid slice index: ${from} > ${to}`);
  if (to > cap) throw fail(`invalid slice index: ${to} > ${cap}`);
  if (type.kind === 'slice') return { type, data: ((data ?? []) as unknown[]).slice(from, to) };
  return { type, data: Buffer.from(textOf(data)).subarray(from, to).toString() };
}

function length(value: Value): number {
  if (value.type.kind === 'invalid') throw fail('reflect: call of reflect.Value.Type on zero Value');
  const found = indirect(value);
  if (found.isNil) throw fail('len of nil pointer');
  const { kind, name } = found.value.type;
  if (kind === 'string' || kind === 'slice' || kind === 'map') return lengthOf(found.value);
  throw fail(`len of type ${name}`);
}

/** What html, js and urlquery work on: pointers are followed, as where a value is printed. */
const printed = (values: readonly Value[]) =>
  sprint(values.map((value) => (value.type.kind === 'pointer' ? indirect(value).value : value)));

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

const escapeScript = (from: string) =>
  from.replace(/[\\'"<>&=\p{C}\p{Z}]/gu, (letter) => {
    if (letter === ' ') return letter;
    return SCRIPT[letter] ?? `\\u${(letter.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, '0')}`;
  });

const escapeQuery = (from: string) =>
  encodeURIComponent(from.toWellFormed())
    .replace(/%20/g, '+')
    .replace(/[!'()*]/g, (letter) => `%${letter.charCodeAt(0).toString(16).toUpperCase()}`);

/** strings.Title: the first letter of each word in upper case; in ASCII all but letters, digits and _ is between words. */
const title = (from: string) =>
  from.replace(/(?<![\p{L}\p{N}_]|[^\p{L}\p{N}\s\0-\x7f])\p{L}/gu, (letter) => letter.toUpperCase());

/** A text that is repeated too often to be kept. */
const MAX_TEXT = 2 ** 28;

function repeat(count: number): string {
  if (count < 0) throw fail('strings: negative Repeat count');
  if (count > MAX_TEXT) throw fail(`a text of ${count} characters is too long`);
  return ' '.repeat(count);
}

function pad(from: string, before: number, after: number): string {
  return from === '' ? from : repeat(before) + from + repeat(after);
}

/** By bytes, as Docker cuts. */
function truncate(from: string, count: number): string {
  const bytes = Buffer.from(from);
  if (bytes.length < count) return from;
  if (count < 0) throw fail(`runtime error: slice bounds out of range [:${count}]`);
  return bytes.subarray(0, count).toString();
}

/** A function of a text alone. */
const ofText = (run: (from: string) => string): TemplateFunction => ({
  params: [STRING],
  call: (value) => text(run(stringOf(value))),
});

const comparison = (run: (first: Value, other: Value) => boolean): TemplateFunction => ({
  params: [REFLECTED, REFLECTED],
  call: (first, other) => truth(run(inside(first ?? INVALID), inside(other ?? INVALID))),
});

const printer = (run: (values: Value[]) => string): TemplateFunction => ({
  params: [],
  rest: ANY,
  call: (...values) => text(run(values)),
});

const atMost = (first: Value, other: Value) => less(first, other) || equal(first, [other]);

/** and and or are called by whom they are named to: they don't look at all of their arguments. */
const SHORT: TemplateFunction = { params: [REFLECTED], rest: REFLECTED, call: (first) => first };

export const STANDARD: Functions = {
  and: SHORT,
  call: { params: [REFLECTED], rest: REFLECTED, call: (first) => first },
  eq: { params: [REFLECTED], rest: REFLECTED, call: (first, ...others) => truth(equal(inside(first), others)) },
  ge: comparison((first, other) => !less(first, other)),
  gt: comparison((first, other) => !atMost(first, other)),
  html: printer((values) => printed(values).replace(/["'&<>\0]/g, (letter) => ENTITIES[letter] ?? letter)),
  index: { params: [REFLECTED], rest: REFLECTED, call: (holder, ...keys) => index(holder, keys) },
  join: {
    params: [STRINGS, STRING],
    call: (list, separator) => text(((list.data ?? []) as unknown[]).map(textOf).join(stringOf(separator))),
  },
  js: printer((values) => escapeScript(printed(values))),
  json: { params: [ANY], call: (value) => text(valueJson(value)) },
  le: comparison(atMost),
  len: { params: [REFLECTED], call: (value) => ({ type: INT, data: length(value) }) },
  lower: ofText((from) => from.toLowerCase()),
  lt: comparison(less),
  ne: comparison((first, other) => !equal(first, [other])),
  not: { params: [REFLECTED], call: (value) => truth(!isTrue(value)) },
  or: SHORT,
  pad: {
    params: [STRING, INT, INT],
    call: (from, before, after) => text(pad(stringOf(from), numberOf(before.data), numberOf(after.data))),
  },
  print: printer(sprint),
  printf: { params: [STRING], rest: ANY, call: (format, ...values) => text(sprintf(stringOf(format), values)) },
  println: printer(sprintln),
  slice: { params: [REFLECTED], rest: REFLECTED, call: (list, ...bounds) => slice(list, bounds) },
  split: {
    params: [STRING, STRING],
    call: (from, separator) => ({ type: STRINGS, data: split(stringOf(from), stringOf(separator)) }),
  },
  title: ofText(title),
  truncate: { params: [STRING, INT], call: (from, count) => text(truncate(stringOf(from), numberOf(count.data))) },
  upper: ofText((from) => from.toUpperCase()),
  urlquery: printer((values) => escapeQuery(printed(values))),
};

const split = (from: string, separator: string) => (separator === '' ? [...from] : from.split(separator));
