import { expect, test } from 'vitest';
import { loadCommand } from '#cli/commands.ts';
import { GLOBAL_FLAGS } from '#cli/globals.ts';
import { LIMITS } from '#cli/limits.ts';

const rows = LIMITS.flatMap(({ limits }) =>
  limits.flatMap(({ flags, commands }) =>
    flags.flatMap((flag) => (commands.length === 0 ? [[flag, '']] : commands.map((key) => [flag, key]))),
  ),
);

test.each(rows)('%s of "%s", which the page on limits is about, is a flag', async (flag = '', key = '') => {
  const flags = key === '' ? GLOBAL_FLAGS : (await loadCommand(key)).flags;
  expect(Object.keys(flags)).toContain(flag.slice(2));
});
