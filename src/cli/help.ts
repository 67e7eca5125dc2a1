/** --help in Docker's layout, from the definitions. */

import type { Definition, Flag, Flags } from '#cli/command.ts';
import { ALIASES, COMMANDS, COMMON, findCommand, GROUPS, loadCommand, loadGroupFlags, namesOf } from '#cli/commands.ts';
import { GLOBAL_FLAGS } from '#cli/globals.ts';
import { boolean } from '#cli/values.ts';

/** Docker wraps to the terminal's width less one, or to 79. */
export type Width = number;

/** `docker stop [OPTIONS] CONTAINER [CONTAINER...]`; of cp two lines. */
export function usageLine(program: string, name: string, { usage, otherUsage, flags }: Definition): string {
  const options = shownFlags(flags).length > 0 ? '[OPTIONS]' : '';
  const line = [program, name, options, usage].filter(Boolean).join(' ');
  return otherUsage === undefined ? line : `${line}\n\t${program} ${otherUsage}`;
}

/** The help of one command. name: as typed; key: its full name. */
export function commandHelp(
  program: string,
  { name, key }: { name: string; key: string },
  definition: Definition,
  width: Width,
): string {
  const names = namesOf(key);
  // As Docker: one group's other names for a command are explained under its first.
  const shown = name.includes(' ') ? key : name;
  const parts = [`Usage:  ${usageLine(program, shown, definition)}`, definition.summary];
  if (names.length > 1) parts.push(`Aliases:\n  ${names.map((other) => `${program} ${other}`).join(', ')}`);
  const flags = shownFlags(definition.flags);
  if (flags.length > 0) parts.push(`Options:\n${formatFlags(flags, width)}`);
  return `${parts.join('\n\n')}\n`;
}

/** Its full name is in the group as well: another name is no other command. */
const isListed = (group: string, key: string) => key.startsWith(`${group} `);

/** The help of a group: `docker container`. */
export async function groupHelp(program: string, group: string, width: Width): Promise<string> {
  const flags = shownFlags(await loadGroupFlags(group));
  const inside = (name: string) => name.startsWith(`${group} `) && !name.includes(' ', group.length + 1);
  const short = (rows: readonly (readonly [string, string])[]): [string, string][] =>
    rows.map(([name, summary]) => [name.slice(group.length + 1), summary]);
  const groups = Object.entries(GROUPS).filter(([name]) => inside(name));
  const aliases = Object.keys(ALIASES).filter((name) => inside(name) && !isListed(group, ALIASES[name] ?? ''));
  const rows = await describeNames([...Object.keys(COMMANDS).filter(inside), ...aliases]);
  return [
    `Usage:  ${program} ${group} ${flags.length === 0 ? '' : '[OPTIONS] '}COMMAND`,
    GROUPS[group],
    ...(flags.length === 0 ? [] : [`Options:\n${formatFlags(flags, width)}`]),
    ...(groups.length === 0 ? [] : [`Management Commands:\n${formatNames(short(groups))}`]),
    `Commands:\n${formatNames(short(rows))}`,
    `Run '${program} ${group} COMMAND --help' for more information on a command.\n`,
  ].join('\n\n');
}

/** The help of the program. */
export async function programHelp(program: string, width: Width): Promise<string> {
  const common = await describeNames(COMMON);
  const others = await describeNames(topLevelNames().filter((name) => !COMMON.includes(name)));
  return [
    `Usage:  ${program} [OPTIONS] COMMAND`,
    'A rootless, daemonless, Docker-compatible container command',
    `Common Commands:\n${formatNames(common)}`,
    `Management Commands:\n${formatNames(Object.entries(GROUPS).filter(([name]) => !name.includes(' ')))}`,
    `Commands:\n${formatNames(others)}`,
    `Global Options:\n${formatFlags(shownFlags(GLOBAL_FLAGS), width)}`,
    `Run '${program} COMMAND --help' for more information on a command.\n`,
  ].join('\n\n');
}

/** The names of one word, as the program's help lists them. */
export function topLevelNames(): string[] {
  const names = Object.keys(COMMANDS).flatMap(namesOf);
  return names.filter((name) => !name.includes(' ')).sort();
}

/** Each name with the first line of its command's summary; hidden commands are left out. */
export async function describeNames(names: readonly string[]): Promise<[name: string, summary: string][]> {
  const described = await Promise.all(names.map(describeName));
  return described.filter((row) => row !== undefined);
}

async function describeName(name: string): Promise<[string, string] | undefined> {
  const found = findCommand(name.split(' '));
  if (found === undefined || 'group' in found) return undefined;
  const { summary, hidden } = await loadCommand(found.key);
  return hidden ? undefined : [name, (summary.split('\n')[0] ?? '').replace(/\.$/, '')];
}

/** Docker's list of commands: the names filled up to 11. */
function formatNames(rows: readonly (readonly [string, string])[]): string {
  const longest = Math.max(10, ...rows.map(([name]) => name.length));
  return rows.map(([name, summary]) => `  ${name.padEnd(longest)}  ${summary}`).join('\n');
}

type NamedFlag = [name: string, flag: Flag];

/** The flags that the help shows, by name. -h means something else in a few commands, and then --help is shown. */
export function shownFlags(flags: Flags): NamedFlag[] {
  const shown = Object.entries(flags).filter(([, flag]) => !flag.hidden && flag.deprecated === undefined);
  const help: NamedFlag = ['help', { as: boolean, summary: 'Print usage' }];
  if (shown.some(([, flag]) => flag.short === 'h')) shown.push(help);
  return shown.sort(([one], [other]) => (one < other ? -1 : 1));
}

/** pflag's FlagUsagesWrapped: names, then the summaries side by side, wrapped. */
function formatFlags(flags: readonly NamedFlag[], width: Width): string {
  const rows = flags.map(([name, flag]): [string, string] => {
    const short = flag.short === undefined ? '    ' : `-${flag.short}, `;
    const label = flag.as.isSwitch ? '' : ` ${flag.as.label}`;
    return [`  ${short}--${name}${label}`, flag.summary + shownDefault(flag)];
  });
  const indent = Math.max(...rows.map(([left]) => left.length)) + 3;
  return rows.map(([left, right]) => left.padEnd(indent) + wrap(right, indent, width)).join('\n');
}

/** ` (default "missing")`; what is off or empty anyway is not said. */
export function shownDefault({ as, default: value }: Flag): string {
  const text = value ?? as.zero;
  if (text === undefined || text === '' || text === 'false') return '';
  return ` (default ${as.label === 'string' ? JSON.stringify(text) : text})`;
}

/** A line may be this much longer when that spares a short last word a line of its own. */
const SLOP = 5;

/** pflag's wrap(): lines after the first are indented. */
function wrap(text: string, indent: number, width: Width): string {
  // Where little room is left beside the names, the text goes below them.
  const beside = width - indent >= 24;
  const left = ' '.repeat(beside ? indent : 16);
  const room = width - left.length - SLOP;
  if (room + SLOP < 24) return text.replaceAll('\n', `\n${left}`);
  const lines = beside ? [] : [''];
  for (let rest = text; rest !== ''; ) {
    const [line, after] = cutLine(rest, room);
    lines.push(line);
    rest = after;
  }
  return lines.join('\n').replaceAll('\n', `\n${left}`);
}

function cutLine(text: string, room: number): [line: string, rest: string] {
  if (room + SLOP > text.length) return [text, ''];
  const head = text.slice(0, room);
  const space = Math.max(head.lastIndexOf(' '), head.lastIndexOf('\t'), head.lastIndexOf('\n'));
  if (space <= 0) return [text, ''];
  const feed = head.lastIndexOf('\n');
  const at = feed > 0 && feed < space ? feed : space;
  return [text.slice(0, at), text.slice(at + 1)];
}
