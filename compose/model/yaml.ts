/**
 * YAML as Go's yaml.v3 writes it with an indent of two: which texts need quotes and of which kind, where a text becomes a
 * block, how keys are sorted. Found by running it; the rules are those of libyaml's emitter.
 */

import { Timestamp } from '#compose/model/timestamp.ts';

/** What is written: a Map keeps its order, a plain object is sorted as Go sorts maps. */
export type Writable =
  | null
  | undefined
  | string
  | number
  | bigint
  | boolean
  | Timestamp
  | readonly Writable[]
  | ReadonlyMap<string, Writable>
  | { readonly [key: string]: Writable };

/** A document; a map ends with a line feed. */
export function writeYaml(value: Writable): string {
  const lines: string[] = [];
  if (isCollection(value) && !isEmpty(value)) writeCollection(value, '', '', lines);
  else lines.push(scalar(value, ''));
  return `${lines.join('\n')}\n`;
}

type Collection = readonly Writable[] | ReadonlyMap<string, Writable> | { readonly [key: string]: Writable };

const isCollection = (value: Writable): value is Collection =>
  typeof value === 'object' && value !== null && !(value instanceof Timestamp);
const isMap = (value: Collection): value is ReadonlyMap<string, Writable> => value instanceof Map;
const isEmpty = (value: Collection) =>
  (Array.isArray(value) ? value.length : isMap(value) ? value.size : Object.keys(value).length) === 0;

/** lead: what stands before the first entry on its line, in place of the indent. */
function writeCollection(value: Collection, lead: string, indent: string, lines: string[]): void {
  let before = lead === '' ? indent : lead;
  if (Array.isArray(value)) {
    for (const item of value) {
      if (isCollection(item) && !isEmpty(item)) writeCollection(item, `${before}- `, `${indent}  `, lines);
      else lines.push(`${before}- ${scalar(item, `${indent}  `)}`);
      before = indent;
    }
    return;
  }
  for (const [key, item] of entriesOf(value as ReadonlyMap<string, Writable>)) {
    const name = `${before}${keyText(key)}:`;
    if (isCollection(item) && !isEmpty(item)) {
      lines.push(name);
      writeCollection(item, '', `${indent}  `, lines);
    } else {
      lines.push(`${name} ${scalar(item, `${indent}  `)}`);
    }
    before = indent;
  }
}

function entriesOf(value: ReadonlyMap<string, Writable> | { readonly [key: string]: Writable }) {
  if (isMap(value)) return [...value];
  return Object.entries(value).sort(([one], [other]) => compareKeys(one, other));
}

/** A text that a key can't be on one line is written with quotes; libyaml's `? ` for very long ones isn't needed here. */
function keyText(key: string): string {
  if (HARMLESS.test(key) && !WORDS.has(key)) return key;
  return key.includes('\n') ? doubleQuoted(key) : (inline(key) ?? doubleQuoted(key));
}

function scalar(value: Writable, indent: string): string {
  if (typeof value === 'string') return textScalar(value, indent);
  if (value === null || value === undefined) return 'null';
  if (typeof value === 'number') return numberText(value);
  if (value instanceof Timestamp) return value.toJSON();
  return typeof value === 'object' ? (Array.isArray(value) ? '[]' : '{}') : String(value);
}

/** strconv.FormatFloat(…, 'g', -1): an exponent from 21 digits on where the number is whole, for floats as JavaScript. */
function numberText(value: number): string {
  if (Number.isInteger(value)) return String(value).replace(/e([+-])(\d)$/, 'e$10$2');
  if (Number.isNaN(value)) return '.nan';
  if (!Number.isFinite(value)) return value > 0 ? '.inf' : '-.inf';
  const [, digits = '', exponent = ''] = /^-?([\d.]+)e([+-]\d+)$/.exec(value.toExponential()) ?? [];
  if (Number(exponent) >= -4 && Number(exponent) < 21) return String(value);
  const power = Number(exponent);
  return `${value < 0 ? '-' : ''}${digits}e${power < 0 ? '-' : '+'}${String(Math.abs(power)).padStart(2, '0')}`;
}

/** Most texts: nothing in them has a meaning of its own. */
const HARMLESS = /^[A-Za-z/_][\w./-]*$/;

function textScalar(text: string, indent: string): string {
  if (HARMLESS.test(text) && !WORDS.has(text)) return text;
  if (text.includes('\n') && allowsBlock(text)) return block(text, indent);
  return (text.includes('\n') ? undefined : inline(text)) ?? doubleQuoted(text);
}

/** Plain or in single quotes; undefined where neither can hold it. */
function inline(text: string): string | undefined {
  if (needsDoubleQuotes(text) || UNPRINTABLE.test(text)) return undefined;
  return isPlain(text) ? text : `'${text.replaceAll("'", "''")}'`;
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: these are what libyaml does not print as they are
const UNPRINTABLE = /[\x00-\x09\x0b-\x1f\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff]|[\ud800-\udfff]/;

/** libyaml's is_break. */
const BREAK = '\\r\\n\\u0085\\u2028\\u2029';
const SPACE_BEFORE_BREAK = new RegExp(` [${BREAK}]`);

/** Can it be a literal block? */
const allowsBlock = (text: string) =>
  !text.endsWith(' ') && !SPACE_BEFORE_BREAK.test(text) && !UNPRINTABLE.test(text.replaceAll('\t', ' '));

/** Starts with what means something to YAML, or holds `: ` or ` #`. */
const INDICATED = /^(?:[#,[\]{}&*!|>'"%@`]|[?:-](?:[ \t]|$)|---|\.\.\.)|:(?:[ \t]|$)|[ \t]#/;

function isPlain(text: string): boolean {
  return !INDICATED.test(text) && !text.startsWith(' ') && !text.endsWith(' ');
}

const WORDS = new Set(
  `~ null Null NULL true True TRUE false False FALSE .nan .NaN .NAN .inf .Inf .INF +.inf +.Inf +.INF -.inf -.Inf -.INF
   y Y yes Yes YES on On ON n N no No NO off Off OFF`.split(/\s+/),
);

/** Would it be read as something else than a text? */
function needsDoubleQuotes(text: string): boolean {
  if (text === '' || WORDS.has(text)) return true;
  return /^[-+.0-9]/.test(text) && isNumberOrTime(text);
}

const BASE_60 = /^[-+]?[0-9][0-9_]*(?::[0-5]?[0-9])+(?:\.[0-9_]*)?$/;
const FLOAT = /^[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?$/;
const INTEGER = /^[-+]?(0[xX][0-9a-fA-F]+|0[bB][01]+|0[oO]?[0-7]*|[1-9][0-9]*)$/;
const DATE = /^[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}$/;
const TIME =
  /^[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}(?:[Tt ])[0-9]{1,2}:[0-9]{1,2}:[0-9]{1,2}(?:\.[0-9]+)?(?:Z|[-+][0-9]{2}:[0-9]{2})?$/;

function isNumberOrTime(text: string): boolean {
  const plain = text.replaceAll('_', '');
  return BASE_60.test(text) || INTEGER.test(plain) || FLOAT.test(plain) || isTime(text);
}

/** Does Go read it as a point in time? A thirteenth month is none. */
function isTime(text: string): boolean {
  if (DATE.test(text)) return isDay(text);
  if (!TIME.test(text)) return false;
  // With a T a zone is needed, with a space there is none.
  const hasZone = /(?:Z|[-+][0-9]{2}:[0-9]{2})$/.test(text);
  const [hour = 0, minute = 0, second = 0] = (text.slice(text.search(/[Tt ]/) + 1).match(/\d+/g) ?? []).map(Number);
  return hasZone !== text.includes(' ') && isDay(text) && hour < 24 && minute < 60 && second < 60;
}

function isDay(text: string): boolean {
  const [year = 0, month = 0, day = 0] = (text.match(/\d+/g) ?? []).map(Number);
  return month >= 1 && month <= 12 && day >= 1 && day <= new Date(Date.UTC(year, month, 0)).getUTCDate();
}

const ESCAPES: Record<string, string> = {
  '\0': '\\0',
  '\x07': '\\a',
  '\b': '\\b',
  '\t': '\\t',
  '\n': '\\n',
  '\v': '\\v',
  '\f': '\\f',
  '\r': '\\r',
  '\x1b': '\\e',
  '"': '\\"',
  '\\': '\\\\',
  '\u0085': '\\N',
  '\u2028': '\\L',
  '\u2029': '\\P',
};

function doubleQuoted(text: string): string {
  let quoted = '';
  for (const letter of text) {
    const isPlainLetter = letter.length === 1 && letter !== '"' && letter !== '\\' && letter !== '\n';
    quoted +=
      isPlainLetter && !UNPRINTABLE.test(letter) ? letter : (ESCAPES[letter] ?? escapeCode(letter.codePointAt(0) ?? 0));
  }
  return `"${quoted}"`;
}

function escapeCode(code: number): string {
  const hex = code.toString(16).toUpperCase();
  if (code <= 0xff) return `\\x${hex.padStart(2, '0')}`;
  return code <= 0xffff ? `\\u${hex.padStart(4, '0')}` : `\\U${hex.padStart(8, '0')}`;
}

/** A literal block: its lines as they are; a hint where it starts with a space, and how it ends. */
function block(text: string, indent: string): string {
  const hint = /^[ \n]/.test(text) ? '2' : '';
  const chomp = text.endsWith('\n') ? (text === '\n' || text.endsWith('\n\n') ? '+' : '') : '-';
  const body = text.endsWith('\n') ? text.slice(0, -1) : text;
  const lines = body.split('\n').map((line) => (line === '' ? '' : indent + line));
  return `|${hint}${chomp}\n${lines.join('\n')}`;
}

const isLetter = (letter: string) => /\p{L}/u.test(letter);
const isDigit = (letter: string | undefined) => letter !== undefined && /\p{Nd}/u.test(letter);

/** How yaml.v3 sorts keys: numbers within them by their value, letters after what is none. */
export function compareKeys(one: string, other: string): number {
  if (one === other) return 0;
  const quick = compareLetters(one, other);
  if (quick !== undefined) return quick;
  const [a, b] = [[...one], [...other]];
  const at = a.findIndex((letter, place) => letter !== b[place]);
  if (at < 0 || at >= b.length) return a.length - b.length;
  const [left = '', right = ''] = [a[at], b[at]];
  const [isLeft, isRight] = [isLetter(left), isLetter(right)];
  if (isLeft && isRight) return byCode(left, right);
  if (isLeft || isRight) return (isDigit(a[at - 1]) ? isLeft : isRight) ? -1 : 1;
  return compareNumbers(a, b, at);
}

/** Where the first difference is between two ASCII letters; undefined elsewhere. */
function compareLetters(one: string, other: string): number | undefined {
  let at = 0;
  while (at < one.length && one.charCodeAt(at) === other.charCodeAt(at)) at += 1;
  const [left, right] = [one.charCodeAt(at), other.charCodeAt(at)];
  return isAsciiLetter(left) && isAsciiLetter(right) ? left - right : undefined;
}

const isAsciiLetter = (code: number) => (code | 32) >= 97 && (code | 32) <= 122;

const byCode = (one: string, other: string) => (one.codePointAt(0) ?? 0) - (other.codePointAt(0) ?? 0);

/** Both have a different sign here that is no letter: the numbers that go on from here decide. */
function compareNumbers(a: readonly string[], b: readonly string[], at: number): number {
  let lead = 0;
  if (a[at] === '0' || b[at] === '0') {
    for (let back = at - 1; back >= 0 && isDigit(a[back]); back -= 1) if (a[back] !== '0') lead = 1;
  }
  const [left, leftEnd] = numberFrom(a, at, lead);
  const [right, rightEnd] = numberFrom(b, at, lead);
  if (left !== right) return left - right;
  return leftEnd !== rightEnd ? leftEnd - rightEnd : byCode(a[at] ?? '', b[at] ?? '');
}

function numberFrom(letters: readonly string[], at: number, lead: number): [number, number] {
  let number = lead;
  let end = at;
  for (; isDigit(letters[end]); end += 1) number = number * 10 + Number(letters[end]);
  return [number, end];
}
