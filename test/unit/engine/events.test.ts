import { writeFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { type Event, eventFilter, watchEvents } from '#engine/events.ts';
import { eventLine, JOURNAL, recordEvent } from '#store/events.ts';
import { temporaryStore } from '#test/support/store.ts';

const ID = 'c0ffee'.padEnd(64, '0');
const START: Event = {
  type: 'container',
  action: 'start',
  id: ID,
  attributes: { image: 'busybox:1', name: 'web', role: 'db' },
  nano: 0n,
};
const TAG: Event = { ...START, type: 'image', action: 'tag', id: `sha256:${ID}`, attributes: { name: 'shop:2' } };
const CONNECT: Event = { ...START, type: 'network', action: 'connect', attributes: { name: 'bridge', container: ID } };
const HEALTHY: Event = { ...START, action: 'health_status: healthy' };

describe('eventFilter()', () => {
  test.each<[filters: string[], event: Event, matches: boolean]>([
    [[], START, true],
    [['container=web'], START, true],
    [['container=we'], START, true],
    [['container=c0ff'], START, true],
    [['container=/web'], START, false],
    [['container=db', 'container=web'], START, true],
    [['container=web'], CONNECT, false],
    [['event=start'], START, true],
    [['event=sta'], START, false],
    [['event=start', 'event=die'], START, true],
    [['event=health_status'], HEALTHY, true],
    [['event=health_status: healthy'], HEALTHY, true],
    [['event=health'], HEALTHY, false],
    [['event=health_status', 'event=st'], START, true],
    [['type=container'], START, true],
    [['TYPE=container'], START, true],
    [['type=image'], START, false],
    [['image=busybox'], START, true],
    [['image=busybox:1'], START, true],
    [['image=busybox:2'], START, false],
    [['image=busy'], START, false],
    [['image=shop'], TAG, true],
    [[`image=sha256:${ID}`], TAG, true],
    [['image=bridge'], CONNECT, false],
    [['label=role'], START, true],
    [['label=role=db'], START, true],
    [['label=role=web'], START, false],
    [['label=role', 'label=other'], START, false],
    [['network=bri'], CONNECT, true],
    [['volume=x'], START, false],
    [['daemon=x'], START, false],
    [['node=x'], START, false],
    [['scope=local'], START, true],
    [['scope=swarm'], START, false],
    [['colour=red'], START, true],
    [['container=web', 'event=die'], START, false],
  ])('%j of %o is %s', (filters, event, matches) => {
    expect(eventFilter(filters).matches(event)).toBe(matches);
  });
});

describe('watchEvents()', () => {
  const at = (seconds: number) =>
    eventLine({ type: 'volume', action: 'create', id: `at${seconds}` }, BigInt(seconds) * 1_000_000_000n + 5n);
  const collect = async (events: AsyncIterable<Event[]>) => {
    const all: string[] = [];
    for await (const some of events) all.push(...some.map(({ id }) => id));
    return all;
  };

  test('takes what happened between two moments, to the nanosecond', async () => {
    const store = temporaryStore();
    writeFileSync(store.path(JOURNAL), [1, 2, 3, 4].map(at).join(''));
    const between = (since: [number, number], until: [number, number]) =>
      collect(
        watchEvents(store, {
          since: { seconds: since[0], nanos: since[1] },
          until: { seconds: until[0], nanos: until[1] },
        }),
      );
    expect(await between([2, 0], [4, 0])).toEqual(['at2', 'at3']);
    expect(await between([2, 5], [4, 5])).toEqual(['at2', 'at3', 'at4']);
    expect(await between([2, 6], [4, 4])).toEqual(['at3']);
    expect(await collect(watchEvents(store, { until: { seconds: 2, nanos: 0 } }))).toEqual(['at1']);
    expect(await collect(watchEvents(store, { stream: false }))).toEqual(['at1', 'at2', 'at3', 'at4']);
  });

  test('goes on until a moment that is yet to come', async () => {
    const store = temporaryStore();
    recordEvent(store, { type: 'volume', action: 'create', id: 'before' });
    const seconds = Math.floor(Date.now() / 1000);
    const watched = collect(
      watchEvents(store, { since: { seconds: 0, nanos: 0 }, until: { seconds: seconds + 2, nanos: 0 } }),
    );
    await new Promise((resolve) => setTimeout(resolve, 50));
    recordEvent(store, { type: 'volume', action: 'create', id: 'meanwhile' });
    expect(await watched).toEqual(['before', 'meanwhile']);
  });

  test('leaves out what happened before, where neither moment is named', async () => {
    const store = temporaryStore();
    recordEvent(store, { type: 'volume', action: 'create', id: 'before' });
    const stop = new AbortController();
    const events = watchEvents(store, { abort: stop.signal });
    const next = events.next();
    recordEvent(store, { type: 'volume', action: 'create', id: 'now' });
    expect((await next).value?.map(({ id }) => id)).toEqual(['now']);
    const end = events.next();
    stop.abort(new Error('enough'));
    await expect(end).rejects.toThrow('enough');
  });

  test('counts what happened since this process was started as to come, when asked to', async () => {
    const store = temporaryStore();
    const before = Date.now() - process.uptime() * 1000 - 3_600_000;
    writeFileSync(store.path(JOURNAL), at(Math.floor(before / 1000)));
    recordEvent(store, { type: 'volume', action: 'create', id: 'just before' });
    const stop = new AbortController();
    const events = watchEvents(store, { fromOwnStart: true, abort: stop.signal });
    expect((await events.next()).value?.map(({ id }) => id)).toEqual(['just before']);
    stop.abort();
    await events.return();
  });
});
