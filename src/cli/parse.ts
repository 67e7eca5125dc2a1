/**
 * A command line in Docker's reading: pflag's rules (github.com/spf13/pflag) bring each flag into the one form
 * `--name=:value`, and yargs' parser collects the values of that.
 */
import { Parser } from 'yargs/helpers';
import { WherryError } from '#base/error.ts';
import type { Definition, Flag, Flags } from '#cli/command.ts';
import { boolean } from '#cli/values.ts';

export interface Parsed {
  /** What is no flag. */
  args: string[];
  /** Under camelCase names, as the command's function takes them. */
  values: Record<string, unknown>;
  /** The flags that were given. */
  given: Set<string>;
  /** --help, or -h where that is no flag of the command. */
  help: boolean;
  /** What is to be said about deprecated flags. */
  warnings: string[];
}

export interface ParseOptions {
  /** false: the first argument that is no flag ends the flags. */
  interspersed?: boolean;
  /** -h is a name for --help, as on the program itself, and not deprecated. */
  plainHelp?: boolean;
}

/**
 * Reads the words after a command's name. Throws kind `invalid` with pflag's message, bare:
 * `unknown flag: --x`, `invalid argument "x" for "-t, --timeout" flag: …`.
 */
export function parseFlags(words: readonly string[], flags: Flags, options: ParseOptions = {}): Parsed {
  const canonical = canonicalize(words, flags, options);
  const parsed = collect(canonical, flags);
  // The first mistake on the line is the one to tell: a bad value stands before what could not be read at all.
  if (canonical.mistake !== undefined) throw canonical.mistake;
  return parsed;
}

interface Canonical {
  words: string[];
  args: string[];
  help: boolean;
  warnings: string[];
  mistake?: WherryError;
}

/** Walks over the words as pflag's parseArgs does, one state for long and short flags. */
function canonicalize(words: readonly string[], flags: Flags, options: ParseOptions): Canonical {
  const result: Canonical = { words: [], args: [], help: false, warnings: [] };
  const shorts = new Map(Object.entries(flags).map(([name, flag]) => [flag.short, name]));
  const queue = [...words];
  try {
    for (let word = queue.shift(); word !== undefined; word = queue.shift()) {
      if (word === '--') {
        result.args.push(...queue.splice(0));
      } else if (!word.startsWith('-') || word === '-') {
        result.args.push(word);
        if (options.interspersed === false) result.args.push(...queue.splice(0));
      } else if (word.startsWith('--')) {
        readLong(word, queue, flags, result);
      } else {
        readShorts(word, queue, { flags, shorts, options }, result);
      }
    }
  } catch (error) {
    if (!(error instanceof WherryError)) throw error;
    result.mistake = error;
  }
  return result;
}

function mistake(message: string): WherryError {
  return new WherryError('invalid', message);
}

function readLong(word: string, queue: string[], flags: Flags, result: Canonical): void {
  const body = word.slice(2);
  if (/^[-=]/.test(body)) throw mistake(`bad flag syntax: ${word}`);
  const at = body.indexOf('=');
  const name = at < 0 ? body : body.slice(0, at);
  const flag = Object.hasOwn(flags, name) ? flags[name] : undefined;
  if (flag === undefined) {
    if (name !== 'help') throw mistake(`unknown flag: --${name}`);
    result.help = at < 0 || readHelp(body.slice(at + 1));
    return;
  }
  const value = at >= 0 ? body.slice(at + 1) : flag.as.isSwitch ? 'true' : queue.shift();
  if (value === undefined) throw mistake(`flag needs an argument: --${name}`);
  add(result, name, flag, value);
}

function readHelp(value: string): boolean {
  try {
    return boolean.read(value, false);
  } catch (cause) {
    if (!(cause instanceof WherryError)) throw cause;
    throw mistake(`invalid argument ${JSON.stringify(value)} for "--help" flag: ${cause.message}`);
  }
}

interface Names {
  flags: Flags;
  shorts: ReadonlyMap<string | undefined, string>;
  options: ParseOptions;
}

/** `-aq`, `-eFOO`, `-e=FOO`, `-e FOO`, `-aq=false`. */
function readShorts(word: string, queue: string[], names: Names, result: Canonical): void {
  let rest = word.slice(1);
  while (rest !== '') rest = readShort(rest, queue, names, result);
}

/** Reads one letter and its value; returns the letters that are left. */
function readShort(letters: string, queue: string[], { flags, shorts, options }: Names, result: Canonical): string {
  const letter = letters.charAt(0);
  const rest = letters.slice(1);
  const name = shorts.get(letter);
  const flag = name === undefined ? undefined : flags[name];
  if (name === undefined || flag === undefined) {
    if (letter !== 'h') throw mistake(`unknown shorthand flag: '${letter}' in -${letters}`);
    result.help = true;
    if (!options.plainHelp) result.warnings.push('Flag shorthand -h has been deprecated, use --help');
    return rest;
  }
  const attached = rest.length > 1 && rest.startsWith('=');
  if (flag.as.isSwitch && !attached) {
    add(result, name, flag, 'true');
    return rest;
  }
  const value = attached ? rest.slice(1) : rest === '' ? queue.shift() : rest;
  if (value === undefined) throw mistake(`flag needs an argument: '${letter}' in -${letters}`);
  add(result, name, flag, value);
  return '';
}

function add(result: Canonical, name: string, flag: Flag, value: string): void {
  // The colon keeps yargs from taking quotes off a value that starts and ends with one.
  result.words.push(`--${name}=:${value}`);
  if (flag.deprecated !== undefined) result.warnings.push(`Flag --${name} has been deprecated, ${flag.deprecated}`);
}

const CONFIGURATION = {
  'boolean-negation': false,
  'camel-case-expansion': false,
  'dot-notation': false,
  'greedy-arrays': false,
  'parse-numbers': false,
  'parse-positional-numbers': false,
};

function collect({ words, args, help, warnings }: Canonical, flags: Flags): Parsed {
  const names = Object.keys(flags);
  const found = Parser([...words, '--', ...args], { string: names, array: names, configuration: CONFIGURATION });
  const values: Record<string, unknown> = {};
  const given = new Set<string>();
  for (const [name, flag] of Object.entries(flags)) {
    const texts = found[name] as string[] | undefined;
    if (texts !== undefined) given.add(name);
    const list = texts?.map((text) => text.slice(1)) ?? (flag.default === undefined ? [] : [flag.default]);
    values[camelCase(name)] = list.reduce((before, text) => readValue(name, flag, text, before), flag.as.absent);
  }
  return { args: found._.map(String), values, given, help, warnings };
}

function readValue(name: string, flag: Flag, text: string, before: unknown): unknown {
  try {
    return flag.as.read(text, before);
  } catch (error) {
    if (!(error instanceof WherryError)) throw error;
    const shown = flag.short === undefined ? `--${name}` : `-${flag.short}, --${name}`;
    throw new WherryError('invalid', `invalid argument ${JSON.stringify(text)} for "${shown}" flag: ${error.message}`, {
      ...(error.hint === undefined ? {} : { hint: error.hint }),
      cause: error,
    });
  }
}

/** `no-trunc` as `noTrunc`. */
export function camelCase(name: string): string {
  return name.replace(/-([A-Za-z0-9])/g, (_, letter: string) => letter.toUpperCase());
}

/** How many arguments a usage allows: `CONTAINER [CONTAINER...]` is 1 or more, `[NAME]` 0 or 1. */
export function argumentRange(usage: string): { least: number; most: number } {
  let least = 0;
  let most = 0;
  // `PATH | URL | -` is one argument, of one kind or another.
  for (const word of splitUsage(usage.replace(/ \| \S+/g, ''))) {
    if (!word.startsWith('[')) least += 1;
    // `[ps OPTIONS]` of top are another program's.
    most = word.includes('...') || word.endsWith(' OPTIONS]') ? Number.POSITIVE_INFINITY : most + 1;
  }
  return { least, most };
}

/** A usage's words, where what stands in brackets is one. */
export function splitUsage(usage: string): string[] {
  const words: string[] = [];
  let depth = 0;
  let word = '';
  for (const letter of `${usage} `) {
    if (letter === '[') depth += 1;
    if (letter === ']') depth -= 1;
    if (letter !== ' ' || depth > 0) word += letter;
    else if (word !== '') {
      words.push(word);
      word = '';
    }
  }
  return words;
}

/** What is wrong with the number of arguments, in Docker's words, and how it points to the help; undefined if nothing. */
export function argumentMistake({ usage }: Definition, count: number): { reason: string; pointer: string } | undefined {
  const { least, most } = argumentRange(usage);
  if (count >= least && count <= most) return undefined;
  const plural = (number: number) => (number === 1 ? 'argument' : 'arguments');
  if (most === 0) return { reason: 'accepts no arguments', pointer: 'Run' };
  if (most === Number.POSITIVE_INFINITY)
    return { reason: `requires at least ${least} ${plural(least)}`, pointer: 'See' };
  if (least === most) return { reason: `requires ${least} ${plural(least)}`, pointer: 'Run' };
  if (least === 0) return { reason: `requires at most ${most} ${plural(most)}`, pointer: 'Run' };
  return { reason: `requires at least ${least} and at most ${most} ${plural(most)}`, pointer: 'Run' };
}

/** The same in cobra's own words, which compose has. path: `docker compose ls`. */
export function cobraMistake({ usage }: Definition, args: readonly string[], path: string): string | undefined {
  const { least, most } = argumentRange(usage);
  const count = args.length;
  if (count >= least && count <= most) return undefined;
  if (most === 0) return `unknown command ${JSON.stringify(args[0])} for ${JSON.stringify(path)}`;
  if (most === Number.POSITIVE_INFINITY) return `requires at least ${least} arg(s), only received ${count}`;
  if (least === most) return `accepts ${least} arg(s), received ${count}`;
  if (least === 0) return `accepts at most ${most} arg(s), received ${count}`;
  return `accepts between ${least} and ${most} arg(s), received ${count}`;
}
