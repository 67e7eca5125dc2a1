/** Go templates (text/template/parse): the text becomes tokens. */

/** A template that can't be read; the message is Go's, after `template: NAME:LINE: `. */
export class TemplateSyntaxError extends Error {
  readonly line: number;

  constructor(message: string, line: number) {
    super(message);
    this.name = 'TemplateSyntaxError';
    this.line = line;
  }
}

export interface Token {
  type: 'text' | 'open' | 'close' | 'space' | 'word' | 'field' | 'variable' | 'constant' | 'symbol' | 'dot' | 'end';
  text: string;
  at: number;
  value?: string | number;
}

/** The number of the line that a place is in. */
export const lineOf = (text: string, at: number) => text.slice(0, at).split('\n').length;

/** Cuts the text into tokens; `{{- ` and ` -}}` have taken the white space beside them. */
export function tokenize(text: string): Token[] {
  const tokens: Token[] = [];
  let at = 0;
  let trimNext = false;
  while (at < text.length) {
    const open = text.indexOf('{{', at);
    const end = open < 0 ? text.length : open;
    const trimsBefore = open >= 0 && /^\{\{-\s/.test(text.slice(open, open + 4));
    let plain = text.slice(at, end);
    if (trimNext) plain = plain.trimStart();
    if (trimsBefore) plain = plain.trimEnd();
    if (plain !== '') tokens.push({ type: 'text', text: plain, at });
    if (open < 0) break;
    const action = tokenizeAction(text, open, trimsBefore ? open + 3 : open + 2);
    tokens.push(...action.tokens);
    ({ next: at, trimNext } = action);
  }
  tokens.push({ type: 'end', text: '', at: text.length });
  return tokens;
}

interface ActionTokens {
  tokens: Token[];
  next: number;
  trimNext: boolean;
}

function tokenizeAction(text: string, open: number, start: number): ActionTokens {
  const comment = /^\s*\/\*[\s\S]*?\*\/(\s-)?\}\}/.exec(text.slice(start));
  if (comment !== null) return { tokens: [], next: start + comment[0].length, trimNext: comment[1] !== undefined };
  if (/^\s*\/\*/.test(text.slice(start))) throw new TemplateSyntaxError('unclosed comment', lineOf(text, open));
  const tokens: Token[] = [{ type: 'open', text: '{{', at: open }];
  let at = start;
  for (;;) {
    const rest = text.slice(at);
    const close = /^(\s-)?\}\}/.exec(rest);
    if (close !== null) {
      tokens.push({ type: 'close', text: '}}', at });
      return { tokens, next: at + close[0].length, trimNext: close[1] !== undefined };
    }
    if (rest === '') throw new TemplateSyntaxError('unclosed action', lineOf(text, open));
    const token = readToken(rest, at, lineOf(text, at));
    tokens.push(token);
    at += token.text.length;
  }
}

const PATTERNS: readonly [Token['type'], RegExp][] = [
  ['space', /^\s+/],
  ['symbol', /^(:=|[|=(),])/],
  ['variable', /^\$[\p{L}\p{N}_]*/u],
  ['field', /^\.[\p{L}_][\p{L}\p{N}_]*/u],
  ['constant', /^"(?:[^"\\\n]|\\.)*"/],
  ['constant', /^`[^`]*`/],
  ['constant', /^'(?:[^'\\\n]|\\.[0-9a-fA-F]*)'/u],
  ['constant', /^[+-]?(0[xX][0-9a-fA-F_]+|0[oO][0-7_]+|0[bB][01_]+|(\d[\d_]*\.?\d*|\.\d+)([eE][+-]?\d+)?)/],
  ['dot', /^\./],
  ['word', /^[\p{L}_][\p{L}\p{N}_]*/u],
];

function readToken(rest: string, at: number, line: number): Token {
  for (const [type, pattern] of PATTERNS) {
    const text = pattern.exec(rest)?.[0];
    if (text === undefined || text === '') continue;
    return type === 'constant' ? { type, text, at, value: constant(text, line) } : { type, text, at };
  }
  if (rest.startsWith('"')) throw new TemplateSyntaxError('unterminated quoted string', line);
  if (rest.startsWith('`')) throw new TemplateSyntaxError('unterminated raw quoted string', line);
  if (rest.startsWith("'")) throw new TemplateSyntaxError('unterminated character constant', line);
  const letter = String.fromCodePoint(rest.codePointAt(0) ?? 0);
  const code = (letter.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, '0');
  throw new TemplateSyntaxError(`unexpected bad character U+${code} '${letter}' in command`, line);
}

const ESCAPES: Record<string, string> = { a: '\x07', b: '\b', f: '\f', n: '\n', r: '\r', t: '\t', v: '\v' };

function constant(text: string, line: number): string | number {
  if (text.startsWith('`')) return text.slice(1, -1);
  if (text.startsWith('"')) return unquote(text.slice(1, -1));
  if (text.startsWith("'")) return unquote(text.slice(1, -1)).codePointAt(0) ?? 0;
  const digits = text.replaceAll('_', '');
  const sign = digits.startsWith('-') ? -1 : 1;
  const number = sign * Number(digits.replace(/^[+-]/, '').replace(/^0(?=[0-7]+$)/, '0o'));
  if (Number.isNaN(number)) throw new TemplateSyntaxError(`bad number syntax: ${JSON.stringify(text)}`, line);
  return number;
}

/** Go's escapes: \n, \x41, \101, \u00e9, \U0001F600; any other letter stands for itself. */
function unquote(text: string): string {
  const pattern = /\\(x[0-9a-fA-F]{2}|[0-7]{3}|u[0-9a-fA-F]{4}|U[0-9a-fA-F]{8}|.)/gs;
  return text.replace(pattern, (_, code: string) => {
    if (/^[xuU]./.test(code)) return String.fromCodePoint(Number.parseInt(code.slice(1), 16));
    if (/^[0-7]{3}$/.test(code)) return String.fromCharCode(Number.parseInt(code, 8));
    return ESCAPES[code] ?? code;
  });
}
