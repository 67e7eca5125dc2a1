/** --filter as Docker has it: several values of one name mean "any of", several names "all of". */
import { WherryError } from '#base/error.ts';

/** What a command accepts: each name with what its values must be; undefined where any text goes. */
export type Accepted = Record<string, readonly string[] | undefined>;

/** Read filters. Nothing asked for a name means that everything matches. */
export interface Filters {
  /** Names with at least one value. */
  readonly size: number;
  has(name: string): boolean;
  /** The values in the order given. */
  values(name: string): readonly string[];
  /** One of the values is exactly this. */
  exact(name: string, value: string): boolean;
  /** One of the values is a prefix of this. */
  prefix(name: string, value: string): boolean;
  /** One of the values is a regular expression that is found in this, or exactly it. */
  pattern(name: string, value: string): boolean;
  /** All the values, `key` or `key=value`, are among these labels. */
  labels(name: string, labels: Readonly<Record<string, string>>): boolean;
  /** true, false, 1 or 0. Throws kind `invalid` on anything else and on both at once. */
  flag(name: string): boolean | undefined;
}

/**
 * Reads `name=value` pairs (opts.FilterOpt, filters.Args). Names are case-blind; space around name and value is not part of it.
 * Throws kind `invalid` for a name or value that isn't accepted: `invalid filter 'colour'`.
 */
export function parseFilters(pairs: readonly string[], accepted: Accepted): Filters {
  const fields = new Map<string, string[]>();
  for (const pair of pairs) {
    if (pair === '') continue;
    const at = pair.indexOf('=');
    if (at < 0) throw new WherryError('invalid', `bad format of filter (expected name=value)`);
    const name = pair.slice(0, at).trim().toLowerCase();
    const value = pair.slice(at + 1).trim();
    if (!Object.hasOwn(accepted, name)) throw invalidFilter(name);
    const choices = accepted[name];
    if (choices !== undefined && !choices.includes(value)) throw invalidFilter(name, [value]);
    fields.set(name, [...(fields.get(name) ?? []), value]);
  }
  return matcher(fields);
}

/** What is wrong with a filter is said by Docker's daemon, with its prefix: kind `invalid` becomes `unavailable`. */
export function asDaemon<T>(read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (!(error instanceof WherryError) || error.kind !== 'invalid') throw error;
    throw new WherryError('unavailable', error.message, { cause: error });
  }
}

function invalidFilter(name: string, values?: readonly string[]): WherryError {
  if (name === '') return new WherryError('invalid', 'invalid filter');
  const pair = values === undefined ? name : `${name}=[${values.join(' ')}]`;
  return new WherryError('invalid', `invalid filter '${pair}'`);
}

function matcher(fields: ReadonlyMap<string, readonly string[]>): Filters {
  const values = (name: string) => fields.get(name) ?? [];
  const some = (name: string, test: (value: string) => boolean) => !fields.has(name) || values(name).some(test);
  return {
    size: fields.size,
    has: (name) => fields.has(name),
    values,
    exact: (name, source) => some(name, (value) => value === source),
    prefix: (name, source) => some(name, (value) => source.startsWith(value)),
    pattern: (name, source) => some(name, (value) => value === source || found(value, source)),
    labels: (name, labels) => values(name).every((value) => hasLabel(labels, value)),
    flag: (name) => readFlag(name, fields.get(name)),
  };
}

/** A pattern that is no regular expression matches nothing, as with Docker. */
function found(pattern: string, source: string): boolean {
  try {
    return new RegExp(pattern).test(source);
  } catch (error) {
    if (error instanceof SyntaxError) return false;
    throw error;
  }
}

function hasLabel(labels: Readonly<Record<string, string>>, wanted: string): boolean {
  const at = wanted.indexOf('=');
  const key = at < 0 ? wanted : wanted.slice(0, at);
  if (!Object.hasOwn(labels, key)) return false;
  return at < 0 || labels[key] === wanted.slice(at + 1);
}

function readFlag(name: string, values: readonly string[] | undefined): boolean | undefined {
  if (values === undefined) return undefined;
  const yes = values.includes('1') || values.includes('true');
  const no = values.includes('0') || values.includes('false');
  if (yes === no) throw invalidFilter(name, values);
  return yes;
}
