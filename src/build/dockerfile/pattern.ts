/** The patterns of `${name#pattern}`, `${name%pattern}` and `${name/pattern/replacement}`: `*`, `?` and escapes. */
import { wrong } from '#build/dockerfile/fault.ts';

/** Takes the shortest beginning (`#`) or end (`%`) away that matches; with the sign doubled, the longest. */
export function trimPattern(value: string, word: string, sign: '#' | '%'): string {
  const greedy = word.startsWith(sign);
  const pattern = greedy ? word.slice(1) : word;
  if (sign === '#') return value.slice(matchStart(value, pattern, greedy));
  // Expressions search from the left: from the right they search what is turned round.
  const turned = [...value].reverse().join('');
  const rest = turned.slice(matchStart(turned, reversePattern(pattern), greedy));
  return [...rest].reverse().join('');
}

function matchStart(value: string, pattern: string, greedy: boolean): number {
  return asExpression(pattern, { greedy, flags: 'uy' }).exec(value)?.[0].length ?? 0;
}

interface Replacement {
  replacement: string;
  all: boolean;
}

export function replacePattern(value: string, pattern: string, { replacement, all }: Replacement): string {
  const expression = asExpression(pattern, { greedy: true, flags: all ? 'gu' : 'u' });
  return value.replace(expression, (match) => (all ? expandGroups(replacement, match) : replacement));
}

/** Go's template of ReplaceAllString; there are no groups but the whole. */
function expandGroups(replacement: string, match: string): string {
  return replacement.replace(/\$(?:\$|(\w+)|\{(\w+)\})/g, (all, bare?: string, braced?: string) => {
    if (all === '$$') return '$';
    return (bare ?? braced) === '0' ? match : '';
  });
}

function reversePattern(pattern: string): string {
  return (pattern.match(/\\[\s\S]|[\s\S]/gu) ?? []).reverse().join('');
}

interface Kind {
  greedy: boolean;
  flags: string;
}

function asExpression(pattern: string, { greedy, flags }: Kind): RegExp {
  const source = pattern.replace(/\\([\s\S]?)|[\s\S]/gu, (all, escaped: string | undefined) => {
    if (escaped !== undefined) return escapedLetter(escaped, pattern);
    if (all === '*') return greedy ? '[^\\n]*' : '[^\\n]*?';
    return all === '?' ? '[^\\n]' : literal(all);
  });
  return new RegExp(source, flags);
}

function escapedLetter(letter: string, pattern: string): string {
  // A brace and a slash end a pattern unless they are escaped.
  if (letter === '' || !'}/*?\\'.includes(letter)) {
    throw wrong(`invalid pattern (${pattern}) in substitution: invalid escape '\\${letter}'`);
  }
  return literal(letter);
}

const literal = (char: string) => char.replace(/[\\^$.*+?()[\]{}|/]/g, '\\$&');
