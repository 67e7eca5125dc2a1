/** Completion: the answers to `__complete`, which the shells' scripts ask, from the definitions. */
import type { Flags } from '#cli/command.ts';
import { COMMANDS, findCommand, GROUPS, loadCommand, loadGroupFlags, namesOf } from '#cli/commands.ts';
import { GLOBAL_FLAGS } from '#cli/globals.ts';
import { describeNames, shownFlags, topLevelNames } from '#cli/help.ts';
import { splitUsage } from '#cli/parse.ts';

/** A line of the answer: the word, a tab, what it does. */
type Line = string;

/**
 * What may stand for the last of these words, the words after the program's name. Without an answer the shell completes
 * file names.
 */
export async function completions(words: readonly string[]): Promise<Line[]> {
  const current = words.at(-1) ?? '';
  const given = words.slice(0, -1);
  const before = skipGlobals(given);
  const value = before.length === 0 ? await valueLines('', GLOBAL_FLAGS, given, current) : undefined;
  if (value !== undefined) return value;
  const found = findCommand(before);
  if (before.length === 0) return current.startsWith('-') ? flagLines(GLOBAL_FLAGS, current) : commandLines(current);
  if (before[0] === 'help') return helpLines(before.slice(1), current);
  if (found === undefined) return [];
  if ('group' in found) return groupLines(found, current);
  return argumentLines(found.key, found.rest, current);
}

/** A command of a group, or of one with flags (`compose -f x up`) a flag, its value, or what follows. */
async function groupLines({ group, rest }: { group: string; rest: string[] }, current: string): Promise<Line[]> {
  const flags = await loadGroupFlags(group);
  const words = rest.slice(afterFlags(rest, flags));
  if (words.length > 0) {
    const found = Object.keys(flags).length === 0 ? undefined : findCommand([group, ...words]);
    return found === undefined || 'group' in found ? [] : argumentLines(found.key, found.rest, current);
  }
  const value = await valueLines(group, flags, rest, current);
  if (value !== undefined) return value;
  return current.startsWith('-') ? flagLines(flags, current) : memberLines(group, current);
}

/** `help container st` is as `container st`. */
function helpLines(words: readonly string[], current: string): Promise<Line[]> | Line[] {
  if (words.length === 0) return commandLines(current);
  const found = findCommand(words);
  return found !== undefined && 'group' in found && words.length === 1 ? memberLines(found.group, current) : [];
}

/** A flag, a flag's value, or an argument of a command. */
async function argumentLines(key: string, rest: readonly string[], current: string): Promise<Line[]> {
  const { flags, interspersed, usage } = await loadCommand(key);
  const ended = rest.includes('--') || (interspersed === false && hasArgument(rest, flags));
  if (!ended) {
    const value = await valueLines(key, flags, rest, current);
    if (value !== undefined) return value;
    if (current.startsWith('-')) return flagLines(flags, current);
  }
  const names = argumentsOf(rest, flags);
  const places = splitUsage(usage);
  const place = places[Math.min(names.length, places.length - 1)];
  if (place === undefined || (names.length >= places.length && !place.includes('...'))) return [];
  const { placeValues } = await import('#cli/complete-values.ts');
  return matching(
    (await placeValues(key, place)).filter(([word]) => !names.includes(word)),
    current,
  );
}

/** What may follow the flag before, or the `=` of this word; undefined where neither is the case. */
async function valueLines(
  key: string,
  flags: Flags,
  rest: readonly string[],
  current: string,
): Promise<Line[] | undefined> {
  const joined = /^--([^=]+)=(.*)$/s.exec(current);
  const previous = rest.at(-1) ?? '';
  const name = joined === null ? flagBefore(rest, flags) : joined[1];
  if (name === undefined || (joined === null && !previous.startsWith('-'))) return undefined;
  const { flagValues } = await import('#cli/complete-values.ts');
  const value = joined?.[2] ?? current;
  const found = Object.hasOwn(flags, name) ? await flagValues(key, name, value) : [];
  const prefix = joined === null ? '' : `--${name}=`;
  return matching(
    (found ?? []).map(([word, about]) => [prefix + word, about]),
    current,
  );
}

/** The flag whose value comes next. */
function flagBefore(words: readonly string[], flags: Flags): string | undefined {
  const word = words.at(-1) ?? '';
  if (!word.startsWith('-') || word === '-' || word === '--' || !takesNext(word, flags)) return undefined;
  if (word.startsWith('--')) return word.slice(2);
  return Object.keys(flags).find((name) => flags[name]?.short === word.at(-1));
}

/** What is neither a flag nor a flag's value. */
function argumentsOf(words: readonly string[], flags: Flags): string[] {
  const names: string[] = [];
  for (let at = 0; at < words.length; at += 1) {
    const word = words[at] ?? '';
    if (!word.startsWith('-') || word === '-') names.push(word);
    else if (takesNext(word, flags)) at += 1;
  }
  return names;
}

/** Is there an argument that is no flag and no flag's value? */
function hasArgument(words: readonly string[], flags: Flags): boolean {
  return afterFlags(words, flags) < words.length;
}

/** Where the first word stands that is neither a flag nor a flag's value. */
function afterFlags(words: readonly string[], flags: Flags): number {
  let at = 0;
  while (words[at]?.startsWith('-')) at += takesNext(words[at] ?? '', flags) ? 2 : 1;
  return Math.min(at, words.length);
}

function takesNext(word: string, flags: Flags): boolean {
  if (word.includes('=')) return false;
  const flag = word.startsWith('--')
    ? flags[word.slice(2)]
    : Object.values(flags).find(({ short }) => short === word.at(-1));
  return flag !== undefined && flag.as.isSwitch !== true;
}

function skipGlobals(words: readonly string[]): string[] {
  return words.slice(afterFlags(words, GLOBAL_FLAGS));
}

function matching(rows: readonly (readonly [string, string])[], current: string): Line[] {
  return rows
    .filter(([word]) => word.startsWith(current))
    .map(([word, summary]) => (summary === '' ? word : `${word}\t${summary.split('\n')[0]}`));
}

function flagLines(flags: Flags, current: string): Line[] {
  return matching(
    shownFlags(flags).map(([name, { summary }]) => [`--${name}`, summary]),
    current,
  );
}

async function commandLines(current: string): Promise<Line[]> {
  const groups = Object.entries(GROUPS).filter(([name]) => !name.includes(' '));
  return matching([...groups, ...(await describeNames(topLevelNames()))], current);
}

async function memberLines(group: string, current: string): Promise<Line[]> {
  const inside = (name: string) => name.startsWith(`${group} `) && !name.includes(' ', group.length + 1);
  const names = Object.keys(COMMANDS).flatMap(namesOf).filter(inside);
  const rows = [...Object.entries(GROUPS).filter(([name]) => inside(name)), ...(await describeNames(names.sort()))];
  return matching(
    rows.map(([name, summary]) => [name.slice(group.length + 1), summary]),
    current,
  );
}
