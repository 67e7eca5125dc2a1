/**
 * `npm run man`: writes man/wherry*.1 and wherry-limits.7 from the definitions, in man(7). With --check it writes nothing and fails where
 * a page is not what it should be. A page stands under the shortest name of its command: wherry-run(1).
 */
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Definition, Flag, Flags } from '#cli/command.ts';
import { COMMANDS, GROUPS, loadCommand, loadGroupFlags, namesOf } from '#cli/commands.ts';
import { GLOBAL_FLAGS } from '#cli/globals.ts';
import { shownDefault, shownFlags } from '#cli/help.ts';
import { LIMITS, type Limit } from '#cli/limits.ts';
import { openOutput } from '#cli/output.ts';

const FOLDER = fileURLToPath(new URL('../../man', import.meta.url));

/** A command with its names, shown first where it has one of a single word. */
interface Page {
  name: string;
  names: string[];
  definition: Definition;
}

/** Text that is safe in roff: no escapes, no requests at the start of a line. */
function roff(text: string): string {
  return text
    .replaceAll('\\', '\\e')
    .replaceAll('-', '\\-')
    .replace(/^([.'])/gm, '\\&$1');
}

const bold = (text: string) => `\\fB${roff(text)}\\fR`;
const italic = (text: string) => `\\fI${roff(text)}\\fR`;

/** Paragraphs of an indented template text. */
function paragraphs(text: string): string[] {
  return text
    .trim()
    .split(/\n\s*\n/)
    .map((paragraph) =>
      paragraph
        .trim()
        .split(/\s*\n\s*/)
        .join('\n'),
    );
}

function flagEntry([name, flag]: [string, Flag]): string {
  const short = flag.short === undefined ? '' : `${bold(`-${flag.short}`)}, `;
  const label = flag.as.isSwitch ? '' : ` ${italic(flag.as.label)}`;
  return `.TP\n${short}${bold(`--${name}`)}${label}\n${roff(flag.summary + shownDefault(flag))}`;
}

function flagSection(title: string, flags: Flags): string[] {
  const shown = shownFlags(flags);
  return shown.length === 0 ? [] : [`.SH ${title}`, ...shown.map(flagEntry)];
}

function header(name: string, summary: string): string[] {
  const page = `wherry${name === '' ? '' : `-${name.replaceAll(' ', '-')}`}`;
  const line = (summary.split('\n')[0] ?? '').replace(/\.$/, '');
  return [
    '.\\" Made by `npm run man` from src/cli: do not edit.',
    `.TH ${page.toUpperCase().replaceAll('-', '\\-')} 1 "" "wherry" "User Commands"`,
    '.SH NAME',
    `${roff(page)} \\- ${roff(line)}`,
  ];
}

/** The page of one command. */
function commandPage({ name, names, definition }: Page): string {
  const { usage, otherUsage, summary, details, examples = [], flags } = definition;
  const options = shownFlags(flags).length > 0 ? ' [OPTIONS]' : '';
  const more = summary.split('\n').slice(1).join('\n').trim();
  const lines = [
    ...header(name, summary),
    '.SH SYNOPSIS',
    ...names.flatMap((other, at) => [
      ...(at > 0 ? ['.br'] : []),
      `${bold(`wherry ${other}`)}${roff(`${options} ${usage}`.trimEnd())}`,
    ]),
    ...(otherUsage === undefined ? [] : ['.br', `${bold('wherry')} ${roff(otherUsage)}`]),
    '.SH DESCRIPTION',
    [...(more === '' ? [] : [more]), ...paragraphs(details ?? `${summary.split('\n')[0]?.replace(/\.$/, '')}.`)]
      .map(roff)
      .join('\n.PP\n'),
    ...flagSection('OPTIONS', flags),
    ...(examples.length === 0 ? [] : ['.SH EXAMPLES']),
    ...examples.flatMap(({ does, line }) => ['.PP', `${roff(does)}:`, '.PP', '.nf', '.RS', roff(line), '.RE', '.fi']),
    '.SH SEE ALSO',
    `${bold('wherry')}(1)`,
  ];
  return `${lines.join('\n')}\n`;
}

/** The page of a group with flags of its own, which stand before its commands: wherry-compose(1). */
function groupPage(group: string, flags: Flags, pages: readonly Page[]): string {
  const summary = GROUPS[group] ?? '';
  const inside = pages.filter(({ definition, name }) => !definition.hidden && name.startsWith(`${group} `));
  const lines = [
    ...header(group, summary),
    '.SH SYNOPSIS',
    `${bold(`wherry ${group}`)} [OPTIONS] COMMAND`,
    '.SH DESCRIPTION',
    roff(`${summary}. The options stand before the command.`),
    ...flagSection('OPTIONS', flags),
    '.SH COMMANDS',
    ...inside.map(commandEntry),
    '.SH SEE ALSO',
    `${bold('wherry')}(1)`,
  ];
  return `${lines.join('\n')}\n`;
}

const commandEntry = ({ name, definition }: Page) =>
  `.TP\n${bold(`wherry-${name.replaceAll(' ', '-')}`)}(1)\n${roff((definition.summary.split('\n')[0] ?? '').replace(/\.$/, ''))}`;

/** wherry(1): what there is. */
function programPage(pages: readonly Page[]): string {
  const lines = [
    ...header('', 'a rootless, daemonless, Docker-compatible container command'),
    '.SH SYNOPSIS',
    `${bold('wherry')} [OPTIONS] COMMAND`,
    '.SH DESCRIPTION',
    'Runs containers as an ordinary user, without a daemon, by the commands, flags, output and exit statuses of Docker.',
    ...flagSection('OPTIONS', GLOBAL_FLAGS),
    '.SH COMMANDS',
    ...pages.map(commandEntry),
    '.SH SEE ALSO',
    `${bold('wherry-limits')}(7)`,
  ];
  return `${lines.join('\n')}\n`;
}

function limitEntry({ flags, commands, effect, why }: Limit): string {
  const short = commands.map((key) => namesOf(key).find((name) => !name.includes(' ')) ?? key);
  const of = short.length === 0 ? 'before any command' : short.map(bold).join(', ');
  return `.TP\n${flags.map(bold).join(', ')} (${of})\n${roff(`${effect} ${why}`)}`;
}

/** wherry-limits(7). */
function limitsPage(): string {
  const lines = [
    '.\\" Made by `npm run man` from src/cli/limits.ts: do not edit.',
    '.TH WHERRY\\-LIMITS 7 "" "wherry" "Miscellaneous"',
    '.SH NAME',
    "wherry\\-limits \\- what containers of a user without root can't have, and why",
    '.SH DESCRIPTION',
    roff(
      "Every flag of Docker is accepted where it can mean what it means there. Those below can't, or can't everywhere: the kernel gives what they ask for to root alone, or the machine has not delegated it. Nothing is left out in silence: a flag is refused with one line, or a warning says what is discarded.",
    ),
    ...LIMITS.flatMap(({ title, about, limits }) => [
      `.SH ${roff(title.toUpperCase())}`,
      ...(about === undefined ? [] : [roff(about)]),
      ...limits.map(limitEntry),
    ]),
    '.SH SEE ALSO',
    `${bold('wherry')}(1), ${bold('wherry-run')}(1), ${bold('wherry-info')}(1)`,
  ];
  return `${lines.join('\n')}\n`;
}

/** Every page by its file's name. */
export async function manualPages(): Promise<Map<string, string>> {
  const pages: Page[] = [];
  for (const key of Object.keys(COMMANDS)) {
    const definition = await loadCommand(key);
    const names = namesOf(key);
    const name = names.find((other) => !other.includes(' ')) ?? key;
    if (!definition.hidden) pages.push({ name, names, definition });
  }
  pages.sort((one, other) => (one.name < other.name ? -1 : 1));
  const files = pages.map((page) => [`wherry-${page.name.replaceAll(' ', '-')}.1`, commandPage(page)] as const);
  for (const group of Object.keys(GROUPS)) {
    const flags = await loadGroupFlags(group);
    if (Object.keys(flags).length > 0)
      files.push([`wherry-${group.replaceAll(' ', '-')}.1`, groupPage(group, flags, pages)]);
  }
  return new Map([['wherry.1', programPage(pages)], ['wherry-limits.7', limitsPage()], ...files]);
}

/** The files of man/ that are not as the definitions have them: to write, or to remove. */
function differences(wanted: ReadonlyMap<string, string>): string[] {
  const there = existsSync(FOLDER) ? readdirSync(FOLDER) : [];
  const stale = there.filter((name) => /^wherry.*\.[17]$/.test(name) && !wanted.has(name));
  const changed = [...wanted].filter(
    ([name, text]) => !there.includes(name) || readFileSync(join(FOLDER, name), 'utf8') !== text,
  );
  return [...stale, ...changed.map(([name]) => name)];
}

async function run(check: boolean): Promise<number> {
  const wanted = await manualPages();
  const names = differences(wanted);
  if (check) {
    if (names.length === 0) return 0;
    openOutput(2).line(`man/ is not what the definitions say: ${names.join(', ')}\nhint: Run \`npm run man\``);
    return 1;
  }
  mkdirSync(FOLDER, { recursive: true });
  for (const name of names) {
    const text = wanted.get(name);
    if (text === undefined) rmSync(join(FOLDER, name));
    else writeFileSync(join(FOLDER, name), text);
  }
  return 0;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) process.exitCode = await run(process.argv.includes('--check'));
