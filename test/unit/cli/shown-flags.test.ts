import { readdirSync, readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { COMMANDS, loadCommand, namesOf } from '#cli/commands.ts';
import { LIMITS } from '#cli/limits.ts';

/** Tables of lines that are refused, or of helps, show no flag's effect. */
const WITHOUT_EFFECT = ['container.test.ts', 'help.test.ts'];
const folders = ['e2e', 'diff'].map((name) => new URL(`../../${name}/`, import.meta.url));
const statements = folders.flatMap((folder) =>
  readdirSync(folder)
    .filter((name) => !WITHOUT_EFFECT.includes(name))
    .flatMap((name) => readFileSync(new URL(name, folder), 'utf8').split(/;\n|\n\n|',\n|`,\n|\],\n/)),
);

const MAKING = ['container run', 'container create'];
const containerCommands = Object.keys(COMMANDS).filter((key) => key.startsWith('container '));

/** The flag in one of its forms: `--env`, `-e`, `-de`. */
function formOf(long: string, short: string | undefined): RegExp {
  const brief = short === undefined ? '' : `|(?<=^|[\\s'"\`])-[A-Za-z]*${short}[A-Za-z]*(?![\\w-])`;
  return new RegExp(`--${long}(?![\\w-])${brief}`);
}

/** What a statement says from its first word of these on. */
function from(words: readonly string[]): (statement: string) => string[] {
  const start = new RegExp(`(?<![-\\w])(?:${words.join('|')})(?![-\\w])`);
  return (statement) => {
    const at = statement.search(start);
    return at < 0 ? [] : [statement.slice(at)];
  };
}

test.each(containerCommands)('each flag of "%s" stands in a test of it, or on the page about limits', async (key) => {
  const verbs = namesOf(key).map((name) => name.split(' ').at(-1) ?? '');
  // The tables of run's flags don't say `run` in each row.
  const lines = MAKING.includes(key) ? statements : statements.flatMap(from(verbs));
  const limited = LIMITS.flatMap(({ limits }) => limits)
    .filter(({ commands }) => commands.includes(key))
    .flatMap(({ flags }) => flags.map((flag) => flag.split(' ')[0]));
  const lacking = Object.entries((await loadCommand(key)).flags)
    .filter(([long, { short }]) => !lines.some((line) => formOf(long, short).test(line)))
    .map(([long]) => `--${long}`)
    .filter((flag) => !limited.includes(flag));
  expect(lacking).toEqual([]);
});
