// biome-ignore-all lint/suspicious/noTemplateCurlyInString: a shell's variables are written so, too
import { expect, test } from 'vitest';
import { type Environment, lex } from '#build/dockerfile/words.ts';

const VALUES: Record<string, string> = { a: 'one', empty: '', path: '/usr/local/lib', list: '80  443', '1': 'digit' };
const variables: Environment = { get: (name) => VALUES[name], keys: () => Object.keys(VALUES) };
const expandWord = (word: string, env = variables, token = '\\') => lex(word, env, { token }).text;
const expandWords = (word: string, env = variables) => lex(word, env).words;

test.each([
  ['$a', 'one'],
  ['${a}b', 'oneb'],
  ['$ab', ''],
  ['$a-b', 'one-b'],
  ['$', '$'],
  ['\\$a', '$a'],
  ["'$a'", '$a'],
  ['"$a b"', 'one b'],
  ['"\\x \\" \\$a \\\\"', '\\x " $a \\'],
  ['a\\ b', 'a b'],
  ['$12', ''],
  ['${1}', 'digit'],
  ['${none:-x y}', 'x y'],
  ['${empty:-x}', 'x'],
  ['${empty-x}', ''],
  ['${none-x}', 'x'],
  ['${a:+$path}', '/usr/local/lib'],
  ['${none:+x}', ''],
  ['${empty+x}', 'x'],
  ['${none:-${none2:-deep}}', 'deep'],
  ['${path#/*/}', 'local/lib'],
  ['${path##*/}', 'lib'],
  ['${path%/*}', '/usr/local'],
  ['${path%%l*}', '/usr/'],
  ['${path/local/opt}', '/usr/opt/lib'],
  ['${path//l/L}', '/usr/LocaL/Lib'],
  ['${path#\\*}', '/usr/local/lib'],
  ['grüße $a', 'grüße one'],
])('%s becomes %s', (word, expected) => {
  expect(expandWord(word, variables)).toBe(expected);
});

test.each([
  ["'a", 'unexpected end of statement while looking for matching single-quote'],
  ['"a', 'unexpected end of statement while looking for matching double-quote'],
  ['${a', 'unsupported modifier (\ufffd) in substitution'],
  ['${a:-b', "syntax error: missing '}'"],
  ['${}', 'syntax error: bad substitution'],
  ['${a^b}', 'unsupported modifier (^) in substitution'],
  ['${a:#b}', 'unsupported modifier (:#) in substitution'],
  ['${none:?no such thing}', 'none: no such thing'],
  ['${none?}', 'none: is not allowed to be unset'],
  ['${empty:?}', 'empty: is not allowed to be empty'],
])('%s is refused', (word, why) => {
  expect(() => expandWord(word, variables)).toThrow(`failed to process ${JSON.stringify(word)}: ${why}`);
});

test('words are split at spaces that are not quoted, also at those of variables', () => {
  expect(expandWords('$list "a b" \'c d\'e f\\ g', variables)).toEqual(['80', '443', 'a b', 'c de', 'f g']);
});

test('another character may escape', () => {
  expect(expandWord('`$a \\$a', variables, '`')).toBe('$a \\one');
});
