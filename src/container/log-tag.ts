/**
 * --log-opt tag: a Go template over what is known of a container (moby, logger.Info). Fields, methods, pipelines and
 * functions; conditions and loops are refused, for a tag has no use for them.
 */
import { WherryError } from '#base/error.ts';
import type { ContainerRecord } from '#container/record.ts';

const bad = (why: string) => new WherryError('unavailable', `template: log-tag:1${why}`);

/** Fills in a tag. Throws kind `unavailable` in Docker's words for a template that can't be read or does not fit. */
export function expandTag(tag: string, record: ContainerRecord): string {
  let at = 0;
  let text = '';
  for (const { index, 0: action, 1: left, 2: inside = '', 3: right } of tag.matchAll(ACTION)) {
    const before = tag.slice(at, index);
    text += left === undefined ? before : before.trimEnd();
    text += show(pipeline(inside, record, index + 2 + inside.search(/\S|$/)));
    at = index + action.length;
    if (right !== undefined) at += tag.slice(at).length - tag.slice(at).trimStart().length;
  }
  if (tag.slice(at).includes('{{')) throw bad(': unclosed action');
  return text + tag.slice(at);
}

const ACTION = /\{\{(-\s)?((?:"(?:[^"\\]|\\.)*"|`[^`]*`|(?!\s-\}\}|\}\}).)*)(\s-)?\}\}/gs;

function pipeline(text: string, record: ContainerRecord, column: number): unknown {
  const words = tokens(text);
  let value: unknown;
  let first = true;
  for (const command of split(words, '|')) {
    value = call(command, record, first ? [] : [value], column);
    first = false;
  }
  return value;
}

/** Strings, names, fields, numbers, parentheses, bars. */
function tokens(text: string): string[] {
  const found = [...text.matchAll(/"(?:[^"\\]|\\.)*"|`[^`]*`|[()|]|[^\s()|"`]+/g)].map(([word]) => word);
  if (found.length === 0) throw bad(': missing value for command');
  return found;
}

function split(words: readonly string[], separator: string): string[][] {
  const parts: string[][] = [[]];
  let depth = 0;
  for (const word of words) {
    if (word === '(') depth += 1;
    if (word === ')') depth -= 1;
    if (word === separator && depth === 0) parts.push([]);
    else parts.at(-1)?.push(word);
  }
  return parts;
}

/** One command: a function with its operands, or one operand. last: what comes out of the pipe. */
function call(
  [name = '', ...rest]: readonly string[],
  record: ContainerRecord,
  last: unknown[],
  column: number,
): unknown {
  if (name === '(') return nested([name, ...rest], record, column);
  const make = Object.hasOwn(FUNCTIONS, name) ? FUNCTIONS[name] : undefined;
  if (make !== undefined) return make(...operands(rest, record, column), ...last);
  if (/^(if|range|with|define|block|template|else|end|break|continue)$/.test(name)) {
    throw bad(`: wherry's tags know no {{${name}}}`);
  }
  if (/^[a-zA-Z_]\w*$/.test(name) && !CONSTANTS.has(name)) throw bad(`: function "${name}" not defined`);
  return operand(name, record, column);
}

function operands(words: readonly string[], record: ContainerRecord, column: number): unknown[] {
  const values: unknown[] = [];
  for (let at = 0; at < words.length; at += 1) {
    if (words[at] !== '(') {
      values.push(operand(words[at] ?? '', record, column));
      continue;
    }
    const end = closing(words, at);
    values.push(pipeline(words.slice(at + 1, end).join(' '), record, column));
    at = end;
  }
  return values;
}

function closing(words: readonly string[], from: number): number {
  let depth = 0;
  for (let at = from; at < words.length; at += 1) {
    if (words[at] === '(') depth += 1;
    if (words[at] === ')') depth -= 1;
    if (depth === 0) return at;
  }
  throw bad(': unclosed left paren');
}

/** `(.ExtraAttributes nil).FOO` */
function nested(words: readonly string[], record: ContainerRecord, column: number): unknown {
  const end = closing(words, 0);
  const value = pipeline(words.slice(1, end).join(' '), record, column);
  const [path = ''] = words.slice(end + 1);
  return path
    .split('.')
    .filter(Boolean)
    .reduce((inner, key) => (inner as Record<string, unknown> | undefined)?.[key], value);
}

const CONSTANTS = new Map<string, unknown>([
  ['true', true],
  ['false', false],
  ['nil', undefined],
]);

function operand(word: string, record: ContainerRecord, column: number): unknown {
  if (CONSTANTS.has(word)) return CONSTANTS.get(word);
  if (/^["`]/.test(word)) return word.startsWith('"') ? JSON.parse(word) : word.slice(1, -1);
  if (/^-?\d+$/.test(word)) return Number(word);
  if (word === '.') return facts(record);
  const [, ...path] = word.split('.');
  const [head = '', ...below] = path;
  const known = facts(record);
  if (!word.startsWith('.') || !Object.hasOwn(known, head)) {
    const where = `:${column}: executing "log-tag" at <${word}>`;
    throw bad(`${where}: can't evaluate field ${head || word} in type *logger.Info`);
  }
  return below.reduce((inner: unknown, key) => (inner as Record<string, unknown>)[key], known[head]);
}

/** logger.Info's fields and methods. */
function facts({ id, name, image, config, path, args, created, hostConfig }: ContainerRecord): Record<string, unknown> {
  return {
    ID: id.slice(0, 12),
    FullID: id,
    Name: name,
    ImageID: image.id.slice(0, 12),
    ImageFullID: image.id,
    ImageName: image.reference,
    DaemonName: 'docker',
    Command: [path, ...args].join(' '),
    Hostname: process.env.HOSTNAME ?? '',
    Config: hostConfig.LogConfig.Config,
    ContainerID: id,
    ContainerName: `/${name}`,
    ContainerEntrypoint: path,
    ContainerArgs: args,
    ContainerImageID: image.id,
    ContainerImageName: image.reference,
    ContainerCreated: created,
    ContainerEnv: config.Env,
    ContainerLabels: config.Labels,
  };
}

const text = (value: unknown) => show(value);

/** Docker's, and those of Go's text/template that make sense of texts. */
const FUNCTIONS: Record<string, (...values: unknown[]) => unknown> = {
  json: (value) => JSON.stringify(value),
  lower: (value) => text(value).toLowerCase(),
  upper: (value) => text(value).toUpperCase(),
  title: (value) => text(value).replace(/\b[a-z]/g, (letter) => letter.toUpperCase()),
  truncate: (value, length) => [...text(value)].slice(0, Number(length)).join(''),
  pad: (value, before, after) => `${' '.repeat(Number(before))}${text(value)}${' '.repeat(Number(after))}`,
  join: (list, separator) => (list as unknown[]).map(text).join(text(separator)),
  split: (value, separator) => text(value).split(text(separator)),
  len: (value) =>
    typeof value === 'string' || Array.isArray(value) ? value.length : Object.keys(value as object).length,
  index: (value, ...keys) => keys.reduce((inner, key) => (inner as Record<string, unknown>)[String(key)] ?? '', value),
  slice: (value, from = 0, to) => (value as string).slice(Number(from), to === undefined ? undefined : Number(to)),
  print: (...values) => values.map(text).join(''),
  println: (...values) => `${values.map(text).join(' ')}\n`,
  printf: (format, ...values) => printf(text(format), values),
};

function printf(format: string, values: readonly unknown[]): string {
  const left = [...values];
  return format.replace(/%(?:([-.\d]*)([svdq])|%)/g, (_all, width: string | undefined, verb: string | undefined) => {
    if (verb === undefined) return '%';
    const value = verb === 'q' ? JSON.stringify(text(left.shift())) : text(left.shift());
    const [size = '', most] = (width ?? '').split('.');
    const cut = most === undefined ? value : value.slice(0, Number(most));
    return size.startsWith('-') ? cut.padEnd(Number(size.slice(1))) : cut.padStart(Number(size));
  });
}

/** %v. */
function show(value: unknown): string {
  if (value === undefined || value === null) return '<no value>';
  if (Array.isArray(value)) return `[${value.map(show).join(' ')}]`;
  if (typeof value !== 'object') return String(value);
  const pairs = Object.entries(value).sort(([one], [other]) => (one < other ? -1 : 1));
  return `map[${pairs.map(([key, item]) => `${key}:${show(item)}`).join(' ')}]`;
}
