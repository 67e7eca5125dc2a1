/** Go's fmt for the data of a template: %v of anything, and printf. */

const isObject = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null;

/**
 * Docker's data come from Go structs and maps, and JSON no longer says which: names of struct fields are capitalised
 * words, keys of maps (labels, networks, ports) hardly ever are.
 */
export function isStruct(value: Record<string, unknown>): boolean {
  const keys = Object.keys(value);
  return keys.length > 0 && keys.every((key) => /^[A-Z][A-Za-z0-9]*$/.test(key));
}

/** %v: `[a b]`, `map[k:v]`, `{v1 v2}`, `<nil>`. */
export function formatValue(value: unknown): string {
  if (value === null || value === undefined) return '<nil>';
  if (Array.isArray(value)) return `[${value.map(formatValue).join(' ')}]`;
  if (!isObject(value)) return typeof value === 'number' ? formatNumber(value) : String(value);
  if (isStruct(value)) return `{${Object.values(value).map(formatValue).join(' ')}}`;
  const pairs = Object.keys(value)
    .sort()
    .map((key) => `${key}:${formatValue(value[key])}`);
  return `map[${pairs.join(' ')}]`;
}

/** Integers in full, others as %v prints a float64. */
function formatNumber(value: number): string {
  if (Number.isInteger(value) && Math.abs(value) < 1e21) return String(value);
  return String(value).replace(/e([+-])(\d)$/, 'e$10$2');
}

/** The Go type that a JSON value would have had. */
export function typeName(value: unknown): string {
  if (value === null || value === undefined) return '<nil>';
  if (typeof value === 'string') return 'string';
  if (typeof value === 'boolean') return 'bool';
  if (typeof value === 'number') return Number.isInteger(value) ? 'int' : 'float64';
  return Array.isArray(value) ? '[]interface {}' : 'map[string]interface {}';
}

/** JSON as Go writes it: with <, > and & escaped where a Marshaler stands between (rows), plain else. */
export function goJson(value: unknown, { html = false }: { html?: boolean } = {}): string {
  const text = JSON.stringify(value) ?? 'null';
  const safe = text.replace(/[\u2028\u2029]/g, (letter) => `\\u${letter.charCodeAt(0).toString(16)}`);
  return html ? safe.replace(/[<>&]/g, (letter) => `\\u00${letter.charCodeAt(0).toString(16)}`) : safe;
}

/** Go's strconv.Quote. */
function quote(text: string): string {
  return `"${text.replace(/["\\\p{C}]/gu, escapeLetter)}"`;
}

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

function escapeLetter(letter: string): string {
  const short = SHORT[letter];
  if (short !== undefined) return short;
  const code = letter.codePointAt(0) ?? 0;
  if (code < 0x80) return `\\x${code.toString(16).padStart(2, '0')}`;
  return code > 0xffff ? `\\U${code.toString(16).padStart(8, '0')}` : `\\u${code.toString(16).padStart(4, '0')}`;
}

const VERB = /%([-+# 0]*)(\*|\d+)?(?:\.(\*|\d+)?)?(.)?/gsu;

/** fmt.Sprintf, with Go's notes on wrong arguments: `%!d(string=x)`, `%!s(MISSING)`, `%!(EXTRA int=1)`. */
export function sprintf(format: string, values: readonly unknown[]): string {
  const rest = [...values];
  let extraMatters = true;
  const number = (text: string | undefined) => (text === '*' ? Number(rest.shift()) : Number(text));
  const text = format.replace(VERB, (all: string, flags: string, width?: string, precision?: string, verb?: string) => {
    if (verb === '%') return '%';
    if (verb === undefined) return '%!(NOVERB)';
    const wide = width === undefined ? 0 : number(width);
    const exact = all.includes('.') ? (precision === undefined ? 0 : number(precision)) : undefined;
    if (rest.length === 0) {
      extraMatters = false;
      return `%!${verb}(MISSING)`;
    }
    const value = rest.shift();
    const zeros = flags.includes('0') && (verb !== 'v' || typeof value === 'number');
    return padded(formatVerb(verb, value, flags, exact), { left: flags.includes('-'), zeros, width: wide });
  });
  if (rest.length === 0 || !extraMatters) return text;
  return `${text}%!(EXTRA ${rest.map((value) => `${typeName(value)}=${formatValue(value)}`).join(', ')})`;
}

function padded(text: string, { left, zeros, width }: { left: boolean; zeros: boolean; width: number }): string {
  if (left) return text.padEnd(width);
  if (!zeros) return text.padStart(width);
  const sign = /^[+-]/.exec(text)?.[0] ?? '';
  return sign + text.slice(sign.length).padStart(width - sign.length, '0');
}

function formatVerb(verb: string, value: unknown, flags: string, precision: number | undefined): string {
  if (verb === 'v') return flags.includes('#') ? goSyntax(value) : formatValue(value);
  if (verb === 'T') return typeName(value);
  if (Array.isArray(value)) return `[${value.map((item) => formatVerb(verb, item, flags, precision)).join(' ')}]`;
  if (typeof value === 'string') return formatString(verb, value, precision);
  if (typeof value === 'number') return formatNumeric(verb, value, flags, precision);
  if (typeof value === 'boolean' && verb === 't') return String(value);
  if (isObject(value) && verb === 's') return formatValue(value);
  return wrongVerb(verb, value);
}

const wrongVerb = (verb: string, value: unknown) =>
  value === null || value === undefined ? `%!${verb}(<nil>)` : `%!${verb}(${typeName(value)}=${formatValue(value)})`;

function formatString(verb: string, value: string, precision: number | undefined): string {
  const text = precision === undefined ? value : [...value].slice(0, precision).join('');
  if (verb === 's') return text;
  if (verb === 'q') return quote(text);
  if (verb === 'x') return Buffer.from(text).toString('hex');
  if (verb === 'X') return Buffer.from(text).toString('hex').toUpperCase();
  return wrongVerb(verb, value);
}

const PREFIXES: Record<string, string> = { d: '', x: '0x', X: '0X', o: '0', b: '0b' };
const RADIX: Record<string, number> = { d: 10, x: 16, X: 16, o: 8, b: 2 };

function formatNumeric(verb: string, value: number, flags: string, precision: number | undefined): string {
  const plus = flags.includes('+') ? '+' : flags.includes(' ') ? ' ' : '';
  const sign = value < 0 ? '' : plus;
  // A whole number in JSON was an int in Go, and %f of an int is a mistake there, too.
  if (/[eEfFgG]/.test(verb) !== !Number.isInteger(value)) return wrongVerb(verb, value);
  if (!Number.isInteger(value)) return sign + formatFloat(verb, value, precision);
  if (verb === 'c') return String.fromCodePoint(value);
  if (verb === 'q') return `'${String.fromCodePoint(value)}'`;
  if (verb === 'U') return `U+${value.toString(16).toUpperCase().padStart(4, '0')}`;
  const radix = RADIX[verb];
  if (radix === undefined) return wrongVerb(verb, value);
  const prefix = flags.includes('#') ? PREFIXES[verb] : '';
  const digits = Math.abs(value).toString(radix);
  return `${value < 0 ? '-' : sign}${prefix}${verb === 'X' ? digits.toUpperCase() : digits}`;
}

function formatFloat(verb: string, value: number, precision: number | undefined): string {
  const twoDigits = (text: string) => text.replace(/e([+-])(\d)$/, 'e$10$2');
  if (/[fF]/.test(verb)) return value.toFixed(precision ?? 6);
  const lower = /[eE]/.test(verb)
    ? twoDigits(value.toExponential(precision ?? 6))
    : precision === undefined
      ? formatNumber(value)
      : twoDigits(String(Number(value.toPrecision(Math.max(precision, 1)))));
  return /[EG]/.test(verb) ? lower.toUpperCase() : lower;
}

function goSyntax(value: unknown): string {
  if (typeof value === 'string') return quote(value);
  if (Array.isArray(value)) return `[]interface {}{${value.map(goSyntax).join(', ')}}`;
  if (!isObject(value)) return formatValue(value);
  const pairs = Object.keys(value)
    .sort()
    .map((key) => `${quote(key)}:${goSyntax(value[key])}`);
  return `map[string]interface {}{${pairs.join(', ')}}`;
}
