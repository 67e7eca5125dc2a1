/** Go's literals, read as strconv reads them. */
import { quote } from '#base/go-quote.ts';
import { COMPLEX, FLOAT, INT, type Value } from '#cli/gotypes.ts';

/** What can't be read; the message is Go's. */
export class LiteralError extends Error {}

const SIMPLE: Record<string, string> = { a: '\x07', b: '\b', f: '\f', n: '\n', r: '\r', t: '\t', v: '\v', '\\': '\\' };
const ESCAPE = /\\(?:x([0-9a-fA-F]{2})|([0-7]{3})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|([abfnrtv\\'"]))/y;

/** strconv.Unquote. Throws LiteralError. */
export function unquote(literal: string): string {
  const body = literal.slice(1, -1);
  return literal.startsWith('`') ? body.replaceAll('\r', '') : unquoteBody(body, literal.charAt(0));
}

/** Bytes that were written one by one make letters together. */
function unquoteBody(body: string, quote: string): string {
  const parts: Buffer[] = [];
  for (let at = 0; at < body.length; ) {
    const next = body.indexOf('\\', at);
    const end = next < 0 ? body.length : next;
    if (end > at) parts.push(Buffer.from(body.slice(at, end)));
    at = end;
    if (next < 0) break;
    ESCAPE.lastIndex = at;
    const match = ESCAPE.exec(body);
    if (match === null) throw new LiteralError('invalid syntax');
    parts.push(escaped(match, quote));
    at = ESCAPE.lastIndex;
  }
  return Buffer.concat(parts).toString();
}

function escaped([, hex, octal, short, long, letter]: RegExpExecArray, quoteSign: string): Buffer {
  const code = short ?? long;
  if (hex !== undefined) return byteOf(Number.parseInt(hex, 16), quoteSign);
  if (octal !== undefined) return byteOf(Number.parseInt(octal, 8), quoteSign);
  if (code !== undefined) return letterOf(Number.parseInt(code, 16));
  const plain = SIMPLE[letter ?? ''] ?? (letter === quoteSign ? letter : undefined);
  if (plain === undefined) throw new LiteralError('invalid syntax');
  return Buffer.from(plain);
}

/** In a character constant it is a letter, not a byte. */
function byteOf(byte: number, quoteSign: string): Buffer {
  if (byte > 255) throw new LiteralError('invalid syntax');
  return quoteSign === "'" ? letterOf(byte) : Buffer.from([byte]);
}

function letterOf(point: number): Buffer {
  if (point > 0x10ffff || (point >= 0xd800 && point < 0xe000)) throw new LiteralError('invalid syntax');
  return Buffer.from(String.fromCodePoint(point));
}

/** A number in a template; overflows: it fits no int, which is told when it is used. */
export interface NumberLiteral extends Value {
  overflows?: boolean;
}

/** A character constant: its number. Throws LiteralError. */
export function readLetter(literal: string): NumberLiteral {
  const text = [...unquoteBody(literal.slice(1, -1), "'")];
  if (text.length !== 1) throw new LiteralError(`malformed character constant: ${literal}`);
  return { type: INT, data: text[0]?.codePointAt(0) };
}

/** An integer, a float, a complex number. Throws LiteralError. */
export function readNumber(text: string): NumberLiteral {
  if (text.endsWith('i')) return { type: COMPLEX, data: readComplex(text) };
  const whole = readInteger(text);
  if (whole !== undefined) {
    if (whole > 0xffffffffffffffffn || whole < -(2n ** 63n)) throw new LiteralError(`integer overflow: ${quote(text)}`);
    if (whole >= 2n ** 63n) return { type: INT, data: whole, overflows: true };
    return { type: INT, data: Number.isSafeInteger(Number(whole)) ? Number(whole) : whole };
  }
  const float = readFloat(text);
  if (float === undefined || !Number.isFinite(float)) throw new LiteralError(`illegal number syntax: ${quote(text)}`);
  return { type: FLOAT, data: float };
}

/** strconv.ParseInt with base 0. */
function readInteger(text: string): bigint | undefined {
  const match = /^([+-]?)(0[xX][0-9a-fA-F_]+|0[bB][01_]+|0[oO][0-7_]+|0[0-7_]*|[1-9][0-9_]*)$/.exec(text);
  const [, sign = '', digits] = match ?? [];
  if (digits === undefined || !areUnderscoresRight(digits)) return undefined;
  const number = BigInt(digits.replaceAll('_', '').replace(/^0(?=[0-7]+$)/, '0o'));
  return sign === '-' ? -number : number;
}

/** Underscores stand between digits, or between a base's sign and a digit. */
const areUnderscoresRight = (digits: string) => !/__|_$|_\./.test(digits) && !/^_/.test(digits);

function readFloat(text: string): number | undefined {
  const hex = /^([+-]?)0[xX]([0-9a-fA-F_]*)\.?([0-9a-fA-F_]*)[pP]([+-]?\d+)$/.exec(text);
  if (hex !== null) {
    const [, sign, before = '', after = '', exponent] = hex;
    const mantissa = Number.parseInt(`${before}${after}`.replaceAll('_', ''), 16);
    return (sign === '-' ? -1 : 1) * mantissa * 2 ** (Number(exponent) - 4 * after.replaceAll('_', '').length);
  }
  if (!/^[+-]?(\d[\d_]*\.?[\d_]*|\.\d[\d_]*)([eE][+-]?\d+)?$/.test(text)) return undefined;
  return Number(text.replaceAll('_', ''));
}

function readComplex(text: string): [real: number, imaginary: number] {
  const body = text.slice(0, -1);
  const at = Math.max(body.lastIndexOf('+'), body.lastIndexOf('-'));
  const split = at > 0 && !/[eEpP]$/.test(body.slice(0, at)) ? at : 0;
  const part = (piece: string) => (piece === '' ? 0 : Number(readInteger(piece) ?? readFloat(piece)));
  const parts: [number, number] = [part(body.slice(0, split)), part(body.slice(split))];
  if (parts.some(Number.isNaN)) throw new LiteralError(`illegal number syntax: ${quote(text)}`);
  return parts;
}
