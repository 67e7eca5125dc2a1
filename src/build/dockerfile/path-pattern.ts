/** One pattern of paths: `*` and `?` within a name, `**` over any number of them, classes and escapes. Pure. */
import { wrong } from '#build/dockerfile/fault.ts';

export interface PathPattern {
  matches(path: string): boolean;
  /** It names this path and no other. */
  exact?: string;
  /** What it names stands below this path, or is it; undefined where wildcards begin sooner. */
  start?: string;
}

const badPattern = () => wrong('syntax error in pattern');

/** Throws kind `invalid` in Go's words. */
export function compilePattern(pattern: string): PathPattern {
  const tokens = tokensOf(pattern);
  const special = tokens.filter(({ kind }) => kind !== 'letter');
  const [first] = special;
  if (first === undefined) {
    const exact = tokens.map(({ text }) => text).join('');
    return { matches: (path) => path === exact, exact, start: exact };
  }
  const start = pattern.endsWith('/**') ? startOf(pattern.slice(0, -3)) : undefined;
  const quick = special.length === 1 && first.kind === 'globstar' ? quickMatch(pattern) : undefined;
  const matches = quick ?? expressionOf(tokens);
  return { matches, ...(start === undefined ? {} : { start }) };
}

function startOf(path: string): string | undefined {
  return /[*?[\]^\\]/.test(path) ? undefined : path;
}

/** One `**` at either end needs no expression. */
function quickMatch(pattern: string): PathPattern['matches'] | undefined {
  if (pattern.startsWith('**')) {
    const suffix = pattern.slice(2);
    return (path) => path.endsWith(suffix) || (suffix.startsWith('/') && path === suffix.slice(1));
  }
  if (!pattern.endsWith('**')) return undefined;
  const prefix = pattern.slice(0, -2);
  return (path) => path.startsWith(prefix);
}

interface Token {
  kind: 'letter' | 'star' | 'globstar' | 'any' | 'class' | 'escaped';
  text: string;
}

const TOKEN = /(\*\*\/?)|(\*)|(\?)|(\[\^?(?:\\[\s\S]|[^\]\\])+\])|\\([\s\S])|([\s\S])/gu;

function tokensOf(pattern: string): Token[] {
  return [...pattern.matchAll(TOKEN)].map(([text, globstar, star, any, set, escaped]): Token => {
    if (globstar !== undefined) return { kind: 'globstar', text };
    if (star !== undefined) return { kind: 'star', text };
    if (any !== undefined) return { kind: 'any', text };
    if (set !== undefined) return { kind: 'class', text: classOf(set) };
    if (escaped !== undefined) return { kind: 'escaped', text: escaped };
    // A class that nothing closes, an escape of nothing.
    if (text === '[' || text === '\\') throw badPattern();
    return { kind: 'letter', text };
  });
}

/** `[^a-c\]]`, with every letter by its number. */
function classOf(set: string): string {
  const isNegated = set.startsWith('[^');
  const items: string[] = [];
  const letters = [...set.slice(isNegated ? 2 : 1, -1).matchAll(/\\([\s\S])|([\s\S])/gu)];
  for (let at = 0; at < letters.length; at += 1) {
    const [, escaped, plain] = letters[at] ?? [];
    if (plain === '-') throw badPattern();
    const low = escaped ?? plain ?? '';
    if (letters[at + 1]?.[2] !== '-') {
      items.push(code(low));
      continue;
    }
    const [, escapedHigh, plainHigh] = letters[at + 2] ?? [];
    const high = escapedHigh ?? plainHigh;
    if (high === undefined || high < low) throw badPattern();
    items.push(`${code(low)}-${code(high)}`);
    at += 2;
  }
  return `[${isNegated ? '^' : ''}${items.join('')}]`;
}

const code = (letter: string) => `\\u{${(letter.codePointAt(0) ?? 0).toString(16)}}`;

function expressionOf(tokens: readonly Token[]): PathPattern['matches'] {
  const parts = tokens.map(({ kind, text }, index) => {
    if (kind === 'globstar') return index === tokens.length - 1 ? '.*' : '(?:.*/)?';
    if (kind === 'star') return '[^/]*';
    if (kind === 'any') return '[^/]';
    // Docker lets this one mean the beginning of the path, where it stands beside wildcards.
    if (kind === 'letter' && text === '^') return text;
    return kind === 'class' ? text : code(text);
  });
  const expression = new RegExp(`^${parts.join('')}$`, 'su');
  return (path) => expression.test(path);
}
