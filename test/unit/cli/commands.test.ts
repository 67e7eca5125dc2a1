import { existsSync, readFileSync } from 'node:fs';
import { beforeAll, describe, expect, test } from 'vitest';
import type { Definition } from '#cli/command.ts';
import { ALIASES, COMMANDS, findCommand, GROUPS, loadCommand, namesOf } from '#cli/commands.ts';
import { shownFlags } from '#cli/help.ts';

const definitions = new Map<string, Definition>();

beforeAll(async () => {
  for (const key of Object.keys(COMMANDS)) definitions.set(key, await loadCommand(key));
});

describe('findCommand()', () => {
  test.each([
    [['ps', '-a'], { key: 'container ls', name: 'ps', rest: ['-a'] }],
    [['container', 'ps'], { key: 'container ls', name: 'container ps', rest: [] }],
    [['rmi', 'x'], { key: 'image rm', name: 'rmi', rest: ['x'] }],
    [['version'], { key: 'version', name: 'version', rest: [] }],
    [['container', 'nope'], { group: 'container', rest: ['nope'] }],
    [['container'], { group: 'container', rest: [] }],
    [['nope'], undefined],
    [['constructor'], undefined],
  ])('finds what %j names', (words, found) => {
    expect(findCommand(words)).toEqual(found);
  });
});

test('every other name leads to a command, and every two-word name begins with a group', () => {
  for (const key of Object.values(ALIASES)) expect(COMMANDS).toHaveProperty([key]);
  for (const name of [...Object.keys(COMMANDS), ...Object.keys(ALIASES)]) {
    if (name.includes(' ')) expect(GROUPS).toHaveProperty([name.split(' ')[0] ?? '']);
  }
});

describe('every definition', () => {
  test('has a short name once, of one letter, and no period at its summaries', () => {
    for (const [key, { flags, summary }] of definitions) {
      const shorts = Object.values(flags).flatMap(({ short }) => short ?? []);
      expect([key, new Set(shorts).size, shorts.every((short) => /^[A-Za-z]$/.test(short))]).toEqual([
        key,
        shorts.length,
        true,
      ]);
      expect([key, /[^.]$/.test(summary)]).toEqual([key, !summary.endsWith('.')]);
    }
  });

  test('has defaults that its flags can read', () => {
    for (const { flags } of definitions.values()) {
      for (const flag of Object.values(flags)) {
        if (flag.default !== undefined) flag.as.read(flag.default, flag.as.absent);
      }
    }
  });
});

/** The reference of Docker's commands: `{commands: {NAME: {flags: {"--long": "-s type"}}}}`. */
const reference = process.env.WHERRY_REFERENCE ?? '';

describe.skipIf(!existsSync(reference))('against the reference ($WHERRY_REFERENCE)', () => {
  interface Entry {
    flags?: Record<string, string>;
  }
  const read = () => (JSON.parse(readFileSync(reference, 'utf8')) as { commands: Record<string, Entry> }).commands;

  test.each(Object.keys(COMMANDS))('each flag of "%s" that Docker has carries its short name and its kind', (key) => {
    const entry = namesOf(key)
      .map((name) => read()[name])
      .find((found) => found !== undefined);
    const flags = Object.fromEntries(shownFlags(definitions.get(key)?.flags ?? {}));
    for (const [long, text] of Object.entries(entry?.flags ?? {})) {
      const flag = flags[long.slice(2)];
      if (flag === undefined) continue;
      // The reference has the classic builder's kinds; docker 28 shows buildx's, which are told apart by its help (diff).
      if (key === 'buildx build') continue;
      const ours = `${flag.short === undefined ? '' : `-${flag.short} `}${flag.as.label}`;
      expect(`${long} ${ours}`).toBe(`${long} ${text}`);
    }
  });
});
