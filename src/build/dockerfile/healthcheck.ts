/** HEALTHCHECK, as BuildKit reads it. */
import type { HealthConfig } from '#base/api.ts';
import { quote } from '#base/go-quote.ts';
import { parseDuration } from '#base/units.ts';
import { wrong } from '#build/dockerfile/fault.ts';
import { type Flags, readFlags } from '#build/dockerfile/flags.ts';
import type { Line } from '#build/dockerfile/parse.ts';

/** Throws kind `invalid` in BuildKit's words. */
export function readHealthcheck({ args, flags: given, json }: Line): HealthConfig {
  const [first, ...command] = args;
  if (first === undefined) throw wrong('HEALTHCHECK requires at least one argument');
  const type = first.toUpperCase();
  if (type === 'NONE') {
    if (command.length > 0) throw wrong('HEALTHCHECK NONE takes no arguments');
    return { Test: ['NONE'] };
  }
  const flags = readFlags(given, FLAGS);
  if (type !== 'CMD') throw wrong(`Unknown type ${quote(type)} in HEALTHCHECK (try CMD)`);
  if (command.length === 0) throw wrong('Missing command after HEALTHCHECK CMD');
  const times = Object.fromEntries(
    TIMES.flatMap(([name, field]) => {
      const value = interval(flags, name);
      return value === 0 ? [] : [[field, value]];
    }),
  );
  const tries = retries(flags);
  return { Test: [json ? 'CMD' : 'CMD-SHELL', ...command], ...times, ...(tries === 0 ? {} : { Retries: tries }) };
}

const FLAGS = {
  interval: 'text',
  timeout: 'text',
  'start-period': 'text',
  'start-interval': 'text',
  retries: 'text',
} as const;

const TIMES = [
  ['interval', 'Interval'],
  ['timeout', 'Timeout'],
  ['start-period', 'StartPeriod'],
  ['start-interval', 'StartInterval'],
] as const;

/** Nanoseconds; 0 where it is not given. */
function interval(flags: Flags, name: string): number {
  const text = flags.text(name);
  if (text === '') return 0;
  const duration = parseDuration(text);
  if (duration !== 0 && duration < 1e6) throw wrong(`Interval ${quote(name)} cannot be less than 1ms`);
  return duration;
}

function retries(flags: Flags): number {
  const text = flags.text('retries');
  if (text === '') return 0;
  if (!/^[+-]?\d+$/.test(text)) throw wrong(`strconv.ParseInt: parsing ${quote(text)}: invalid syntax`);
  const count = Number(text);
  if (Math.abs(count) >= 2 ** 31) throw wrong(`strconv.ParseInt: parsing ${quote(text)}: value out of range`);
  if (count < 0) throw wrong(`--retries cannot be negative (${count})`);
  return count;
}
