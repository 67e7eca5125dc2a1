/**
 * Words of a Dockerfile: quotes taken off, escapes resolved, variables put in, as BuildKit's shell lexer does it
 * (frontend/dockerfile/shell). Pure.
 */

import { WherryError } from '#base/error.ts';
import { quote } from '#base/go-quote.ts';
import { wrong } from '#build/dockerfile/fault.ts';
import { replacePattern, trimPattern } from '#build/dockerfile/pattern.ts';
import { isSpace } from '#build/dockerfile/text.ts';

/** What variables have. */
export interface Environment {
  /** Undefined where it is not set. */
  get(name: string): string | undefined;
  keys(): string[];
}

export const NO_VARIABLES: Environment = { get: () => undefined, keys: () => [] };

export interface LexOptions {
  /** What escapes a character; a backslash. */
  token?: string;
  /** Quotes stay. */
  rawQuotes?: boolean;
  /** Escapes stay. */
  rawEscapes?: boolean;
  /** Quotes are letters like others. */
  skipQuotes?: boolean;
  /** What is not set stays as it is written. */
  skipUnset?: boolean;
  /** Where variables that are not set are put, so that they are known also when the text is wrong. */
  unmatched?: Set<string>;
}

export interface Lexed {
  text: string;
  /** Split at spaces that are not quoted, also those that come out of variables. */
  words: string[];
  /** Variables that were asked for and set. */
  matched: Set<string>;
  /** Variables that were asked for and not set. */
  unmatched: Set<string>;
}

/** Where we are in the text. The word that is being gathered is one for all depths, as in BuildKit. */
interface Cursor {
  source: string;
  at: number;
  depth: number;
  word: string;
  rawEscapes: boolean;
  env: Environment;
  token: string;
  options: LexOptions;
  matched: Set<string>;
  unmatched: Set<string>;
}

/** Deeper than anyone nests `${a:-${b:-…}}`, and not as deep as the stack. */
const MAX_DEPTH = 1000;

/** Reads a text. Throws kind `invalid` in BuildKit's words. */
export function lex(source: string, env: Environment, options: LexOptions = {}): Lexed {
  const matched = new Set<string>();
  const { token = '\\', rawEscapes = false, unmatched = new Set<string>() } = options;
  const cursor = { source, at: 0, depth: 0, word: '', rawEscapes, env, token, options, matched, unmatched };
  try {
    return { ...readUntil(cursor, undefined, rawEscapes), matched, unmatched };
  } catch (error) {
    if (!(error instanceof WherryError)) throw error;
    throw wrong(`failed to process ${quote(source)}: ${error.message}`, source);
  }
}

interface Read {
  text: string;
  words: string[];
}

function readUntil(cursor: Cursor, stop: string | undefined, rawEscapes: boolean): Read {
  const before = cursor.rawEscapes;
  cursor.rawEscapes = rawEscapes;
  cursor.word = '';
  cursor.depth += 1;
  if (cursor.depth > MAX_DEPTH) throw wrong(`variables are nested more than ${MAX_DEPTH} deep`);
  const words: string[] = [];
  let text = '';
  while (cursor.at < cursor.source.length && cursor.source[cursor.at] !== stop) {
    text += readPart(cursor, words);
  }
  if (stop !== undefined && cursor.at >= cursor.source.length) {
    throw wrong(`unexpected end of statement while looking for matching ${stop}`);
  }
  if (stop !== undefined) cursor.at += 1;
  endWord(cursor, words);
  cursor.rawEscapes = before;
  cursor.depth -= 1;
  return { text, words };
}

function endWord(cursor: Cursor, words: string[]): void {
  if (cursor.word !== '') words.push(cursor.word);
  cursor.word = '';
}

/** Text in which spaces end a word. */
function addSplit(cursor: Cursor, text: string, words: string[]): string {
  for (const char of text) {
    if (isSpace(char)) endWord(cursor, words);
    else cursor.word += char;
  }
  return text;
}

function addWhole(cursor: Cursor, text: string): string {
  cursor.word += text;
  return text;
}

function readPart(cursor: Cursor, words: string[]): string {
  const char = cursor.source[cursor.at] ?? '';
  if (char === '$') return addSplit(cursor, readDollar(cursor), words);
  if (char === '<') return addWhole(cursor, readAngle(cursor));
  if (char === "'" && !cursor.options.skipQuotes) return addWhole(cursor, readSingleQuoted(cursor));
  if (char === '"' && !cursor.options.skipQuotes) return addWhole(cursor, readDoubleQuoted(cursor));
  cursor.at += 1;
  if (char !== cursor.token) return addSplit(cursor, char, words);
  const sign = addWhole(cursor, cursor.rawEscapes ? char : '');
  return sign + addWhole(cursor, nextLetter(cursor));
}

/** One letter, also where it takes two units; '' at the end. */
function nextLetter(cursor: Cursor): string {
  const code = cursor.source.codePointAt(cursor.at);
  if (code === undefined) return '';
  const letter = String.fromCodePoint(code);
  cursor.at += letter.length;
  return letter;
}

/** `<<` holds the spaces behind it, so that `<< EOF` is one word. */
function readAngle(cursor: Cursor): string {
  const [text = '<'] = /^<(?:<[\t\r ]*)?/.exec(cursor.source.slice(cursor.at, cursor.at + 64)) ?? [];
  cursor.at += text.length;
  return text;
}

/** Nothing can be escaped in these. */
function readSingleQuoted(cursor: Cursor): string {
  const end = cursor.source.indexOf("'", cursor.at + 1);
  if (end < 0) throw wrong('unexpected end of statement while looking for matching single-quote');
  const text = cursor.source.slice(cursor.at, end + 1);
  cursor.at = end + 1;
  return cursor.options.rawQuotes ? text : text.slice(1, -1);
}

function readDoubleQuoted(cursor: Cursor): string {
  const sign = cursor.options.rawQuotes ? '"' : '';
  let text = sign;
  cursor.at += 1;
  for (let char = cursor.source[cursor.at]; char !== '"'; char = cursor.source[cursor.at]) {
    if (char === undefined) throw wrong('unexpected end of statement while looking for matching double-quote');
    if (char === '$') {
      text += readDollar(cursor);
      continue;
    }
    cursor.at += 1;
    text += char === cursor.token ? readEscaped(cursor) : char;
  }
  cursor.at += 1;
  return text + sign;
}

/** In double quotes only these need an escape; before all else it stays. */
function readEscaped(cursor: Cursor): string {
  const sign = cursor.rawEscapes ? cursor.token : '';
  const char = cursor.source[cursor.at];
  if (char === undefined) return sign;
  if (char !== '"' && char !== '$' && char !== cursor.token) return sign + cursor.token;
  cursor.at += 1;
  return sign + char;
}

function lookUp({ env, matched, unmatched }: Cursor, name: string): string | undefined {
  const value = env.get(name);
  (value === undefined ? unmatched : matched).add(name);
  return value;
}

function readDollar(cursor: Cursor): string {
  cursor.at += 1;
  if (cursor.source[cursor.at] === '{') return readBraced(cursor);
  const name = readName(cursor);
  if (name === '') return '$';
  return lookUp(cursor, name) ?? (cursor.options.skipUnset ? `$${name}` : '');
}

const NAME = /[@*#?\-$!]|\p{Nd}+|[\p{L}_][\p{L}\p{Nd}_]*/uy;

function readName(cursor: Cursor): string {
  NAME.lastIndex = cursor.at;
  const [name = ''] = NAME.exec(cursor.source) ?? [];
  cursor.at += name.length;
  return name;
}

/** What Go makes of the letter that is not there. */
const NO_LETTER = '\ufffd';

function readBraced(cursor: Cursor): string {
  cursor.at += 1;
  const first = cursor.source[cursor.at];
  if (first === undefined) throw wrong("syntax error: missing '}'");
  if (first === '{' || first === '}' || first === ':') throw wrong('syntax error: bad substitution');
  const name = readName(cursor);
  const sign = nextLetter(cursor) || NO_LETTER;
  if (sign === '}') return lookUp(cursor, name) ?? (cursor.options.skipUnset ? `\${${name}}` : '');
  if (sign === '/') return readReplacement(cursor, name);
  const modifier = sign === ':' ? `:${nextLetter(cursor) || NO_LETTER}` : sign;
  if (modifier.length === 1 && !'+-?#%'.includes(modifier)) throw unsupported(modifier);
  return readModified(cursor, name, modifier);
}

const unsupported = (modifier: string) => wrong(`unsupported modifier (${modifier}) in substitution`);

function readModified(cursor: Cursor, name: string, modifier: string): string {
  if (modifier === ':#' || modifier === ':%') throw unsupported(modifier);
  const isPattern = modifier === '#' || modifier === '%';
  const word = readOperand(cursor, '}', isPattern);
  const value = lookUp(cursor, name);
  if (value === undefined && cursor.options.skipUnset) return `\${${name}${modifier}${word}}`;
  if (modifier === '#' || modifier === '%') return trimPattern(value ?? '', word, modifier);
  return substitute(modifier, { name, value, word });
}

function readOperand(cursor: Cursor, stop: string, rawEscapes: boolean): string {
  try {
    return readUntil(cursor, stop, rawEscapes).text;
  } catch (error) {
    if (!(error instanceof WherryError) || cursor.at < cursor.source.length) throw error;
    throw wrong(stop === '}' ? "syntax error: missing '}'" : `syntax error: missing '/' in $\{}`);
  }
}

/** With a colon, an empty value counts as none. */
function substitute(modifier: string, about: { name: string; value: string | undefined; word: string }): string {
  const { name, value, word } = about;
  const isSet = value !== undefined && !(modifier.startsWith(':') && value === '');
  const sign = modifier.at(-1);
  if (sign === '+') return isSet ? word : '';
  if (sign !== '-' && sign !== '?') throw unsupported(modifier);
  if (isSet) return value;
  if (sign === '-') return word;
  throw wrong(`${name}: ${word || `is not allowed to be ${value === undefined ? 'unset' : 'empty'}`}`);
}

/** `${name/pattern/replacement}`; with two slashes each occurrence. */
function readReplacement(cursor: Cursor, name: string): string {
  const all = cursor.source[cursor.at] === '/';
  if (all) cursor.at += 1;
  const pattern = readOperand(cursor, '/', true);
  const replacement = readOperand(cursor, '}', true);
  const value = lookUp(cursor, name);
  if (value === undefined && cursor.options.skipUnset) return `\${${name}/${pattern}/${replacement}}`;
  return replacePattern(value ?? '', pattern, { replacement, all });
}
