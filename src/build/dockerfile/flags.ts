/** Flags of instructions, in BuildKit's reading: `--name=value`, `--name` alone for those that are true or false. */
import { wrong } from '#build/dockerfile/fault.ts';
import { suggestion } from '#build/dockerfile/text.ts';

export type FlagKinds = Readonly<Record<string, 'bool' | 'text' | 'list'>>;

export interface Flags {
  text(name: string, otherwise?: string): string;
  list(name: string): string[];
  /** Undefined where it is not given. */
  bool(name: string): boolean | undefined;
  /** Which are given. */
  used: string[];
}

/** Throws kind `invalid` for one that is not known, given twice, or has the wrong value. */
export function readFlags(given: readonly string[], kinds: FlagKinds): Flags {
  const values = new Map<string, string[]>();
  for (const flag of given) {
    if (flag === '--') break;
    addFlag(values, flag, kinds);
  }
  return {
    text: (name, otherwise = '') => values.get(name)?.[0] ?? otherwise,
    list: (name) => values.get(name) ?? [],
    bool: (name) => (values.has(name) ? values.get(name)?.[0] === 'true' : undefined),
    used: [...values.keys()],
  };
}

function addFlag(values: Map<string, string[]>, flag: string, kinds: FlagKinds): void {
  const at = flag.indexOf('=');
  const written = at < 0 ? flag : flag.slice(0, at);
  const value = at < 0 ? undefined : flag.slice(at + 1);
  const name = written.slice(2);
  const kind = Object.hasOwn(kinds, name) ? kinds[name] : undefined;
  if (kind === undefined) throw wrong(`unknown flag: ${written}${suggestion(name, Object.keys(kinds))}`, written);
  const before = values.get(name) ?? [];
  if (before.length > 0 && kind !== 'list') throw wrong(`duplicate flag specified: ${written}`, flag);
  values.set(name, [...before, kind === 'bool' ? readBool(written, value) : needValue(written, value)]);
}

function needValue(written: string, value: string | undefined): string {
  if (value === undefined) throw wrong(`missing a value on flag: ${written}`, written);
  return value;
}

function readBool(written: string, value: string | undefined): string {
  if (value === '') throw wrong(`missing a value on flag: ${written}`, written);
  const lower = value?.toLowerCase() ?? 'true';
  if (lower === 'true' || lower === 'false') return lower;
  throw wrong(`expecting boolean value for flag ${written}, not: ${value}`, written);
}
