import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { eventLine, JOURNAL, OLD_JOURNAL, recordEvent } from '#store/events.ts';
import type { Store } from '#store/store.ts';
import { temporaryStore } from '#test/support/store.ts';

const CREATED = { type: 'volume', action: 'create', id: 'data', attributes: { driver: 'local' } } as const;

function numbers(store: Store, file: string): Map<string, number[]> {
  const seen = new Map<string, number[]>();
  if (!existsSync(store.path(file))) return seen;
  for (const line of readFileSync(store.path(file), 'utf8').trimEnd().split('\n')) {
    const { Actor } = JSON.parse(line);
    seen.set(Actor.ID, [...(seen.get(Actor.ID) ?? []), Number(Actor.Attributes.number)]);
  }
  return seen;
}

describe('recordEvent()', () => {
  test('appends one line in the shape of the Engine API', () => {
    const store = temporaryStore();
    const before = BigInt(Date.now()) * 1_000_000n;
    recordEvent(store, CREATED);
    recordEvent(store, { ...CREATED, action: 'destroy' });
    const lines = readFileSync(store.path(JOURNAL), 'utf8').trimEnd().split('\n');
    expect(lines.map((line) => JSON.parse(line))).toMatchObject([
      { Type: 'volume', Action: 'create', Actor: { ID: 'data', Attributes: { driver: 'local' } }, scope: 'local' },
      { Action: 'destroy' },
    ]);
    const moments = lines.map((line) => BigInt(/"timeNano":(\d+)\}$/.exec(line)?.[1] ?? 0));
    expect(moments[0]).toBeGreaterThanOrEqual(before);
    expect(moments[1]).toBeGreaterThan(moments[0] ?? 0n);
  });

  test('does not fail where nothing can be written: what was done stays done', () => {
    const store = temporaryStore();
    mkdirSync(store.path(JOURNAL));
    expect(() => recordEvent(store, CREATED)).not.toThrow();
  });

  test('begins a new journal when the old one is full, and keeps one old one', () => {
    const store = temporaryStore();
    writeFileSync(store.path(JOURNAL), `${' '.repeat(4 << 20)}\n`);
    recordEvent(store, CREATED);
    expect(existsSync(store.path(JOURNAL))).toBe(false);
    recordEvent(store, { ...CREATED, action: 'destroy' });
    expect(readFileSync(store.path(OLD_JOURNAL), 'utf8')).toContain('"Action":"create"');
    expect(readFileSync(store.path(JOURNAL), 'utf8')).toContain('"Action":"destroy"');
  });

  test('loses no line when eight processes write and turn the journal over and over', async () => {
    const store = temporaryStore();
    const program = `
      import { recordEvent } from '#store/events.ts';
      const root = process.argv[1];
      const store = { path: (name) => root + '/' + name };
      for (let number = 0; number < 3500; number++) {
        const attributes = { number: String(number), filler: 'x'.repeat(400) };
        recordEvent(store, { type: 'volume', action: 'create', id: process.argv[2], attributes });
      }`;
    const writers = Array.from({ length: 8 }, (_, index) =>
      spawn(process.execPath, ['--input-type=module', '-e', program, store.root, `writer${index}`], {
        stdio: 'inherit',
      }),
    );
    const codes = await Promise.all(writers.map((writer) => once(writer, 'exit')));
    expect(codes.map(([code]) => code)).toEqual(Array(8).fill(0));
    const [older, newer] = [numbers(store, OLD_JOURNAL), numbers(store, JOURNAL)];
    expect(older.size + newer.size).toBeGreaterThan(0);
    for (const writer of new Set([...older.keys(), ...newer.keys()])) {
      const seen = [...(older.get(writer) ?? []), ...(newer.get(writer) ?? [])];
      const first = seen[0] ?? 0;
      expect(seen, writer).toEqual(Array.from({ length: seen.length }, (_, index) => first + index));
      expect(seen.at(-1), writer).toBe(3499);
    }
  });
});

test('eventLine() keeps nanoseconds, which are beyond the whole numbers of JavaScript', () => {
  expect(eventLine(CREATED, 1_700_000_000_123_456_789n)).toBe(
    '{"Type":"volume","Action":"create","Actor":{"ID":"data","Attributes":{"driver":"local"}},"scope":"local",' +
      '"time":1700000000,"timeNano":1700000000123456789}\n',
  );
});
