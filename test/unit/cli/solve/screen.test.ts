import { expect, test } from 'vitest';
import type { BuildEvent } from '#build/event.ts';
import { buildColors } from '#cli/solve/colors.ts';
import { screen } from '#cli/solve/screen.ts';
import { newTrace } from '#cli/solve/trace.ts';

const ESC = '\x1b';
const SEQUENCE = new RegExp(`${ESC}\\[[?\\d;]*[a-zA-Z]`, 'g');
const plain = { run: '', cancel: '', error: '', warning: '' };

/** A terminal that knows the few sequences that are used. */
function terminal(columns: number, rows: number, colors = plain) {
  const trace = newTrace();
  let [lines, row] = [[''], 0];
  const write = (text: string) => {
    const parts = text.split(new RegExp(`(${SEQUENCE.source}|[\n\r])`));
    for (const part of parts) {
      const up = new RegExp(`^${ESC}\\[(\\d+)A$`).exec(part);
      if (up !== null) row -= Number(up[1]);
      else if (part === '\n') row += 1;
      else if (part === `${ESC}[2K`) lines[row] = '';
      else if (!part.startsWith(ESC) && part !== '\r' && part !== '') lines[row] = part;
    }
  };
  const view = screen(trace, { write, size: () => ({ columns, rows }), colors, description: 'here' });
  return {
    at: (now: number, ...events: BuildEvent[]) => {
      for (const event of events) trace.take(event, now);
      view.draw(now);
    },
    end: () => view.end(),
    lines: () => lines.filter((line) => (line ?? '') !== '').map((line) => line.replace(/ +/g, ' ').trim()),
  };
}

const vertex = (id: string, started: number, more: object = {}) =>
  ({ kind: 'vertex', id, name: `step ${id}`, inputs: [], started, ...more }) as const;
const said = (id: string, text: string) =>
  ({ kind: 'log', vertex: id, stream: 1, data: Buffer.from(text), timestamp: 0 }) as const;

test('each step has a line with its time, and the first line counts them', () => {
  const { at, lines } = terminal(80, 24);
  at(1500, vertex('a', 0, { completed: 1000 }), vertex('b', 1000), vertex('c', 500, { completed: 500, cached: true }));
  expect(lines()).toEqual([
    '[+] Building 1.5s (2/3) here',
    '=> step a 1.0s',
    '=> step b 0.5s',
    '=> CACHED step c 0.0s',
  ]);
});

test('a step that runs has its last lines below it, without what they tell a terminal', () => {
  const { at, lines } = terminal(80, 24);
  at(0, vertex('a', 0), said('a', `one\n10%\r20%\r${ESC}[31mred${ESC}[0m\n`));
  expect(lines().slice(2)).toEqual(['=> => # one', '=> => # red']);
  at(1000, vertex('a', 0, { completed: 1000 }));
  expect(lines()).toEqual(['[+] Building 1.0s (1/1) here', '=> step a 1.0s']);
});

test('on a low terminal those that run are seen', () => {
  const { at, lines } = terminal(80, 6);
  const ended = ['a', 'b', 'c', 'd', 'e'].map((id) => vertex(id, 0, { completed: 0 }));
  at(0, vertex('long', 0), ...ended);
  expect(
    lines()
      .slice(1)
      .map((line) => line.split(' ')[2]),
  ).toEqual(['long', 'c', 'd', 'e'].filter((id) => id !== 'b').slice(0, 4));
});

test('no line is wider than the terminal', () => {
  const trace = newTrace();
  let written = '';
  const view = screen(trace, {
    write: (text) => {
      written += text;
    },
    size: () => ({ columns: 30, rows: 24 }),
    colors: plain,
    description: 'here',
  });
  trace.take({ ...vertex('a', 0), name: 'x'.repeat(200) }, 0);
  view.draw(0);
  const widths = written
    .replace(SEQUENCE, '')
    .split('\n')
    .map((line) => line.length);
  expect(Math.max(...widths)).toBeLessThanOrEqual(30);
});

test('colours are those of BUILDKIT_COLORS, and none with NO_COLOR', () => {
  expect(buildColors({})).toEqual({ run: '34', cancel: '33', error: '31', warning: '33' });
  expect(buildColors({ BUILDKIT_COLORS: 'run=green:error=200,0,1:cancel=none' })).toMatchObject({
    run: '32',
    error: '38;2;200;0;1',
    cancel: '33',
  });
  expect(buildColors({ NO_COLOR: '1' })).toEqual(plain);
});
