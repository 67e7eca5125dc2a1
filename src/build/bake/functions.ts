/** The functions of a bake file's expressions: those of HCL's standard library that build definitions use. */
import { basename, dirname } from 'node:path';
import {
  asList,
  asMap,
  asNumber,
  asText,
  asTruth,
  invalid,
  isEqual,
  isList,
  isMap,
  type Value,
} from '#build/bake/value.ts';

type Fn = (...args: Value[]) => Value;

const texts = (list: Value) => asList(list).map(asText);
const none: Value = null;

function distinct(list: readonly Value[]): Value[] {
  return list.filter((item, at) => list.findIndex((other) => isEqual(other, item)) === at);
}

const flattened = (list: readonly Value[]): Value[] =>
  list.flatMap((item) => (isList(item) ? flattened(item) : [item]));

function lengthOf(value: Value): number {
  if (isList(value)) return value.length;
  return isMap(value) ? Object.keys(value).length : [...asText(value)].length;
}

/** Patterns of RE2 are JavaScript's but for `(?P<name>`, `\z` and leading flags. */
function pattern(text: Value, flags: string): RegExp {
  const source = asText(text).replaceAll('(?P<', '(?<').replaceAll('\\z', '$');
  const [, own = '', rest = source] = /^\(\?([ims]+)\)(.*)$/s.exec(source) ?? [];
  try {
    return new RegExp(rest, `${flags}u${own}`);
  } catch (cause) {
    throw invalid(`Invalid pattern ${JSON.stringify(source)}: ${(cause as Error).message}`);
  }
}

function captured(match: RegExpMatchArray): Value {
  if (match.groups !== undefined)
    return Object.fromEntries(Object.entries(match.groups).map(([k, v]) => [k, v ?? none]));
  return match.length === 1 ? match[0] : [...match].slice(1).map((group) => group ?? none);
}

function regex(text: Value, value: Value): Value {
  const match = pattern(text, '').exec(asText(value));
  if (match === null) throw invalid('pattern did not match any part of the given string');
  return captured(match);
}

/** `$name`, as long as it can be, and `${name}` are a group's, as in Go; one that is not there is nothing. */
function replaced(value: Value, search: Value, replacement: Value): Value {
  const written = asText(replacement);
  return asText(value).replace(pattern(search, 'g'), (...match) => {
    const named = match.at(-1);
    const groups: Record<string, unknown> = { ...match, ...(typeof named === 'object' ? named : {}) };
    return written.replace(/\$(?:(\w+)|\{(\w+)\}|\$)/g, (all, name, braced) => {
      const group = groups[name ?? braced ?? ''];
      return all === '$$' ? '$' : typeof group === 'string' ? group : '';
    });
  });
}

/** fmt's `%s %d %v %q %f %%`, with widths. */
function format(template: Value, ...args: Value[]): string {
  let next = 0;
  return asText(template).replace(
    /%([-0]?\d*)(?:\.(\d+))?([sdvqft%])/g,
    (_, width: string, digits: string, verb: string) => {
      if (verb === '%') return '%';
      const value = args[next++] ?? none;
      return padded(verbed(verb, value, digits), width);
    },
  );
}

function verbed(verb: string, value: Value, digits: string | undefined): string {
  if (verb === 'q') return JSON.stringify(asText(value));
  if (verb === 'f') return asNumber(value).toFixed(Number(digits ?? 6));
  if (verb === 'd') return String(Math.trunc(asNumber(value)));
  return verb === 'v' && typeof value === 'object' ? JSON.stringify(value) : asText(value);
}

function padded(text: string, width: string): string {
  const columns = Math.abs(Number(width));
  if (width.startsWith('-')) return text.padEnd(columns);
  return width.startsWith('0') ? text.padStart(columns, '0') : text.padStart(columns);
}

const trimmed = (text: string, set: string) => {
  const inSet = (character: string | undefined) => character !== undefined && set.includes(character);
  const all = [...text];
  while (inSet(all[0])) all.shift();
  while (inSet(all.at(-1))) all.pop();
  return all.join('');
};

function substr(value: Value, offset: Value, length: Value): Value {
  const all = [...asText(value)];
  const start = asNumber(offset) < 0 ? Math.max(all.length + asNumber(offset), 0) : asNumber(offset);
  return all.slice(start, asNumber(length) < 0 ? undefined : start + asNumber(length)).join('');
}

function range(...args: Value[]): Value {
  const numbers = args.map(asNumber);
  const [from, to] = numbers.length === 1 ? [0, numbers[0] ?? 0] : [numbers[0] ?? 0, numbers[1] ?? 0];
  const step = numbers[2] ?? (to < from ? -1 : 1);
  const count = step === 0 ? 0 : Math.max(Math.ceil((to - from) / step), 0);
  if (count > 1024) throw invalid('more than 1024 values were generated');
  return Array.from({ length: count }, (_, index) => from + index * step);
}

function decoded(text: string): Value {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw invalid(`Cannot decode ${JSON.stringify(text)}: ${(cause as Error).message}`);
  }
}

/** A target's name of any text. */
const sanitize = (value: Value) => asText(value).replace(/[^a-zA-Z0-9_-]/g, '_');

const FUNCTIONS: Readonly<Record<string, Fn>> = {
  absolute: (value = none) => Math.abs(asNumber(value)),
  add: (one = none, other = none) => asNumber(one) + asNumber(other),
  and: (one = none, other = none) => asTruth(one) && asTruth(other),
  base64decode: (value = none) => Buffer.from(asText(value), 'base64').toString(),
  base64encode: (value = none) => Buffer.from(asText(value)).toString('base64'),
  basename: (value = none) => basename(asText(value)),
  ceil: (value = none) => Math.ceil(asNumber(value)),
  chomp: (value = none) => asText(value).replace(/[\r\n]+$/, ''),
  coalesce: (...args) => args.find((arg) => arg !== null) ?? none,
  coalescelist: (...args) => args.find((arg) => isList(arg) && arg.length > 0) ?? [],
  compact: (list = none) => asList(list).filter((item) => item !== '' && item !== null),
  concat: (...lists) => lists.flatMap(asList),
  contains: (list = none, item = none) => asList(list).some((one) => isEqual(one, item)),
  dirname: (value = none) => dirname(asText(value)),
  distinct: (list = none) => distinct(asList(list)),
  divide: (one = none, other = none) => asNumber(one) / asNumber(other),
  element: (list = none, index = none) => asList(list)[asNumber(index) % Math.max(asList(list).length, 1)] ?? none,
  equal: (one = none, other = none) => isEqual(one, other),
  flatten: (list = none) => flattened(asList(list)),
  floor: (value = none) => Math.floor(asNumber(value)),
  format: (template = none, ...args) => format(template, ...args),
  greaterthan: (one = none, other = none) => asNumber(one) > asNumber(other),
  greaterthanorequalto: (one = none, other = none) => asNumber(one) >= asNumber(other),
  hasindex: (value = none, key = none) => (isList(value) ? asNumber(key) < value.length : asText(key) in asMap(value)),
  indent: (count = none, value = none) => asText(value).replaceAll('\n', `\n${' '.repeat(asNumber(count))}`),
  index: (value = none, key = none) =>
    isList(value) ? (value[asNumber(key)] ?? none) : (asMap(value)[asText(key)] ?? none),
  indexof: (list = none, item = none) => asList(list).findIndex((one) => isEqual(one, item)),
  int: (value = none) => Math.trunc(asNumber(value)),
  join: (separator = none, ...lists) => lists.flatMap(texts).join(asText(separator)),
  jsondecode: (value = none) => decoded(asText(value)),
  jsonencode: (value = none) => JSON.stringify(value),
  keys: (map = none) => Object.keys(asMap(map)).sort(),
  length: (value = none) => lengthOf(value),
  lessthan: (one = none, other = none) => asNumber(one) < asNumber(other),
  lessthanorequalto: (one = none, other = none) => asNumber(one) <= asNumber(other),
  lookup: (map = none, key = none, fallback = none) => asMap(map)[asText(key)] ?? fallback,
  lower: (value = none) => asText(value).toLowerCase(),
  max: (...args) => Math.max(...args.map(asNumber)),
  merge: (...maps) => Object.assign({}, ...maps.map((map) => (map === null ? {} : asMap(map)))),
  min: (...args) => Math.min(...args.map(asNumber)),
  modulo: (one = none, other = none) => asNumber(one) % asNumber(other),
  multiply: (one = none, other = none) => asNumber(one) * asNumber(other),
  negate: (value = none) => -asNumber(value),
  not: (value = none) => !asTruth(value),
  notequal: (one = none, other = none) => !isEqual(one, other),
  or: (one = none, other = none) => asTruth(one) || asTruth(other),
  parseint: (value = none, base = none) => Number.parseInt(asText(value), asNumber(base)),
  pow: (one = none, other = none) => asNumber(one) ** asNumber(other),
  range,
  regex: (text = none, value = none) => regex(text, value),
  regex_replace: (value = none, search = none, replacement = none) => replaced(value, search, replacement),
  regexall: (text = none, value = none) => [...asText(value).matchAll(pattern(text, 'g'))].map(captured),
  replace: (value = none, search = none, replacement = none) =>
    asText(value).replaceAll(asText(search), () => asText(replacement)),
  reverse: (value = none) => (isList(value) ? value.toReversed() : [...asText(value)].toReversed().join('')),
  reverselist: (list = none) => asList(list).toReversed(),
  sanitize: (value = none) => sanitize(value),
  signum: (value = none) => Math.sign(asNumber(value)),
  slice: (list = none, from = none, to = none) => asList(list).slice(asNumber(from), asNumber(to)),
  sort: (list = none) => texts(list).sort(),
  split: (separator = none, value = none) => asText(value).split(asText(separator)),
  strlen: (value = none) => [...asText(value)].length,
  substr: (value = none, offset = none, length = none) => substr(value, offset, length),
  subtract: (one = none, other = none) => asNumber(one) - asNumber(other),
  timestamp: () => new Date().toISOString().replace(/\.\d+Z$/, 'Z'),
  title: (value = none) =>
    asText(value).replace(/(^|[^\p{L}\p{N}_'])(\p{L})/gu, (_, before, first) => before + first.toUpperCase()),
  trim: (value = none, set = none) => trimmed(asText(value), asText(set)),
  trimprefix: (value = none, prefix = none) => withoutStart(asText(value), asText(prefix)),
  trimspace: (value = none) => asText(value).trim(),
  trimsuffix: (value = none, suffix = none) => withoutEnd(asText(value), asText(suffix)),
  upper: (value = none) => asText(value).toUpperCase(),
  urlencode: (value = none) => encodeURIComponent(asText(value)).replaceAll('%20', '+'),
  values: (map = none) =>
    Object.keys(asMap(map))
      .sort()
      .map((key) => asMap(map)[key] ?? none),
  zipmap: (keys = none, values = none) =>
    Object.fromEntries(texts(keys).map((key, at) => [key, asList(values)[at] ?? none])),
};

const withoutStart = (text: string, prefix: string) => (text.startsWith(prefix) ? text.slice(prefix.length) : text);
const withoutEnd = (text: string, suffix: string) =>
  suffix !== '' && text.endsWith(suffix) ? text.slice(0, -suffix.length) : text;

/** Calls one of them; `try` and `can` look whether their arguments have a value. Throws kind `invalid`. */
export function callFunction(name: string, args: readonly (() => Value)[]): Value {
  if (name === 'try') return firstThatWorks(args);
  if (name === 'can') return works(args[0]) !== undefined;
  const fn = FUNCTIONS[name];
  if (fn === undefined || !Object.hasOwn(FUNCTIONS, name)) {
    throw invalid(`Call to unknown function; There is no function named "${name}".`);
  }
  return fn(...args.map((arg) => arg()));
}

const works = (arg: (() => Value) | undefined): { value: Value } | undefined => {
  try {
    return arg === undefined ? undefined : { value: arg() };
  } catch {
    return undefined;
  }
};

function firstThatWorks(args: readonly (() => Value)[]): Value {
  for (const arg of args) {
    const found = works(arg);
    if (found !== undefined) return found.value;
  }
  throw invalid('no argument of "try" has a value');
}
