import { describe, expect, test } from 'vitest';
import { type Context, command, type Definition } from '#cli/command.ts';
import { loadCommand } from '#cli/commands.ts';
import { withLatest } from '#cli/latest.ts';
import { temporaryStore } from '#test/support/store.ts';

const SHOW = command({ usage: 'CONTAINER [CONTAINER...]', summary: 'Show', flags: {}, run: () => 0 });

describe('--latest', () => {
  test('is there, and in the manual, for what takes containers', () => {
    const { flags, details } = withLatest('container stop', SHOW);
    expect(flags.latest?.short).toBe('l');
    expect(details).toContain('`--latest`, or `-l`, names the container that was made last.');
    expect(withLatest('image rm', SHOW)).toBe(SHOW);
  });

  test("leaves Docker's own -l of rm what it is", async () => {
    const { flags } = await loadCommand('container rm');
    expect([flags.latest?.short, flags.link?.short]).toEqual([undefined, 'l']);
  });

  test('goes with no name of a container, and says when there is none', async () => {
    const { run } = withLatest('container stop', SHOW);
    const context = { store: temporaryStore() } as unknown as Context;
    const values = { latest: true } as unknown as Parameters<Definition['run']>[2];
    await expect(run(context, ['web'], values)).rejects.toThrow('--latest and containers cannot be used together');
    await expect(run(context, [], values)).rejects.toThrow('No such container');
  });
});
