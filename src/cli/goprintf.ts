/** Go's fmt.Sprintf: every verb and flag, and the notes that it leaves in the text where an argument does not fit. */
import { quote, quoteLetter } from '#base/go-quote.ts';
import { entriesOf, fieldValue, inside, isNil, numberOf, textOf, type Value } from '#cli/gotypes.ts';

/** What stands between % and the verb. */
interface Style {
  minus: boolean;
  plus: boolean;
  sharp: boolean;
  space: boolean;
  zero: boolean;
  width?: number | undefined;
  precision?: number | undefined;
  /** %+v and %#v. */
  names: boolean;
  syntax: boolean;
}

const PLAIN: Style = {
  minus: false,
  plus: false,
  sharp: false,
  space: false,
  zero: false,
  names: false,
  syntax: false,
};

/** Go refuses wider ones. */
const MAX_WIDTH = 1_000_000;

/** One value by one verb, without flags. */
export const sprintfValue = (verb: string, value: Value): string => formatArgument(verb, value, PLAIN);

/** Notes: `%!d(string=x)`, `%!s(MISSING)`, `%!(EXTRA int=1)`, `%!(BADINDEX)`. */
export function sprintf(format: string, values: readonly Value[]): string {
  return new Printer(format, values).print();
}

class Printer {
  readonly #format: string;
  readonly #values: readonly Value[];
  #at = 0;
  #next = 0;
  #reordered = false;
  #isIndexGood = true;
  #notes = '';

  constructor(format: string, values: readonly Value[]) {
    this.#format = format;
    this.#values = values;
  }

  print(): string {
    let text = '';
    for (;;) {
      const percent = this.#format.indexOf('%', this.#at);
      if (percent < 0) break;
      text += this.#format.slice(this.#at, percent);
      this.#at = percent + 1;
      text += this.#verb();
    }
    text += this.#format.slice(this.#at);
    const rest = this.#values.slice(this.#next);
    if (this.#reordered || rest.length === 0) return text;
    return `${text}%!(EXTRA ${rest.map(typedValue).join(', ')})`;
  }

  #match(pattern: RegExp): string | undefined {
    pattern.lastIndex = this.#at;
    const found = pattern.exec(this.#format);
    if (found !== null) this.#at = pattern.lastIndex;
    return found?.[0];
  }

  #verb(): string {
    this.#notes = '';
    this.#isIndexGood = true;
    const flags = this.#match(/[-+# 0]*/y) ?? '';
    const isIndexed = this.#index();
    const width = this.#measure('BADWIDTH', isIndexed);
    const precision = this.#precision(isIndexed && !width.taken);
    if (!isIndexed || width.taken || precision !== undefined) this.#index();
    const verb = this.#match(/./suy);
    if (verb === undefined) return `${this.#notes}%!(NOVERB)`;
    if (verb === '%') return `${this.#notes}%`;
    return this.#notes + this.#argument(verb, styleOf(flags, verb, width.number, precision));
  }

  #argument(verb: string, style: Style): string {
    const value = this.#values[this.#next];
    if (!this.#isIndexGood) return `%!${verb}(BADINDEX)`;
    if (value === undefined) return `%!${verb}(MISSING)`;
    this.#next += 1;
    return formatArgument(verb, value, style);
  }

  /** `[2]`: the argument to take next. */
  #index(): boolean {
    if (this.#format[this.#at] !== '[') return false;
    this.#reordered = true;
    const close = this.#format.indexOf(']', this.#at);
    const inner = close < 0 ? '' : this.#format.slice(this.#at + 1, close);
    this.#at = close < 0 ? this.#at + 1 : close + 1;
    const number = /^\d+$/.test(inner) ? Number(inner) : 0;
    if (number >= 1 && number <= this.#values.length) this.#next = number - 1;
    else this.#isIndexGood = false;
    return close >= 0;
  }

  /** A number, or `*`: one of the arguments. */
  #measure(note: string, afterIndex: boolean): { number?: number | undefined; taken: boolean } {
    if (this.#format[this.#at] === '*') {
      this.#at += 1;
      const value = this.#values[this.#next];
      this.#next += value === undefined ? 0 : 1;
      const number = value === undefined ? Number.NaN : measureOf(value);
      if (Number.isNaN(number)) this.#notes += `%!(${note})`;
      return { number: Number.isNaN(number) ? undefined : number, taken: true };
    }
    const digits = this.#match(/\d+/y);
    if (digits === undefined) return { taken: false };
    if (afterIndex) this.#isIndexGood = false;
    if (Number(digits) <= MAX_WIDTH) return { number: Number(digits), taken: true };
    this.#notes += `%!(${note})`;
    return { taken: true };
  }

  #precision(afterIndex: boolean): number | undefined {
    if (this.#format[this.#at] !== '.') return undefined;
    this.#at += 1;
    if (afterIndex) this.#isIndexGood = false;
    const found = this.#measure('BADPREC', this.#index());
    if (!found.taken) return 0;
    if (found.number === undefined || found.number >= 0) return found.number;
    this.#notes += '%!(BADPREC)';
    return undefined;
  }
}

function styleOf(flags: string, verb: string, width = 0, precision?: number): Style {
  const minus = flags.includes('-') || width < 0;
  const isValue = verb === 'v';
  return {
    minus,
    plus: flags.includes('+') && !isValue,
    sharp: flags.includes('#') && !isValue,
    space: flags.includes(' '),
    zero: flags.includes('0') && !minus,
    names: flags.includes('+') && isValue,
    syntax: flags.includes('#') && isValue,
    width: Math.abs(width),
    precision,
  };
}

function measureOf(value: Value): number {
  const { type, data } = inside(value);
  const number = type.kind === 'int' || type.kind === 'uint' ? numberOf(data) : Number.NaN;
  return Math.abs(number) <= MAX_WIDTH ? number : Number.NaN;
}

function typedValue(value: Value): string {
  const inner = inside(value);
  return inner.type.kind === 'invalid' ? '<nil>' : `${inner.type.name}=${formatArgument('v', inner, PLAIN)}`;
}

const badVerb = (verb: string, value: Value) => `%!${verb}(${typedValue(value)})`;

/** One of Sprintf's arguments: what is in an interface is the argument. */
function formatArgument(verb: string, argument: Value, style: Style): string {
  const value = inside(argument);
  if (verb === 'T') return pad(value.type.name, style);
  if (value.type.kind === 'invalid') return verb === 'v' ? pad('<nil>', style) : `%!${verb}(<nil>)`;
  return format(verb, value, style, 0);
}

function format(verb: string, value: Value, style: Style, depth: number): string {
  const { type, data } = value;
  if (type.show !== undefined && /[vsxXq]/.test(verb) && !style.syntax)
    return formatText(verb, type.show(data), style, value);
  switch (type.kind) {
    case 'bool':
      return /[tv]/.test(verb) ? pad(String(data === true), style) : badVerb(verb, value);
    case 'int':
    case 'uint':
      return formatInteger(verb, value, style);
    case 'float':
      return formatFloat(verb, numberOf(data), style) ?? badVerb(verb, value);
    case 'complex':
      return formatComplex(verb, value, style);
    case 'string':
      return formatText(verb, textOf(data), style, value);
    case 'interface':
      return isNil(value)
        ? style.syntax
          ? `${type.name}(nil)`
          : '<nil>'
        : format(verb, inside(value), style, depth + 1);
    case 'pointer':
      return formatPointer(verb, value, style, depth);
    default:
      return formatMany(verb, value, style, depth);
  }
}

/**
 * Go shows where a pointer below the first level points to: a number that says nothing to anybody. We show what is there,
 * as it does on the first level.
 */
function formatPointer(verb: string, value: Value, style: Style, depth: number): string {
  if (isNil(value))
    return style.syntax
      ? `(${value.type.name})(nil)`
      : verb === 'v'
        ? pad('<nil>', style)
        : `%!${verb}(${value.type.name}=<nil>)`;
  const target = { type: value.type.elem ?? value.type, data: value.data };
  const text = format(verb, target, style, depth + 1);
  return target.type.fields === undefined ? text : `&${text}`;
}

function formatMany(verb: string, value: Value, style: Style, depth: number): string {
  const { type, data } = value;
  const show = (inner: Value) => format(verb, inner, style, depth + 1);
  const apart = style.syntax ? ', ' : ' ';
  const named = style.syntax ? type.name : '';
  if (type.kind === 'struct') {
    const fields = (type.fields ?? []).map((field) => {
      const label = style.names || style.syntax ? `${field.name}:` : '';
      return label + show(fieldValue(field, data));
    });
    return `${named}{${fields.join(apart)}}`;
  }
  if (style.syntax && isNil(value)) return `${type.name}(nil)`;
  const [open, close] = style.syntax ? ['{', '}'] : ['[', ']'];
  if (type.kind === 'slice') {
    const elem = type.elem ?? type;
    const items = ((data ?? []) as unknown[]).map((item) => show({ type: elem, data: item }));
    return `${named}${open}${items.join(apart)}${close}`;
  }
  const pairs = entriesOf(value).map(([key, item]) => `${show(key)}:${show(item)}`);
  return `${style.syntax ? named : 'map'}${open}${pairs.join(apart)}${close}`;
}

/** To the width; zeros go before a number, after its sign. */
function pad(text: string, style: Style, { number = false }: { number?: boolean } = {}): string {
  const { width = 0, minus, zero } = style;
  const missing = Math.max(0, width - [...text].length);
  if (missing === 0) return text;
  if (minus) return text + ' '.repeat(missing);
  if (!zero) return ' '.repeat(missing) + text;
  const sign = number ? (/^[-+ ]/.exec(text)?.[0] ?? '') : '';
  return sign + '0'.repeat(missing) + text.slice(sign.length);
}

function formatText(verb: string, text: string, style: Style, value: Value): string {
  const { precision } = style;
  const cut = precision === undefined ? text : [...text].slice(0, precision).join('');
  if (verb === 'v') return style.syntax ? quote(text) : pad(cut, style);
  if (verb === 's') return pad(cut, style);
  if (verb === 'q') {
    const raw = style.sharp && !/[`\p{Cc}\ufeff]/u.test(cut.replaceAll('\t', ''));
    return pad(raw ? `\`${cut}\`` : quote(cut, { ascii: style.plus }), style);
  }
  if (verb !== 'x' && verb !== 'X') return badVerb(verb, value);
  return pad(hexText(Buffer.from(text).subarray(0, precision), verb, style), style);
}

/** `6869`, `0x6869`, `68 69`, `0x68 0x69`. */
function hexText(bytes: Buffer, verb: string, { space, sharp }: Style): string {
  const digits = [...bytes].map((byte) => byte.toString(16).padStart(2, '0'));
  const sign = sharp ? '0x' : '';
  const text = space ? digits.map((pair) => sign + pair).join(' ') : digits.length === 0 ? '' : sign + digits.join('');
  return verb === 'X' ? text.toUpperCase() : text;
}

const BASES: Record<string, { radix: number; sign: string }> = {
  b: { radix: 2, sign: '0b' },
  d: { radix: 10, sign: '' },
  o: { radix: 8, sign: '0' },
  O: { radix: 8, sign: '0o' },
  v: { radix: 10, sign: '' },
  x: { radix: 16, sign: '0x' },
  X: { radix: 16, sign: '0X' },
};

function formatInteger(verb: string, value: Value, style: Style): string {
  const number = BigInt((value.data as number | bigint | undefined) ?? 0);
  const code = Number(number);
  if (verb === 'c') return pad(code >= 0 && code <= 0x10ffff ? String.fromCodePoint(code) : '\ufffd', style);
  if (verb === 'q') return pad(quoteLetter(code, { ascii: style.plus }), style);
  if (verb === 'U') return pad(unicode(code, style), { ...style, zero: false });
  const unsigned = value.type.kind === 'uint';
  const base = verb === 'v' && style.syntax && unsigned ? BASES.x : BASES[verb];
  if (base === undefined) return badVerb(verb, value);
  const prefixed = style.sharp || verb === 'O' || (style.syntax && unsigned);
  return integerText(number, base, { ...style, sharp: prefixed }, verb === 'X');
}

function unicode(code: number, { precision = 4, sharp }: Style): string {
  const text = `U+${code.toString(16).toUpperCase().padStart(Math.max(precision, 4), '0')}`;
  return sharp && code >= 0 && code <= 0x10ffff ? `${text} '${String.fromCodePoint(code)}'` : text;
}

function integerText(
  number: bigint,
  { radix, sign }: { radix: number; sign: string },
  style: Style,
  upper: boolean,
): string {
  const { precision, zero, width = 0 } = style;
  if (precision === 0 && number === 0n) return ' '.repeat(width);
  const minus = number < 0n ? '-' : style.plus ? '+' : style.space ? ' ' : '';
  const plain = (number < 0n ? -number : number).toString(radix);
  const prefix = style.sharp ? sign : '';
  // Zeros take the place of the base's sign, too, as Go counts.
  const least = precision ?? (zero ? width - minus.length : 0);
  const digits = (upper ? plain.toUpperCase() : plain).padStart(least, '0');
  const marked = prefix === '0' && digits.startsWith('0') ? digits : prefix + digits;
  return pad(minus + marked, { ...style, zero: false });
}

/** undefined: no verb of floats. */
function formatFloat(verb: string, value: number, style: Style): string | undefined {
  const text = floatText(verb.toLowerCase(), Math.abs(value), style);
  if (text === undefined || verb === 'V' || verb === 'B') return undefined;
  const isNegative = value < 0 || Object.is(value, -0);
  const sign = isNegative ? '-' : style.plus ? '+' : style.space ? ' ' : '';
  return pad(sign + (/[EGX]/.test(verb) ? text.toUpperCase() : text), style, { number: true });
}

/** Literals are finite, and so are the numbers in JSON. */
function floatText(verb: string, value: number, { precision, sharp }: Style): string | undefined {
  const exponent = (text: string) => text.replace(/e([+-])(\d)$/, 'e$10$2');
  switch (verb) {
    case 'v':
    case 'g':
      return exponent(general(value, precision, sharp));
    case 'e':
      return exponent(value.toExponential(Math.min(precision ?? 6, 100)));
    case 'f':
      return fixed(value, precision ?? 6);
    case 'x':
      return hexFloat(value);
    case 'b':
      return binaryFloat(value);
    default:
      return undefined;
  }
}

/** toFixed() changes to exponents from 1e21 on. */
function fixed(value: number, precision: number): string {
  if (value < 1e21) return value.toFixed(Math.min(precision, 100));
  return precision === 0 ? String(BigInt(value)) : `${BigInt(value)}.${'0'.repeat(precision)}`;
}

/** %g: the shortest form; with an exponent where that is below -4, or at least the precision (6 where none was asked for). */
function general(value: number, precision: number | undefined, sharp: boolean): string {
  const count = precision === undefined ? (sharp ? 6 : undefined) : Math.min(Math.max(precision, 1), 101);
  const [mantissa = '', power = '0'] = value.toExponential(count === undefined ? undefined : count - 1).split('e');
  const kept = !sharp && mantissa.includes('.') ? mantissa.replace(/\.?0+$/, '') : mantissa;
  const digits = kept.replace('.', '');
  const exponent = Number(power);
  const isShort = count !== undefined && count > digits.length && digits.length > exponent;
  const limit = isShort ? digits.length : (count ?? 6);
  return exponent < -4 || exponent >= limit ? `${kept}e${power}` : plainDigits(digits, exponent);
}

function plainDigits(digits: string, exponent: number): string {
  if (exponent < 0) return `0.${'0'.repeat(-exponent - 1)}${digits}`;
  const whole = digits.slice(0, exponent + 1).padEnd(exponent + 1, '0');
  const rest = digits.slice(exponent + 1);
  return rest === '' ? whole : `${whole}.${rest}`;
}

/** `0x1.8p+00` */
function hexFloat(value: number): string {
  if (value === 0) return '0x0p+00';
  const power = Math.floor(Math.log2(value));
  const fraction = BigInt(Math.round((value / 2 ** power - 1) * 2 ** 52));
  const digits = fraction.toString(16).padStart(13, '0').replace(/0+$/, '');
  const sign = power < 0 ? '-' : '+';
  return `0x1${digits === '' ? '' : `.${digits}`}p${sign}${String(Math.abs(power)).padStart(2, '0')}`;
}

/** `4503599627370496p-52` */
function binaryFloat(value: number): string {
  if (value === 0) return '0p-1074';
  const power = Math.floor(Math.log2(value)) - 52;
  return `${BigInt(Math.round(value / 2 ** power))}p${power < 0 ? '' : '+'}${power}`;
}

function formatComplex(verb: string, value: Value, style: Style): string {
  const [real = 0, imaginary = 0] = value.data as number[];
  const first = formatFloat(verb, real, style);
  const second = formatFloat(verb, imaginary, { ...style, plus: true });
  return first === undefined || second === undefined ? badVerb(verb, value) : `(${first}${second}i)`;
}
