/** A tree in long form becomes typed objects by the table of shape.ts: conversions done, zeros left out, fields in order. */
import { formatDuration, parseBool, parseBytes } from '#base/units.ts';
import { parseLongDuration } from '#compose/model/duration.ts';
import type { Field, Scalar, Special } from '#compose/model/shape.ts';
import { shellWords } from '#compose/model/shell-words.ts';
import { invalid, isMap, sprint, type Tree, type TreeMap } from '#compose/model/tree.ts';

type Fields = Readonly<Record<string, Field>>;

/** An object of these fields; what they don't name is dropped, but for `x-…`. Throws kind `invalid` with the path. */
export function decodeObject(fields: Fields, tree: TreeMap, path: string): Record<string, unknown> {
  const object: Record<string, unknown> = {};
  for (const key in fields) {
    const field = fields[key] as Field;
    const value = decodeField(field, tree[key], path === '' ? key : `${path}.${key}`);
    if (value !== undefined) object[key] = value;
  }
  const extensions = Object.keys(tree).filter((key) => key.startsWith('x-') && !(key in fields));
  for (const key of extensions.sort()) object[key] = tree[key];
  return object;
}

/** undefined: left out. */
function decodeField(field: Field, tree: Tree, path: string): unknown {
  if (tree === null || tree === undefined) return field.always ? zeroOf(field) : undefined;
  const value = decode(field, tree, path);
  return !field.pointer && !field.always && isZero(field, value) ? undefined : value;
}

const ZEROS: Partial<Record<Field['kind'], unknown>> = { string: '', bool: false, int: 0, bytes: '0', map: {} };
const zeroOf = (field: Field): unknown => ZEROS[field.kind];

function isZero({ kind }: Field, value: unknown): boolean {
  if (kind === 'bytes') return value === '0';
  if (kind === 'duration') return value === '0s';
  if (typeof value !== 'object' || value === null) return !value;
  return (Array.isArray(value) ? value : Object.keys(value)).length === 0;
}

function decode(field: Field, tree: Tree, path: string): unknown {
  switch (field.kind) {
    case 'struct':
      if (!isMap(tree)) throw wrongKind(path, 'a map', tree);
      return decodeObject(field.fields ?? {}, tree, path);
    case 'list':
      if (!Array.isArray(tree)) throw wrongKind(path, 'a list', tree);
      return tree.map((item, at) => decodeItem(field.item as Field, item, `${path}[${at}]`));
    case 'map':
      if (!isMap(tree)) throw wrongKind(path, 'a map', tree);
      return mapValues(tree, (item, key) => decodeItem(field.item as Field, item, `${path}[${key}]`));
    default:
      return at(path, () => READERS[field.kind as Scalar | Special](tree));
  }
}

/** In a list or a map nothing is left out: null stays where a pointer may be, and is an empty object elsewhere. */
function decodeItem(field: Field, tree: Tree, path: string): unknown {
  if (tree !== null && tree !== undefined) return decode(field, tree, path);
  if (field.pointer) return null;
  return field.kind === 'struct' ? decodeObject(field.fields ?? {}, {}, path) : zeroOf(field);
}

/** As compose's decoder says it, on one line. */
const undecodable = (path: string, reason: string) =>
  invalid(`decoding failed due to the following error(s): '${path}' ${reason}`);

function at<T>(path: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    throw undecodable(path, error instanceof Error ? error.message : String(error));
  }
}

const wrongKind = (path: string, wanted: string, tree: Tree) =>
  undecodable(path, `must be ${wanted}, not ${sprint(tree)}`);

export const mapValues = <T, U>(map: Readonly<Record<string, T>>, change: (value: T, key: string) => U) =>
  Object.fromEntries(Object.entries(map).map(([key, value]) => [key, change(value, key)])) as Record<string, U>;

const list = (tree: Tree): Tree[] => (Array.isArray(tree) ? tree : [tree]);

/** The pairs of `{k: v}` or `[k=v]`; null where an item has no `=`. */
function pairs(tree: Tree): [string, Tree][] {
  if (isMap(tree)) return Object.entries(tree);
  return list(tree).map((item) => {
    const text = sprint(item);
    const equals = text.indexOf('=');
    return equals < 0 ? [text, null] : [text.slice(0, equals), text.slice(equals + 1)];
  });
}

const textMap = (tree: Tree): Record<string, string> =>
  Object.fromEntries(pairs(tree).map(([key, value]) => [key, value === null ? '' : sprint(value)]));

function readEnvironment(tree: Tree): Record<string, string | null> {
  const found = pairs(tree).map(([key, value]): [string, string | null] => {
    if (Array.isArray(tree) && /\s$/.test(key)) {
      throw invalid(`environment variable ${key} is declared with a trailing space`);
    }
    return [key, value === null || value === undefined ? null : sprint(value)];
  });
  return Object.fromEntries(found);
}

/** `host=address` or `host:address`, several addresses after commas; sorted, brackets of IPv6 taken off. */
function readHosts(tree: Tree): string[] {
  const entries = isMap(tree)
    ? Object.entries(tree).map(([host, ips]): [string, string[]] => [host, list(ips ?? '').map(sprint)])
    : list(tree).map((item): [string, string[]] => {
        const text = sprint(item);
        const separator = ['=', ':'].find((sign) => text.includes(sign));
        if (separator === undefined) throw invalid(`invalid additional host, missing IP: ${text}`);
        const place = text.indexOf(separator);
        return [text.slice(0, place), text.slice(place + 1).split(',')];
      });
  const lines = entries.flatMap(([host, ips]) => {
    if (host === '' || /[:=]/.test(host)) throw invalid(`bad host name '${host}'`);
    return ips.map((ip) => `${host}=${ip.replace(/^\[(.+)\]$/, '$1')}`);
  });
  return lines.sort();
}

function readInteger(tree: Tree): number {
  const number = typeof tree === 'string' && /^[+-]?\d+$/.test(tree) ? Number(tree) : tree;
  if (typeof number === 'bigint') return Number(number);
  if (typeof number !== 'number') throw invalid(`expected a whole number, got ${JSON.stringify(tree)}`);
  return Math.trunc(number);
}

/** The shortest decimal that is the same float32: what compose prints of it. */
function float32(tree: Tree): number {
  const number = Number(tree);
  if (tree === '' || Number.isNaN(number)) {
    throw invalid(`strconv.ParseFloat: parsing ${JSON.stringify(tree)}: invalid syntax`);
  }
  const narrow = Math.fround(number);
  for (let digits = 1; digits < 9; digits += 1) {
    const short = Number(narrow.toPrecision(digits));
    if (Math.fround(short) === narrow) return short;
  }
  return Number(narrow.toPrecision(9));
}

function readCount(tree: Tree): number {
  if (typeof tree !== 'string') return readInteger(tree);
  if (tree.toLowerCase() === 'all') return -1;
  if (/^[+-]?\d+$/.test(tree)) return Number(tree);
  throw invalid(`invalid value ${JSON.stringify(tree)}, the only value allowed is 'all' or a number`);
}

function readMode(tree: Tree): string {
  const mode = typeof tree === 'string' ? Number.parseInt(tree, 8) : Number(tree);
  if (Number.isNaN(mode) || (typeof tree === 'string' && !/^[0-7]+$/.test(tree))) {
    throw invalid(`strconv.ParseInt: parsing ${JSON.stringify(tree)}: invalid syntax`);
  }
  return `0${mode.toString(8)}`;
}

function readUlimit(tree: Tree): unknown {
  if (!isMap(tree)) return readInteger(tree) || { soft: 0, hard: 0 };
  return { soft: readInteger(tree.soft ?? 0), hard: readInteger(tree.hard ?? 0) };
}

const READERS: Record<Scalar | Special, (tree: Tree) => unknown> = {
  string: (tree) => (typeof tree === 'string' ? tree : sprint(tree)),
  bool: (tree) => (typeof tree === 'string' ? (parseBool(tree) ?? false) : Boolean(tree)),
  int: readInteger,
  float32,
  bytes: (tree) => String(typeof tree === 'string' ? parseBytes(tree) : tree),
  duration: (tree) => formatDuration(parseLongDuration(sprint(tree))),
  mode: readMode,
  count: readCount,
  command: (tree) => (typeof tree === 'string' ? shellWords(tree) : list(tree).map(sprint)),
  test: (tree) => (typeof tree === 'string' ? ['CMD-SHELL', tree] : list(tree).map(sprint)),
  strings: (tree) => list(tree).map(sprint),
  mapping: textMap,
  labels: textMap,
  options: textMap,
  environment: readEnvironment,
  multiOptions: (tree) => mapValues(isMap(tree) ? tree : {}, (value) => list(value).map(sprint)),
  hosts: readHosts,
  ssh: (tree) =>
    Object.entries(isMap(tree) ? tree : {})
      .map(([id, path]) => (path === null || path === undefined ? id : `${id}=${sprint(path)}`))
      .sort(),
  ulimit: readUlimit,
};
