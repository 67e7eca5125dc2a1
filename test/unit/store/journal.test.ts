import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { appendFileSync, renameSync, writeFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { eventLine, JOURNAL, OLD_JOURNAL, recordEvent } from '#store/events.ts';
import { type Event, parseEvent, readJournal } from '#store/journal.ts';
import type { Store } from '#store/store.ts';
import { temporaryStore } from '#test/support/store.ts';

const line = (id: string) => eventLine({ type: 'volume', action: 'create', id }, 1_700_000_000_123_456_789n);

async function ids(events: AsyncIterable<Event[]>): Promise<string[]> {
  const all: string[] = [];
  for await (const some of events) all.push(...some.map(({ id }) => id));
  return all;
}

describe('readJournal()', () => {
  test('reads the full journal and then the new one', async () => {
    const store = temporaryStore();
    writeFileSync(store.path(OLD_JOURNAL), line('a') + line('b'));
    writeFileSync(store.path(JOURNAL), line('c'));
    expect(await ids(readJournal(store, { past: true, follow: false }))).toEqual(['a', 'b', 'c']);
    expect(await ids(readJournal(store, { past: false, follow: false }))).toEqual([]);
  });

  test('begins near the end where only what is recent is wanted, without half a line', async () => {
    const store = temporaryStore();
    const all = Array.from({ length: 2000 }, (_, index) => `id${index}`);
    writeFileSync(store.path(JOURNAL), all.map(line).join(''));
    const recent = await ids(readJournal(store, { past: 'recent', follow: false }));
    expect(recent.length).toBeGreaterThan(100);
    expect(recent.length).toBeLessThan(1000);
    expect(recent).toEqual(all.slice(-recent.length));
  });

  test('has nothing to tell where nothing was noted yet', async () => {
    expect(await ids(readJournal(temporaryStore(), { past: true, follow: false }))).toEqual([]);
  });

  test('skips torn lines and garbage, and finds the whole line behind a torn one', async () => {
    const store = temporaryStore();
    const torn = line('torn').slice(0, 40);
    writeFileSync(
      store.path(JOURNAL),
      `${line('a')}${torn}${line('b')}rubbish\n\0\0\0\n{"Type":"x"}\n\n${line('c')}${torn}`,
    );
    expect(await ids(readJournal(store, { past: true, follow: false }))).toEqual(['a', 'b', 'c']);
  });

  test('follows from before the first event on, across a turn, and hears a late line in the old journal', async () => {
    const store = temporaryStore();
    const stop = new AbortController();
    const journal = readJournal(store, { past: false, follow: true, abort: stop.signal });
    const next = async () => (await journal.next()).value?.map(({ id }) => id);
    const first = next();
    recordEvent(store, { type: 'volume', action: 'create', id: 'a' });
    expect(await first).toEqual(['a']);
    renameSync(store.path(JOURNAL), store.path(OLD_JOURNAL));
    recordEvent(store, { type: 'volume', action: 'create', id: 'b' });
    expect(await next()).toEqual(['b']);
    appendFileSync(store.path(OLD_JOURNAL), line('late'));
    expect(await next()).toEqual(['late']);
    const end = next();
    stop.abort();
    expect(await end).toBeUndefined();
  });

  test('misses nothing of what eight processes write while the journal turns', async () => {
    const store = temporaryStore();
    const [writers, count] = [8, 1500];
    const stop = new AbortController();
    const seen = new Map<string, number[]>();
    const following = (async () => {
      for await (const events of readJournal(store, { past: false, follow: true, abort: stop.signal })) {
        for (const { id, attributes } of events) seen.set(id, [...(seen.get(id) ?? []), Number(attributes.number)]);
        if ([...seen.values()].every((numbers) => numbers.length === count) && seen.size === writers) stop.abort();
      }
    })();
    await Promise.all(Array.from({ length: writers }, (_, index) => write(store, `writer${index}`, count)));
    await following;
    const all = Array.from({ length: count }, (_, number) => number);
    for (const [writer, numbers] of seen) expect(numbers, writer).toEqual(all);
  });
});

/** A process that notes so many events, each long enough to fill the journal soon. */
async function write({ root }: Store, id: string, count: number): Promise<void> {
  const program = `
    import { recordEvent } from '#store/events.ts';
    const [root, id, count] = process.argv.slice(1);
    for (let number = 0; number < Number(count); number++) {
      const attributes = { number: String(number), filler: 'x'.repeat(400) };
      recordEvent({ path: (name) => root + '/' + name }, { type: 'volume', action: 'create', id, attributes });
    }`;
  const flags = ['--input-type=module', '-e', program];
  const [code] = await once(spawn(process.execPath, [...flags, root, id, String(count)], { stdio: 'inherit' }), 'exit');
  expect(code).toBe(0);
}

test('parseEvent() keeps nanoseconds whole', () => {
  expect(parseEvent(line('a').trimEnd())).toEqual({
    type: 'volume',
    action: 'create',
    id: 'a',
    attributes: {},
    nano: 1_700_000_000_123_456_789n,
  });
});
