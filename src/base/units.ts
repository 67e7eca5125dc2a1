/** Sizes, durations, times and switches as Docker reads and writes them (github.com/docker/go-units, Go's time package). */
import { WherryError } from '#base/error.ts';

const DECIMAL = ['B', 'kB', 'MB', 'GB', 'TB', 'PB', 'EB', 'ZB', 'YB'];
const BINARY = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB', 'EiB', 'ZiB', 'YiB'];

function invalid(message: string, cause?: unknown): WherryError {
  return new WherryError('invalid', message, cause === undefined ? {} : { cause });
}

/** Go's %.<digits>g for what a size can be: 1.5, 31.37, and 1e+03 where rounding passes the digits. */
function significant(value: number, digits: number): string {
  const text = value.toPrecision(digits);
  const [mantissa = '', exponent] = text.split('e');
  const short = mantissa.includes('.') ? mantissa.replace(/\.?0+$/, '') : mantissa;
  if (exponent === undefined) return short;
  return `${short}e${exponent[0]}${exponent.slice(1).padStart(2, '0')}`;
}

function scaled(size: number, base: number, digits: number, names: readonly string[]): string {
  let value = size;
  let step = 0;
  while (value >= base && step < names.length - 1) {
    value /= base;
    step += 1;
  }
  return significant(value, digits) + names[step];
}

/** `13.3kB`, powers of 1000: three significant digits in tables, four in progress. units.HumanSizeWithPrecision. */
export function humanSize(bytes: number, digits = 3): string {
  return scaled(bytes, 1000, digits, DECIMAL);
}

/** `1.953GiB`, powers of 1024, four significant digits. units.BytesSize. */
export function bytesSize(bytes: number): string {
  return scaled(bytes, 1024, 4, BINARY);
}

const MULTIPLES: Record<string, number> = { k: 1024, m: 1024 ** 2, g: 1024 ** 3, t: 1024 ** 4, p: 1024 ** 5 };

/** `512m`, `1.5 GiB`, `1024`: bytes, powers of 1024 whatever the suffix says (units.RAMInBytes). Throws kind `invalid`. */
export function parseBytes(text: string): number {
  const match = /^(.*[0-9.])? ?([^0-9. ]*)$/s.exec(text);
  if (match?.[1] === undefined) throw invalid(`invalid size: '${text}'`);
  const [, digits, suffix = ''] = match;
  if (!/^[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)(e[+-]?[0-9]+)?$/i.test(digits)) {
    throw invalid(`strconv.ParseFloat: parsing "${digits}": invalid syntax`);
  }
  const size = Number(digits);
  if (size < 0) throw invalid(`invalid size: '${text}'`);
  const unit = suffix.toLowerCase();
  if (unit === '' || unit === 'b') return Math.trunc(size);
  const multiple = /^[kmgtp](b|ib)?$/.test(unit) ? MULTIPLES[unit.charAt(0)] : undefined;
  if (multiple === undefined) throw invalid(`invalid suffix: '${unit.length > 3 ? suffix : unit}'`);
  return Math.trunc(size * multiple);
}

/** `Less than a second`, `About a minute`, `3 weeks`: units.HumanDuration, from milliseconds. */
export function humanDuration(milliseconds: number): string {
  const seconds = Math.trunc(milliseconds / 1000);
  if (seconds < 1) return 'Less than a second';
  if (seconds === 1) return '1 second';
  if (seconds < 60) return `${seconds} seconds`;
  const minutes = Math.trunc(seconds / 60);
  if (minutes === 1) return 'About a minute';
  if (minutes < 60) return `${minutes} minutes`;
  const hours = Math.trunc(milliseconds / 3_600_000 + 0.5);
  if (hours === 1) return 'About an hour';
  if (hours < 48) return `${hours} hours`;
  if (hours < 24 * 7 * 2) return `${Math.trunc(hours / 24)} days`;
  if (hours < 24 * 30 * 2) return `${Math.trunc(hours / 24 / 7)} weeks`;
  if (hours < 24 * 365 * 2) return `${Math.trunc(hours / 24 / 30)} months`;
  return `${Math.trunc(Math.trunc(milliseconds / 3_600_000) / 24 / 365)} years`;
}

/** `3 days ago`: how long before `now` (milliseconds) an RFC 3339 time or a Date was; N/A where there is no time. */
export function ago(time: string | Date, now: number = Date.now()): string {
  const then = typeof time === 'string' ? Date.parse(time) : time.getTime();
  if (Number.isNaN(then) || then <= ZERO_TIME) return 'N/A';
  return `${humanDuration(now - then)} ago`;
}

/** Go's zero time, 0001-01-01T00:00:00Z: "never" in Docker's records. */
const ZERO_TIME = -62135596800000;

const NANOSECONDS: Record<string, number> = {
  ns: 1,
  us: 1e3,
  '\u00b5s': 1e3,
  '\u03bcs': 1e3,
  ms: 1e6,
  s: 1e9,
  m: 60e9,
  h: 3600e9,
};

/** Go's time.ParseDuration: `1h30m`, `-1.5s`, `0`; nanoseconds. Throws kind `invalid` in Go's words. */
export function parseDuration(text: string): number {
  const body = text.replace(/^[+-]/, '');
  if (body === '0') return 0;
  if (body === '') throw invalid(`time: invalid duration ${JSON.stringify(text)}`);
  let total = 0;
  for (let rest = body; rest !== ''; ) {
    const [all, number = '', unit = ''] = /^([0-9]*\.?[0-9]*)([^0-9.]*)/.exec(rest) ?? [''];
    if (all === '' || !/[0-9]/.test(number)) throw invalid(`time: invalid duration ${JSON.stringify(text)}`);
    if (unit === '') throw invalid(`time: missing unit in duration ${JSON.stringify(text)}`);
    const worth = NANOSECONDS[unit];
    if (worth === undefined) throw invalid(`time: unknown unit "${unit}" in duration ${JSON.stringify(text)}`);
    total += Number(number) * worth;
    rest = rest.slice(all.length);
  }
  if (total > 2 ** 63) throw invalid(`time: invalid duration ${JSON.stringify(text)}`);
  // A fraction of a nanosecond is cut off, and binary fractions (0.1h) must not lose one.
  const whole = Math.trunc(Number(total.toPrecision(15)));
  return text.startsWith('-') ? 0 - whole : whole;
}

/** Go's Duration.String: nanoseconds as `1h30m0s`, `1.5s`, `150ms`, `0s`. */
export function formatDuration(nanoseconds: number): string {
  if (nanoseconds === 0) return '0s';
  const sign = nanoseconds < 0 ? '-' : '';
  const size = Math.abs(nanoseconds);
  if (size < 1e3) return `${sign}${size}ns`;
  if (size < 1e6) return `${sign}${size / 1e3}\u00b5s`;
  if (size < 1e9) return `${sign}${size / 1e6}ms`;
  const hours = Math.floor(size / 3600e9);
  const minutes = Math.floor(size / 60e9) % 60;
  // Whole nanoseconds first: a remainder of floating seconds would show its rounding.
  const seconds = (size % 60e9) / 1e9;
  if (hours > 0) return `${sign}${hours}h${minutes}m${seconds}s`;
  return minutes > 0 ? `${sign}${minutes}m${seconds}s` : `${sign}${seconds}s`;
}

/** A point in time, finer than a Date. */
export interface Timestamp {
  /** Since 1970, UTC. */
  seconds: number;
  /** 0-999999999. */
  nanos: number;
}

const DATE_TIME = /^(\d{4})-(\d\d)-(\d\d)(?:T(\d\d)(?::(\d\d)(?::(\d\d)(?:[.,](\d{1,9}))?)?)?)?([zZ]|[+-]\d\d:\d\d)?$/;

/**
 * What --since and --until take: a Go duration before `now`, an RFC 3339 date or time (local where it has no zone), or
 * seconds since 1970 with an optional fraction. Throws kind `invalid`.
 */
export function parseTimestamp(text: string, now: Date = new Date()): Timestamp {
  const relative = text === '0' ? undefined : tryDuration(text);
  if (relative !== undefined) return fromMilliseconds(now.getTime() - relative / 1e6);
  const unix = /^(\d+)(?:\.(\d{1,9}))?$/.exec(text);
  if (unix !== null && Number(unix[1]) < 2 ** 63)
    return { seconds: Number(unix[1]), nanos: Number((unix[2] ?? '').padEnd(9, '0')) };
  const date = DATE_TIME.exec(text);
  if (date !== null) return fromParts(date, text);
  if (text.includes('-'))
    throw invalid(`parsing time ${JSON.stringify(text)}: it is neither a date nor an RFC 3339 time`);
  throw invalid(`failed to parse value as time or duration: ${JSON.stringify(text)}`);
}

function tryDuration(text: string): number | undefined {
  try {
    return parseDuration(text);
  } catch (error) {
    if (error instanceof WherryError) return undefined;
    throw error;
  }
}

function fromMilliseconds(milliseconds: number): Timestamp {
  const seconds = Math.floor(milliseconds / 1000);
  return { seconds, nanos: Math.round((milliseconds - seconds * 1000) * 1e6) };
}

const RANGES = [
  ['month', 1, 12],
  ['day', 1, 31],
  ['hour', 0, 23],
  ['minute', 0, 59],
  ['second', 0, 59],
] as const;

function fromParts(match: RegExpExecArray, text: string): Timestamp {
  const year = Number(match[1]);
  const parts = [match[2] ?? 1, match[3] ?? 1, match[4] ?? 0, match[5] ?? 0, match[6] ?? 0].map(Number);
  const [month = 1, day = 1, hour = 0, minute = 0, second = 0] = parts;
  const daysInMonth = new Date(Date.UTC(year, month, 0)).getUTCDate();
  for (const [index, [name, least, most]] of RANGES.entries()) {
    const value = parts[index] ?? least;
    if (value < least || value > (name === 'day' ? daysInMonth : most)) {
      throw invalid(`parsing time ${JSON.stringify(text)}: ${name} out of range`);
    }
  }
  const nanos = Number((match[7] ?? '').padEnd(9, '0'));
  const zone = match[8];
  if (zone === undefined)
    return { seconds: new Date(year, month - 1, day, hour, minute, second).getTime() / 1000, nanos };
  return { seconds: Date.UTC(year, month - 1, day, hour, minute, second) / 1000 - zoneSeconds(zone), nanos };
}

function zoneSeconds(zone: string): number {
  const match = /^([+-])(\d\d):(\d\d)$/.exec(zone);
  if (match === null) return 0;
  return (match[1] === '-' ? -1 : 1) * (Number(match[2]) * 3600 + Number(match[3]) * 60);
}

const two = (value: number) => String(value).padStart(2, '0');

/** `2026-11-21 09:03:11 +0100 CET`: a time in the user's zone as Go prints it, Docker's CreatedAt. */
export function localTime(time: string | Date): string {
  const date = typeof time === 'string' ? new Date(time) : time;
  const { day, clock, hours, minutes } = localParts(date);
  return `${day} ${clock} ${hours}${minutes} ${zoneName(date, hours + minutes)}`;
}

/** `2026-11-21T09:03:11+01:00`: a time in the user's zone, in whole seconds; `Z` where that is UTC. */
export function localRfc3339(date: Date): string {
  const { day, clock, hours, minutes } = localParts(date);
  const zone = `${hours}:${minutes}`;
  return `${day}T${clock}${zone === '+00:00' ? 'Z' : zone}`;
}

/** `2026-11-21T09:03:11.012345678+01:00`: nanoseconds since 1970 in the user's zone, with all nine digits. */
export function localNanoTime(nano: bigint): string {
  const text = localRfc3339(new Date(Number(nano / 1_000_000n)));
  const fraction = String(nano % 1_000_000_000n).padStart(9, '0');
  return `${text.slice(0, 19)}.${fraction}${text.slice(19)}`;
}

function localParts(date: Date): { day: string; clock: string; hours: string; minutes: string } {
  const offset = -date.getTimezoneOffset();
  return {
    day: `${String(date.getFullYear()).padStart(4, '0')}-${two(date.getMonth() + 1)}-${two(date.getDate())}`,
    clock: `${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}`,
    hours: `${offset < 0 ? '-' : '+'}${two(Math.floor(Math.abs(offset) / 60))}`,
    minutes: two(Math.abs(offset) % 60),
  };
}

const zoneNames = new Map<string, string>();

/** ICU knows a zone's letters only in the languages of its region; zones without letters are `+03`, as in tzdata. */
function zoneName(date: Date, zone: string): string {
  const known = zoneNames.get(zone);
  if (known !== undefined) return known;
  const name =
    zone === '+0000' && /\(Coordinated Universal Time\)/.test(date.toString()) ? 'UTC' : lettersOf(date, zone);
  zoneNames.set(zone, name);
  return name;
}

function lettersOf(date: Date, zone: string): string {
  for (const language of ['en-US', 'en-GB', 'en-AU', 'en-IN', 'en-ZA']) {
    const parts = new Intl.DateTimeFormat(language, { timeZoneName: 'short' }).formatToParts(date);
    const name = parts.find((part) => part.type === 'timeZoneName')?.value ?? '';
    if (/^[A-Z]{3,5}$/.test(name)) return name;
  }
  return zone.replace(/00$/, '');
}

/** Go's strconv.ParseBool; undefined for what is neither. */
export function parseBool(text: string): boolean | undefined {
  if (/^(1|t|T|TRUE|true|True)$/.test(text)) return true;
  return /^(0|f|F|FALSE|false|False)$/.test(text) ? false : undefined;
}
