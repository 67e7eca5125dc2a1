/**
 * Words of Dockerfile instructions, with quotes taken off and variables put in, as BuildKit's shell lexer does it
 * (frontend/dockerfile/shell): `$name`, `${name}`, `${name:-word}` and its kin, patterns. Pure.
 */
import { WherryError } from '#base/error.ts';

/** What a variable has; undefined where it is not set. */
export type Variables = (name: string) => string | undefined;

/** The text with quotes removed and variables replaced; spaces stay. Throws kind `invalid` in BuildKit's words. */
export function expandWord(source: string, variables: Variables, token = '\\'): string {
  return expand(source, variables, token).text;
}

/** As expandWord(), but split at spaces that are not quoted, also those that come out of variables. */
export function expandWords(source: string, variables: Variables, token = '\\'): string[] {
  return expand(source, variables, token).words;
}

/** Where we are in the text. */
interface Lexer {
  chars: readonly string[];
  at: number;
  variables: Variables;
  token: string;
}

interface Expanded {
  text: string;
  words: string[];
}

const wrong = (message: string) => new WherryError('invalid', message);

function expand(source: string, variables: Variables, token: string): Expanded {
  try {
    return readUntil({ chars: [...source], at: 0, variables, token }, undefined, false);
  } catch (error) {
    if (!(error instanceof WherryError)) throw error;
    throw wrong(`failed to process ${JSON.stringify(source)}: ${error.message}`);
  }
}

/** Gathers words beside the text. */
function wordCollector() {
  const words: string[] = [];
  let current = '';
  let inWord = false;
  const raw = (text: string) => {
    current += text;
    inWord = true;
  };
  const split = (text: string) => {
    for (const char of text) {
      if (!/\s/u.test(char)) raw(char);
      else if (inWord && current !== '') {
        words.push(current);
        current = '';
        inWord = false;
      }
    }
  };
  return { raw, split, end: () => (current === '' ? words : [...words, current]) };
}

/** rawEscapes: escapes stay, for what is read as a pattern later. */
function readUntil(lexer: Lexer, stop: string | undefined, rawEscapes: boolean): Expanded {
  const collected = wordCollector();
  let text = '';
  for (let char = lexer.chars[lexer.at]; char !== undefined; char = lexer.chars[lexer.at]) {
    if (char === stop) {
      lexer.at += 1;
      return { text, words: collected.end() };
    }
    const { part, isSplit } = readPart(lexer, char, rawEscapes);
    text += part;
    if (isSplit) collected.split(part);
    else collected.raw(part);
  }
  if (stop !== undefined) throw wrong(`unexpected end of statement while looking for matching ${stop}`);
  return { text, words: collected.end() };
}

function readPart(lexer: Lexer, char: string, rawEscapes: boolean): { part: string; isSplit: boolean } {
  if (char === '$') return { part: readDollar(lexer), isSplit: true };
  if (char === "'") return { part: readSingleQuoted(lexer), isSplit: false };
  if (char === '"') return { part: readDoubleQuoted(lexer, rawEscapes), isSplit: false };
  lexer.at += 1;
  if (char !== lexer.token) return { part: char, isSplit: true };
  const escaped = lexer.chars[lexer.at] ?? '';
  lexer.at += 1;
  return { part: (rawEscapes ? char : '') + escaped, isSplit: false };
}

/** Nothing can be escaped in these. */
function readSingleQuoted(lexer: Lexer): string {
  const end = lexer.chars.indexOf("'", lexer.at + 1);
  if (end < 0) throw wrong('unexpected end of statement while looking for matching single-quote');
  const text = lexer.chars.slice(lexer.at + 1, end).join('');
  lexer.at = end + 1;
  return text;
}

function readDoubleQuoted(lexer: Lexer, rawEscapes: boolean): string {
  let text = '';
  lexer.at += 1;
  for (let char = lexer.chars[lexer.at]; char !== '"'; char = lexer.chars[lexer.at]) {
    if (char === undefined) throw wrong('unexpected end of statement while looking for matching double-quote');
    if (char === '$') {
      text += readDollar(lexer);
      continue;
    }
    lexer.at += 1;
    text += char === lexer.token ? readEscaped(lexer, rawEscapes) : char;
  }
  lexer.at += 1;
  return text;
}

/** In double quotes only these need an escape; before all else it stays. */
function readEscaped(lexer: Lexer, rawEscapes: boolean): string {
  const next = lexer.chars[lexer.at];
  if (next === undefined) return rawEscapes ? lexer.token : '';
  const isSpecial = next === '"' || next === '$' || next === lexer.token;
  if (isSpecial) lexer.at += 1;
  return (rawEscapes ? lexer.token : '') + (isSpecial ? next : lexer.token);
}

function readDollar(lexer: Lexer): string {
  lexer.at += 1;
  if (lexer.chars[lexer.at] === '{') return readBraced(lexer);
  const name = readName(lexer);
  return name === '' ? '$' : (lexer.variables(name) ?? '');
}

/** Letters, digits and `_`; of what begins with a digit the digits; or one of the shell's special parameters. */
function readName(lexer: Lexer): string {
  const rest = lexer.chars.slice(lexer.at).join('');
  const name = /^(?:\p{Nd}+|[@*#?\-$!0]|[\p{L}\p{Nd}_]+)/u.exec(rest)?.[0] ?? '';
  lexer.at += [...name].length;
  return name;
}

function readBraced(lexer: Lexer): string {
  lexer.at += 1;
  const first = lexer.chars[lexer.at];
  if (first === undefined) throw wrong("syntax error: missing '}'");
  if (first === '{' || first === '}' || first === ':') throw wrong('syntax error: bad substitution');
  const name = readName(lexer);
  const value = lexer.variables(name);
  const modifier = readModifier(lexer);
  if (modifier === '}') return value ?? '';
  if (modifier === '/') return readReplacement(lexer, value ?? '');
  const isPattern = modifier === '#' || modifier === '%';
  const word = readOperand(lexer, '}', isPattern);
  return isPattern ? trim(value ?? '', word, modifier) : substitute(modifier, { name, value, word });
}

/** What follows the name: the end, a slash, a sign of what is to be done, or that with a colon before. */
function readModifier(lexer: Lexer): string {
  const length = lexer.chars[lexer.at] === ':' ? 2 : 1;
  const modifier = lexer.chars.slice(lexer.at, lexer.at + length).join('');
  lexer.at += length;
  if (modifier === '') throw wrong("syntax error: missing '}'");
  if (/^(?:[}/#%]|:?[+?-])$/.test(modifier)) return modifier;
  throw wrong(`unsupported modifier (${modifier}) in substitution`);
}

function readOperand(lexer: Lexer, stop: string, rawEscapes: boolean): string {
  try {
    return readUntil(lexer, stop, rawEscapes).text;
  } catch (error) {
    if (!(error instanceof WherryError) || lexer.at < lexer.chars.length) throw error;
    throw wrong(stop === '}' ? "syntax error: missing '}'" : `syntax error: missing '/' in $\{}`);
  }
}

interface Substitution {
  name: string;
  value: string | undefined;
  word: string;
}

/** With a colon, an empty value counts as none. */
function substitute(modifier: string, { name, value, word }: Substitution): string {
  const isSet = value !== undefined && !(modifier.startsWith(':') && value === '');
  if (modifier.endsWith('+')) return isSet ? word : '';
  if (isSet) return value;
  if (modifier.endsWith('-')) return word;
  throw wrong(`${name}: ${word || `is not allowed to be ${value === undefined ? 'unset' : 'empty'}`}`);
}

/** `${name#pattern}` and `${name%pattern}` take away the shortest beginning or end, doubled the longest. */
function trim(value: string, word: string, modifier: string): string {
  const greedy = word.startsWith(modifier);
  const pattern = new RegExp(`^(?:${asPattern(greedy ? word.slice(1) : word)})$`, 'su');
  const chars = [...value];
  const lengths = Array.from({ length: chars.length + 1 }, (_, length) => length);
  for (const length of greedy ? lengths.reverse() : lengths) {
    const cut = modifier === '#' ? length : chars.length - length;
    const [before, after] = [chars.slice(0, cut).join(''), chars.slice(cut).join('')];
    if (pattern.test(modifier === '#' ? before : after)) return modifier === '#' ? after : before;
  }
  return value;
}

/** `${name/pattern/replacement}`; with two slashes each occurrence. */
function readReplacement(lexer: Lexer, value: string): string {
  const all = lexer.chars[lexer.at] === '/';
  if (all) lexer.at += 1;
  const pattern = readOperand(lexer, '/', true);
  const replacement = readOperand(lexer, '}', true);
  return value.replace(new RegExp(asPattern(pattern), all ? 'gsu' : 'su'), () => replacement);
}

/** A shell's pattern: `*`, `?`, and escapes. */
function asPattern(text: string): string {
  return text.replace(/\\(.)|[\s\S]/gu, (char, escaped: string | undefined) => {
    if (escaped !== undefined) return quote(escaped);
    if (char === '*') return '.*';
    return char === '?' ? '.' : quote(char);
  });
}

const quote = (char: string) => char.replace(/[\\^$.*+?()[\]{}|/-]/g, '\\$&');
