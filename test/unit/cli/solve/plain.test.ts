import { expect, test } from 'vitest';
import type { BuildEvent } from '#build/event.ts';
import { plainPrinter } from '#cli/solve/plain.ts';
import { newTrace } from '#cli/solve/trace.ts';

function paper() {
  const trace = newTrace();
  let text = '';
  const printer = plainPrinter(
    trace,
    (piece) => {
      text += piece;
    },
    'building',
  );
  return {
    at: (now: number, ...events: BuildEvent[]) => {
      for (const event of events) trace.take(event, now);
      printer.print(now);
    },
    text: () => text,
    recent: (id: string) => printer.recent(trace.vertices.find((vertex) => vertex.id === id) as never),
  };
}

const vertex = (id: string, started: number, more: object = {}) =>
  ({ kind: 'vertex', id, name: `step ${id}`, inputs: [], started, ...more }) as const;
const said = (id: string, text: string, timestamp: number) =>
  ({ kind: 'log', vertex: id, stream: 1, data: Buffer.from(text), timestamp }) as const;

test('a step has a number, its lines have times, and its end says how long it took', () => {
  const { at, text } = paper();
  at(1000, vertex('a', 1000));
  at(1250, said('a', 'one\ntwo\n', 1250));
  at(1300, vertex('a', 1000, { completed: 1300 }));
  at(1400, vertex('b', 1350, { completed: 1350, cached: true }));
  expect(text()).toBe(
    [
      '#0 building',
      '',
      '#1 step a',
      '#1 0.250 one',
      '#1 0.250 two',
      '#1 DONE 0.3s',
      '',
      '#2 step b',
      '#2 CACHED',
      '',
    ].join('\n'),
  );
});

test('a line that comes in pieces is written once, and an open one is ended', () => {
  const { at, text } = paper();
  at(0, vertex('a', 0), said('a', 'par', 10));
  at(20, said('a', 'tial\nlast', 20));
  at(30, vertex('a', 0, { completed: 30, error: 'it broke' }));
  expect(text()).toBe(
    ['#0 building', '', '#1 step a', '#1 0.010 partial', '#1 0.020 last', '#1 ERROR: it broke', ''].join('\n'),
  );
});

test('two that speak at once take turns, and whoever ends is told at once', () => {
  const { at, text } = paper();
  at(0, vertex('a', 0), said('a', 'a1\n', 0));
  at(100, vertex('b', 100), said('b', 'b1\n', 100));
  at(200, said('a', 'a2\n', 200), said('b', 'b2\n', 200));
  expect(text()).toBe(['#0 building', '', '#1 step a', '#1 0.000 a1', '#1 0.200 a2', ''].join('\n'));
  at(300, vertex('b', 100, { completed: 300 }));
  expect(text().split('\n').slice(5)).toEqual([
    '#1 ...',
    '',
    '#2 step b',
    '#2 0.000 b1',
    '#2 0.100 b2',
    '#2 DONE 0.2s',
    '',
    '#1 step a',
    '',
  ]);
});

test('who waits for longer than ten seconds behind another comes to the front', () => {
  const { at, text } = paper();
  at(0, vertex('a', 0), said('a', 'a1\n', 0));
  at(100, vertex('b', 100), said('b', 'b1\n', 100));
  for (let now = 1000; now <= 11_000; now += 1000) at(now, said('a', 'more\n', now));
  expect(text()).toContain('#1 ...\n\n#2 step b\n#2 0.000 b1\n');
});

test('transfers are told when they begin, at steps that are worth it, and at their end', () => {
  const { at, text } = paper();
  const part = (current: number, timestamp: number, more: object = {}) =>
    ({ kind: 'status', vertex: 'a', id: 'layer', current, total: 2_000_000, started: 0, timestamp, ...more }) as const;
  at(0, vertex('a', 0), part(0, 0));
  at(100, part(1000, 100));
  at(200, part(1_000_000, 200));
  at(300, part(2_000_000, 300, { completed: 300 }), vertex('a', 0, { completed: 300 }));
  expect(text().split('\n').slice(3)).toEqual([
    '#1 layer 0B / 2.00MB',
    '#1 layer 1.00MB / 2.00MB 0.2s',
    '#1 layer 2.00MB / 2.00MB 0.3s done',
    '#1 DONE 0.3s',
    '',
  ]);
});

test('the last ten lines of a step stay known, for the end', () => {
  const { at, recent } = paper();
  at(0, vertex('a', 0));
  for (let line = 1; line <= 12; line += 1) at(line, said('a', `${line}\n`, 0));
  expect(recent('a')).toEqual(['3', '4', '5', '6', '7', '8', '9', '10', '11', '12'].map((line) => `0.000 ${line}`));
});

test('what was ended because another failed is cancelled, and warnings stand with their step', () => {
  const { at, text } = paper();
  const warning = { rule: 'FromAsCasing', detail: 'casing (line 3)', description: '', url: '', place: [] };
  at(0, vertex('a', 0), { kind: 'warning', vertex: 'a', warning });
  at(1, vertex('a', 0, { completed: 1, error: 'x: context canceled' }));
  expect(text().split('\n').slice(2)).toEqual([
    '#1 step a',
    '#1 WARN: FromAsCasing: casing (line 3)',
    '#1 CANCELED',
    '',
  ]);
});
