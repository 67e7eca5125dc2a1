/** Completion: the answers to `__complete`, which the shells' scripts ask, from the definitions. */
import type { Flags } from '#cli/command.ts';
import { COMMANDS, findCommand, GROUPS, loadCommand, namesOf } from '#cli/commands.ts';
import { GLOBAL_FLAGS } from '#cli/globals.ts';
import { describeNames, shownFlags, topLevelNames } from '#cli/help.ts';

/** A line of the answer: the word, a tab, what it does. */
type Line = string;

/**
 * What may stand for the last of these words, the words after the program's name. Names of containers and images are
 * not known here: the shell completes file names then.
 */
export async function completions(words: readonly string[]): Promise<Line[]> {
  const current = words.at(-1) ?? '';
  const before = skipGlobals(words.slice(0, -1));
  const found = findCommand(before);
  if (before.length === 0) return current.startsWith('-') ? flagLines(GLOBAL_FLAGS, current) : commandLines(current);
  if (found === undefined) return [];
  if ('group' in found) return found.rest.length > 0 ? [] : memberLines(found.group, current);
  if (!current.startsWith('-')) return [];
  const { flags, interspersed } = await loadCommand(found.key);
  const ended = found.rest.includes('--') || (interspersed === false && hasArgument(found.rest, flags));
  return ended ? [] : flagLines(flags, current);
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
    .map(([word, summary]) => `${word}\t${summary.split('\n')[0]}`);
}

function flagLines(flags: Flags, current: string): Line[] {
  return matching(
    shownFlags(flags).map(([name, { summary }]) => [`--${name}`, summary]),
    current,
  );
}

async function commandLines(current: string): Promise<Line[]> {
  return matching([...Object.entries(GROUPS), ...(await describeNames(topLevelNames()))], current);
}

async function memberLines(group: string, current: string): Promise<Line[]> {
  const names = Object.keys(COMMANDS)
    .flatMap(namesOf)
    .filter((name) => name.startsWith(`${group} `));
  const rows = await describeNames(names.sort());
  return matching(
    rows.map(([name, summary]) => [name.slice(group.length + 1), summary]),
    current,
  );
}
