import { stripVTControlCharacters } from 'node:util';
import { expect, test } from 'vitest';
import { paletteOf } from '#cli/compose/colors.ts';
import { openScreen, type Screen } from '#cli/compose/screen.ts';
import type { StepEvent } from '#compose/apply/event.ts';

const SIZE = { columns: 60, rows: 24 };

const screenOf = (env: NodeJS.ProcessEnv = {}, dryRun = false): Screen =>
  openScreen({ title: 'Running', dryRun, palette: paletteOf(env) });

const step = (id: string, state: string, status: StepEvent['status'], more: Partial<StepEvent> = {}): StepEvent => ({
  id,
  state,
  status,
  ...more,
});

/** What is on a terminal's screen, without how it came there. */
const read = (drawn: string): string[] => stripVTControlCharacters(drawn).split('\n').slice(0, -1);

test('a step has a line with its state and how long it takes, set to the right edge', () => {
  const screen = screenOf({ NO_COLOR: '1' });
  screen.take(step('Network x_default', 'Created', 'done'), 0);
  screen.take(step('Container x-web-1', 'Starting', 'working'), 0);
  expect(read(screen.draw(SIZE, 1250))).toEqual([
    '[+] Running 1/2',
    ' ✔ Network x_default  Created                          0.0s ',
    ' ⠙ Container x-web-1  Starting                         1.3s ',
  ]);
});

test('each drawing goes up over the one before, and the finished title is blue', () => {
  const screen = screenOf();
  screen.take(step('a', 'Creating', 'working'), 0);
  expect(screen.draw(SIZE, 0).startsWith('\x1b[1A\x1b[1B\x1b[0G\x1b[?25l[+] Running 0/1\n')).toBe(true);
  screen.take(step('a', 'Created', 'done'), 500);
  const last = screen.draw(SIZE, 900);
  expect(last.startsWith('\x1b[1A\x1b[1A\x1b[0G\x1b[?25l\x1b[34m[+] Running 1/1\x1b[0m\n')).toBe(true);
  expect(last).toContain(' \x1b[32m✔\x1b[0m a  \x1b[32mCreated\x1b[0m');
  expect(last).toContain('\x1b[34m0.5s \x1b[0m\n');
  expect(last.endsWith('\x1b[?25h')).toBe(true);
});

test('the layers of an image stand below it, and their progress beside it', () => {
  const screen = screenOf({ NO_COLOR: '1' });
  screen.take(step('web', '', 'working', { text: 'Pulling' }), 0);
  screen.take(step('aaa', '', 'working', { parent: 'web', current: 500, total: 1000, percent: 50 }), 0);
  screen.take(step('bbb', '', 'done', { parent: 'web', current: 1000, total: 1000, percent: 100 }), 0);
  const [, whole, first, second] = read(screen.draw(SIZE, 0));
  expect(whole).toContain('web [⣤⣿]   1.5kB / 2kB     Pulling');
  expect(first).toMatch(/^ {3}⠋ aaa /);
  expect(second).toMatch(/^ {3}✔ bbb /);
});

test('where the terminal is too low for them the layers are left out, and what stood there is wiped', () => {
  const screen = screenOf({ NO_COLOR: '1' });
  screen.take(step('web', '', 'working', { text: 'Pulling' }), 0);
  screen.take(step('aaa', '', 'working', { parent: 'web' }), 0);
  expect(read(screen.draw({ columns: 40, rows: 5 }, 0))).toHaveLength(3);
  screen.take(step('bbb', '', 'working', { parent: 'web' }), 0);
  screen.take(step('ccc', '', 'working', { parent: 'web' }), 0);
  const lines = read(screen.draw({ columns: 40, rows: 5 }, 0));
  expect(lines[1]).toContain('web [⠀⠀⠀]');
  expect(lines.slice(2)).toEqual([' '.repeat(40)]);
});

test('a message that is too long is cut, so that the line does not wrap', () => {
  const screen = screenOf({ NO_COLOR: '1' });
  screen.take(step('web', 'no such image on earth, wherever one looks for it', 'error', { text: 'Error' }), 0);
  const [, line] = read(screen.draw({ columns: 50, rows: 24 }, 0));
  expect(line).toBe(' ✘ web Error no such image on ...            0.0s ');
});

test('nothing is drawn before something has happened', () => {
  expect(screenOf().draw(SIZE, 0)).toBe('');
});

test('a dry run says so on every line', () => {
  const screen = screenOf({ NO_COLOR: '1' }, true);
  screen.take(step('Container a', 'Created', 'done'), 0);
  expect(read(screen.draw(SIZE, 0))[1]).toMatch(/^ ✔ DRY-RUN MODE - {2}Container a {2}Created /);
});

test('a line that is too long for the terminal is cut, so that it stays one row', () => {
  const screen = screenOf();
  screen.take(step('deb2', '', 'done', { text: 'Skipped - Image is already being pulled by deb' }), 0);
  const drawn = screen.draw({ columns: 40, rows: 24 }, 0);
  expect(read(drawn)[1]).toBe(' ✔ deb2 Skipped - Image is already 0.0s ');
  expect(drawn).toContain('\x1b[32m✔\x1b[0m deb2');
});
