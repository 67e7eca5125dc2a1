/** Go's strconv.Quote. */

const SHORT: Record<string, string> = {
  '"': '\\"',
  '\\': '\\\\',
  '\x07': '\\a',
  '\b': '\\b',
  '\f': '\\f',
  '\n': '\\n',
  '\r': '\\r',
  '\t': '\\t',
  '\v': '\\v',
};

/** What unicode.IsPrint refuses: of white space, only the plain space is printable. */
const UNPRINTABLE = /["\\\p{C}\p{Z}]/gu;

export interface QuoteOptions {
  /** %+q: nothing but ASCII. */
  ascii?: boolean;
}

export function quote(text: string, { ascii = false }: QuoteOptions = {}): string {
  const body = text.replace(UNPRINTABLE, (letter) => (letter === ' ' ? letter : escapeLetter(letter)));
  return `"${ascii ? body.replace(/[^\0-\x7f]/gu, escapeCode) : body}"`;
}

/** strconv.QuoteRune. */
export function quoteLetter(code: number, options: QuoteOptions = {}): string {
  const letter = code >= 0 && code <= 0x10ffff ? String.fromCodePoint(code) : '\ufffd';
  const body = letter === '"' ? letter : letter === "'" ? "\\'" : quote(letter, options).slice(1, -1);
  return `'${body}'`;
}

function escapeLetter(letter: string): string {
  return SHORT[letter] ?? escapeCode(letter);
}

function escapeCode(letter: string): string {
  const code = letter.codePointAt(0) ?? 0;
  if (code < 0x80) return `\\x${code.toString(16).padStart(2, '0')}`;
  return code > 0xffff ? `\\U${code.toString(16).padStart(8, '0')}` : `\\u${code.toString(16).padStart(4, '0')}`;
}
