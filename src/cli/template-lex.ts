/** Go templates (text/template/parse): the text becomes tokens. */
import { quote } from '#base/go-quote.ts';

/** A template that can't be read; the message is Go's, after `template: NAME:LINE: `. */
export class TemplateSyntaxError extends Error {
  readonly line: number;

  constructor(message: string, line: number) {
    super(message);
    this.name = 'TemplateSyntaxError';
    this.line = line;
  }
}

/** mistake: what follows could not be read; its text says why. `char` is any other printable character. */
export interface Token {
  type:
    | 'text'
    | 'open'
    | 'close'
    | 'space'
    | 'keyword'
    | 'word'
    | 'bool'
    | 'field'
    | 'variable'
    | 'number'
    | 'letter'
    | 'string'
    | 'declare'
    | 'assign'
    | 'pipe'
    | 'left'
    | 'right'
    | 'char'
    | 'mistake'
    | 'end';
  text: string;
  at: number;
}

/** Words that are no functions. The dot is one, too: it stands in messages as they do. */
const KEYWORDS = new Set('block break continue . define else end if nil range template with'.split(' '));

/** The number of the line that a place is in. */
export const lineOf = (text: string, at: number) => text.slice(0, at).split('\n').length;

/** Go's %#U. */
const unicode = (letter: string) =>
  `U+${(letter.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, '0')} '${letter}'`;

const SPACE = ' \t\r\n';
const WORD = /[\p{L}\p{Nd}_]/u;

/** Cuts the text into tokens. The last one is `end` or `mistake`. */
export function tokenize(text: string): Token[] {
  const lexer = new Lexer(text);
  lexer.run();
  return lexer.tokens;
}

/** What could not be read, and where. */
class Mistake extends Error {
  readonly at: number;

  constructor(message: string, at: number) {
    super(message);
    this.at = at;
  }
}

class Lexer {
  readonly tokens: Token[] = [];
  readonly #text: string;
  #at = 0;
  #depth = 0;

  constructor(text: string) {
    this.#text = text;
  }

  run(): void {
    try {
      while (this.#at < this.#text.length) this.#plain();
      this.#emit('end', this.#text.length);
    } catch (error) {
      if (!(error instanceof Mistake)) throw error;
      this.tokens.push({ type: 'mistake', text: error.message, at: error.at });
    }
  }

  #emit(type: Token['type'], start: number): void {
    this.tokens.push({ type, text: this.#text.slice(start, this.#at), at: start });
  }

  #mistake(text: string, at: number): Mistake {
    return new Mistake(text, at);
  }

  #letter(at = this.#at): string {
    const code = this.#text.codePointAt(at);
    return code === undefined ? '' : String.fromCodePoint(code);
  }

  #accept(letters: string): boolean {
    const letter = this.#letter();
    if (letter === '' || !letters.includes(letter)) return false;
    this.#at += letter.length;
    return true;
  }

  #skip(letters: string): void {
    while (this.#accept(letters));
  }

  /** Text up to an action, and its beginning: `{{- ` takes the white space before it. */
  #plain(): void {
    const start = this.#at;
    const open = this.#text.indexOf('{{', start);
    const trims = open >= 0 && /^-[ \t\r\n]/.test(this.#text.slice(open + 2, open + 4));
    const end = open < 0 ? this.#text.length : open;
    const plain = this.#text.slice(start, end);
    const kept = trims ? plain.replace(/[ \t\r\n]+$/, '') : plain;
    if (kept !== '') this.tokens.push({ type: 'text', text: kept, at: start });
    this.#at = end;
    if (open < 0) return;
    const inner = open + (trims ? 4 : 2);
    if (this.#text.startsWith('/*', inner)) {
      this.#comment(inner);
      return;
    }
    this.tokens.push({ type: 'open', text: '{{', at: open });
    this.#at = inner;
    this.#depth = 0;
    this.#action();
  }

  #comment(start: number): void {
    const end = this.#text.indexOf('*/', start + 2);
    if (end < 0) throw this.#mistake('unclosed comment', start);
    this.#at = end + 2;
    const close = this.#rightDelimiter();
    if (close === 0) throw this.#mistake('comment ends before closing delimiter', start);
    this.#close(close);
  }

  /** How long `}}` or ` -}}` here is; 0 when there is none. */
  #rightDelimiter(at = this.#at): number {
    if (/^[ \t\r\n]-\}\}/.test(this.#text.slice(at, at + 4))) return 4;
    return this.#text.startsWith('}}', at) ? 2 : 0;
  }

  #close(length: number): void {
    this.#at += length;
    if (length === 4) this.#skip(SPACE);
  }

  #action(): void {
    for (;;) {
      const close = this.#rightDelimiter();
      if (close > 0) {
        if (this.#depth > 0) throw this.#mistake('unclosed left paren', this.#at);
        this.tokens.push({ type: 'close', text: '}}', at: this.#at });
        this.#close(close);
        return;
      }
      if (this.#at >= this.#text.length) throw this.#mistake('unclosed action', this.#at);
      this.#token();
    }
  }

  #token(): void {
    const start = this.#at;
    const letter = this.#letter();
    if (SPACE.includes(letter)) this.#space();
    else if (letter === '"') this.#quoted('"', 'string', 'unterminated quoted string');
    else if (letter === "'") this.#quoted("'", 'letter', 'unterminated character constant');
    else if (letter === '`') this.#rawQuoted();
    else if (letter === '$' || (letter === '.' && !/[0-9]/.test(this.#letter(start + 1)))) this.#name(letter);
    else if (/[+\-.0-9]/.test(letter)) this.#number();
    else if (WORD.test(letter)) this.#word();
    else this.#symbol(letter, start);
  }

  #symbol(letter: string, start: number): void {
    this.#at += letter.length;
    if (letter === ':' && !this.#accept('=')) throw this.#mistake('expected :=', start);
    if (letter === '(') this.#depth += 1;
    if (letter === ')') this.#depth -= 1;
    if (this.#depth < 0) throw this.#mistake('unexpected right paren', start);
    const types: Record<string, Token['type']> = {
      ':': 'declare',
      '=': 'assign',
      '|': 'pipe',
      '(': 'left',
      ')': 'right',
    };
    const type = types[letter];
    if (type === undefined && !/[!-~]/.test(letter))
      throw this.#mistake(`unrecognized character in action: ${unicode(letter)}`, start);
    this.#emit(type ?? 'char', start);
  }

  /** A space before `-}}` belongs to it. */
  #space(): void {
    const start = this.#at;
    this.#skip(SPACE);
    if (this.#rightDelimiter(this.#at - 1) === 4) this.#at -= 1;
    if (this.#at > start) this.#emit('space', start);
  }

  #quoted(quote: string, type: Token['type'], unterminated: string): void {
    const start = this.#at;
    for (this.#at += 1; ; this.#at += 1) {
      let letter = this.#text[this.#at];
      if (letter === quote) break;
      if (letter === '\\') {
        this.#at += 1;
        letter = this.#text[this.#at];
      }
      if (letter === undefined || letter === '\n') throw this.#mistake(unterminated, start);
    }
    this.#at += 1;
    this.#emit(type, start);
  }

  #rawQuoted(): void {
    const start = this.#at;
    const end = this.#text.indexOf('`', start + 1);
    if (end < 0) throw this.#mistake('unterminated raw quoted string', start);
    this.#at = end + 1;
    this.#emit('string', start);
  }

  #skipWord(): void {
    for (let letter = this.#letter(); letter !== '' && WORD.test(letter); letter = this.#letter()) {
      this.#at += letter.length;
    }
  }

  /** What may follow a name. */
  #isTerminated(): boolean {
    const letter = this.#letter();
    return letter === '' || `${SPACE}.,|:)(`.includes(letter) || this.#text.startsWith('}}', this.#at);
  }

  /** `.`, `.Field`, `$`, `$variable`. */
  #name(sign: string): void {
    const start = this.#at;
    this.#at += 1;
    this.#skipWord();
    if (!this.#isTerminated()) throw this.#mistake(`bad character ${unicode(this.#letter())}`, start);
    const isDot = sign === '.' && this.#at === start + 1;
    this.#emit(isDot ? 'keyword' : sign === '$' ? 'variable' : 'field', start);
  }

  #word(): void {
    const start = this.#at;
    this.#skipWord();
    if (!this.#isTerminated()) throw this.#mistake(`bad character ${unicode(this.#letter())}`, start);
    const word = this.#text.slice(start, this.#at);
    const isBool = word === 'true' || word === 'false';
    this.#emit(KEYWORDS.has(word) ? 'keyword' : isBool ? 'bool' : 'word', start);
  }

  #number(): void {
    const start = this.#at;
    let isRead = this.#scanNumber();
    if (isRead && /[+-]/.test(this.#letter())) isRead = this.#scanNumber() && this.#text[this.#at - 1] === 'i';
    if (isRead) this.#emit('number', start);
    else throw this.#mistake(`bad number syntax: ${quote(this.#text.slice(start, this.#at))}`, start);
  }

  #scanNumber(): boolean {
    this.#accept('+-');
    let digits = '0123456789_';
    if (this.#accept('0')) {
      if (this.#accept('xX')) digits = '0123456789abcdefABCDEF_';
      else if (this.#accept('oO')) digits = '01234567_';
      else if (this.#accept('bB')) digits = '01_';
    }
    this.#skip(digits);
    if (this.#accept('.')) this.#skip(digits);
    const exponent = digits.length === 11 ? 'eE' : digits.length === 23 ? 'pP' : '';
    if (exponent !== '' && this.#accept(exponent)) {
      this.#accept('+-');
      this.#skip('0123456789_');
    }
    this.#accept('i');
    const letter = this.#letter();
    if (letter === '' || !WORD.test(letter)) return true;
    this.#at += letter.length;
    return false;
  }
}
