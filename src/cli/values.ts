/** Kinds of flag values: the word that stands for the value in the help, and its parser with Docker's errors. */
import { WherryError } from '#base/error.ts';
import { parseBytes, parseDuration } from '#base/units.ts';

/** A kind of value. V is what the command sees, with what it sees when the flag was not given. */
export interface Kind<V> {
  /** The word in the help and in the reference: string, int, list; bool has none in the help. */
  readonly label: string;
  /** What the command sees when neither the flag nor a default was given. */
  readonly absent: V;
  /** May stand without a value (`--rm`). */
  readonly isSwitch?: true;
  /** May be given several times; each value is added to those before. */
  readonly repeats?: true;
  /** What the help writes as the default although there is none: pflag's zero value of unknown types. */
  readonly zero?: string;
  /** Reads one value. before: the value so far, for kinds that repeat. Throws kind `invalid` with the bare reason. */
  read(text: string, before: V): V;
}

function invalid(reason: string): WherryError {
  return new WherryError('invalid', reason);
}

/** Makes a kind from a parser of one value; undefined when not given. */
function single<T>(label: string, read: (text: string) => T, zero?: string): Kind<T | undefined> {
  return { label, absent: undefined, read, ...(zero === undefined ? {} : { zero }) };
}

/** Makes a repeatable kind from a check of one value, which may change it. Order is kept. */
export function several<T>(label: string, read: (text: string) => T, zero?: string): Kind<T[]> {
  return {
    label,
    absent: [],
    repeats: true,
    read: (text, before) => [...before, read(text)],
    ...(zero === undefined ? {} : { zero }),
  };
}

export const text: Kind<string | undefined> = single('string', (value) => value);

const TRUE = new Set(['1', 't', 'T', 'TRUE', 'true', 'True']);
const FALSE = new Set(['0', 'f', 'F', 'FALSE', 'false', 'False']);

/** strconv.ParseBool. */
export const boolean: Kind<boolean> = {
  label: 'bool',
  absent: false,
  isSwitch: true,
  read: (value) => {
    if (TRUE.has(value)) return true;
    if (FALSE.has(value)) return false;
    throw invalid(`strconv.ParseBool: parsing "${value}": invalid syntax`);
  },
};

/** As strconv.ParseInt(value, 0, 64): decimal, 0x, 0o, 0b, a leading 0 is octal. Numbers past 2^53 are refused. */
function wholeNumber(value: string, call: string, { least, most }: { least: number; most: number }): number {
  const match = /^([+-]?)(0[xX][0-9a-fA-F]+|0[bB][01]+|0[oO]?[0-7]+|[1-9][0-9]*|0)$/.exec(
    value.replace(/(?<=\w)_(?=\w)/g, ''),
  );
  if (match === null || (least === 0 && match[1] !== '')) throw invalid(`${call}: parsing "${value}": invalid syntax`);
  const digits = (match[2] ?? '').replace(/^0(?=[0-7])/, '0o');
  const number = (match[1] === '-' ? -1 : 1) * Number(digits);
  if (number < least || number > most) throw invalid(`${call}: parsing "${value}": value out of range`);
  return number;
}

const INT = { least: Number.MIN_SAFE_INTEGER, most: Number.MAX_SAFE_INTEGER };

export const integer: Kind<number | undefined> = single('int', (value) => wholeNumber(value, 'strconv.ParseInt', INT));

export const unsigned: Kind<number | undefined> = single('uint', (value) =>
  wholeNumber(value, 'strconv.ParseUint', { least: 0, most: Number.MAX_SAFE_INTEGER }),
);

export const uint16: Kind<number | undefined> = single(
  'uint16',
  (value) => wholeNumber(value, 'strconv.ParseUint', { least: 0, most: 0xffff }),
  '0',
);

/** `512m`, `1.5GiB`, `1024`, in powers of 1024 (units.RAMInBytes). `-1` passes where a limit may be lifted. */
export const bytes: Kind<number | undefined> = single('bytes', parseBytes);

/** --memory-swap: as bytes, and -1 for no limit (opts.MemSwapBytes). */
export const swapBytes: Kind<number | undefined> = single('bytes', (value) =>
  value === '-1' ? -1 : parseBytes(value),
);

/** --cpus: a number of CPUs as Go's big.Rat reads it (1.5, 3/2, 15e-1), in billionths (opts.ParseCPUs). */
export const decimal: Kind<number | undefined> = single('decimal', (value) => {
  const match =
    /^([+-]?)(?:([0-9]+)\/([0-9]*[1-9][0-9]*)|(?=\.?[0-9])([0-9]*)\.?([0-9]*)(?:[eE]([+-]?[0-9]{1,3}))?)$/.exec(value);
  if (match === null) throw invalid(`failed to parse ${value} as a rational number`);
  const [, sign, above, below = '1', whole = '', fraction = '', exponent = '0'] = match;
  const power = 9 - fraction.length + Number(exponent);
  const top = BigInt(above ?? whole + fraction) * 10n ** BigInt(Math.max(above === undefined ? power : 9, 0));
  const bottom = BigInt(below) * 10n ** BigInt(Math.max(above === undefined ? -power : 0, 0));
  if (top % bottom !== 0n) throw invalid('value is too precise');
  return Number(top / bottom) * (sign === '-' ? -1 : 1);
});

/** `1h30m`, `10s`, `150ms`: Go's time.ParseDuration, in nanoseconds. */
export const duration: Kind<number | undefined> = single('duration', parseDuration, '0s');

/** One of these words (podman's flags). */
export const choice = <const T extends string>(words: readonly T[]): Kind<T | undefined> =>
  single('choice', (value) => {
    const found = words.find((word) => word === value);
    if (found === undefined) throw invalid(`"${value}" is not a valid value.  Choose from: "${words.join(', ')}"`);
    return found;
  });

export const list: Kind<string[]> = several('list', (value) => value);

/** pflag's slices: several values in one, with commas between them. */
export const strings: Kind<string[]> = {
  label: 'strings',
  absent: [],
  repeats: true,
  read: (value, before) => [...before, ...value.split(',')],
};

/** As list, but with another word in the help. */
export function listOf(label: string, zero?: string): Kind<string[]> {
  return several(label, (value) => value, zero);
}

/** --filter: `key=value`, read by base/filter.ts. */
export const filter: Kind<string[]> = several('filter', (value) => {
  if (value.includes('=') || value === '') return value;
  throw invalid('bad format of filter (expected name=value)');
});

/** `key=value`, the later one wins; without `=` the value is empty (opts.MapOpts). */
export const map: Kind<Record<string, string>> = {
  label: 'map',
  absent: {},
  repeats: true,
  zero: 'map[]',
  read: (value, before) => {
    const at = value.indexOf('=');
    return at < 0 ? { ...before, [value]: '' } : { ...before, [value.slice(0, at)]: value.slice(at + 1) };
  },
};

export interface UlimitValue {
  Name: string;
  Hard: number;
  Soft: number;
}

const ULIMITS = new Set([
  'core',
  'cpu',
  'data',
  'fsize',
  'locks',
  'memlock',
  'msgqueue',
  'nice',
  'nofile',
  'nproc',
  'rss',
  'rtprio',
  'rttime',
  'sigpending',
  'stack',
]);

/** `nofile=1024:2048` (units.ParseUlimit); the later one of a name wins. */
export const ulimit: Kind<UlimitValue[]> = {
  label: 'ulimit',
  absent: [],
  repeats: true,
  zero: '[]',
  read: (value, before) => {
    const read = readUlimit(value);
    return [...before.filter((other) => other.Name !== read.Name), read];
  },
};

function readUlimit(value: string): UlimitValue {
  const at = value.indexOf('=');
  if (at < 0) throw invalid(`invalid ulimit argument: ${value}`);
  const name = value.slice(0, at);
  if (!ULIMITS.has(name)) throw invalid(`invalid ulimit type: ${name}`);
  const parts = value.slice(at + 1).split(':');
  if (parts.length > 2)
    throw invalid(`too many limit value arguments - ${value.slice(at + 1)}, can only have up to two, \`soft[:hard]\``);
  const [soft = 0, hard = soft] = parts.map((part) => wholeNumber(part, 'strconv.ParseInt', INT));
  if (hard !== -1 && (soft > hard || soft === -1)) {
    throw invalid(`ulimit soft limit must be less than or equal to hard limit: ${soft} > ${hard}`);
  }
  return { Name: name, Hard: hard, Soft: soft };
}

/** Values of a list, `key=value` or a key alone, as a map; the later one wins. */
export function pairs(entries: readonly string[]): Record<string, string> {
  return Object.fromEntries(
    entries.map((entry) => {
      const at = entry.indexOf('=');
      return at === -1 ? [entry, ''] : [entry.slice(0, at), entry.slice(at + 1)];
    }),
  );
}
