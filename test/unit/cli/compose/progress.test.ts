import { expect, test } from 'vitest';
import type { Output } from '#cli/command.ts';
import {
  isColoured,
  openProgress,
  PROGRESS_MODES,
  type ProgressMode,
  progressMode,
  withProgress,
} from '#cli/compose/progress.ts';

function output(isTerminal = false): Output & { text: string } {
  const made = {
    text: '',
    isTerminal,
    columns: 60,
    write: (data: string | Uint8Array) => {
      made.text += String(data);
    },
    line: (text: string) => made.write(`${text}\n`),
  };
  return made;
}

function shown(mode: ProgressMode, { dryRun = false, isTerminal = false } = {}): string {
  const out = output(isTerminal);
  const show = openProgress(out, { mode, title: 'Running', dryRun });
  show.report({ id: 'Container x-web-1', state: 'Created', status: 'done' });
  show.report({ id: 'web', text: 'Pulling', state: '', status: 'working', current: 3 });
  show.report({ message: 'that is all' });
  show.end();
  return out.text;
}

test('plain progress is a line for each step', () => {
  expect(shown('plain')).toBe(' Container x-web-1  Created\n web Pulling \nthat is all\n');
  expect(shown('auto')).toBe(shown('plain'));
});

test('a dry run says so in front of each', () => {
  expect(shown('plain', { dryRun: true }).split('\n')[0]).toBe(' DRY-RUN MODE -  Container x-web-1  Created');
});

test('JSON progress is an object for each step', () => {
  expect(shown('json')).toBe(
    '{"id":"Container x-web-1","status":"Created"}\n{"id":"web","text":"Pulling","current":3}\n{"tail":true,"text":"that is all"}\n',
  );
  expect(shown('json', { dryRun: true })).toContain('{"dry-run":true,"id":"web"');
});

test('quiet is quiet, and a terminal gets the table with the messages below it', () => {
  expect(shown('quiet')).toBe('');
  const drawn = shown('auto', { isTerminal: true });
  expect(drawn).toContain('[+] Running 1/2');
  expect(drawn.endsWith('\x1b[?25hthat is all\n')).toBe(true);
  expect(shown('tty')).toContain('[+] Running 1/2');
});

test('the last state is drawn also when the operation fails', async () => {
  const out = output(true);
  const failing = withProgress(out, { mode: 'tty', title: 'Running', dryRun: false }, async (report) => {
    report({ id: 'a', state: 'Error', status: 'error' });
    throw new Error('no');
  });
  await expect(failing).rejects.toThrow('no');
  expect(out.text).toContain('Error');
});

test.each([
  ['', 'auto', 'auto'],
  ['', 'never', 'plain'],
  ['auto', 'always', 'tty'],
  ['none', 'auto', 'quiet'],
  ['json', 'never', 'json'],
] as const)('--progress "%s" with --ansi %s is %s', (progress, ansi, mode) => {
  expect(progressMode(progress, ansi)).toBe(mode);
});

test.each(PROGRESS_MODES)('--progress %s is what it says', (mode) => {
  expect(progressMode(mode, 'auto')).toBe(mode);
});

test.each([
  ['tty', 'never', "can't use --progress tty while ANSI support is disabled"],
  ['plain', 'always', "can't use --progress plain while ANSI support is forced"],
  ['bars', 'auto', 'unsupported --progress value "bars"'],
])('--progress %s with --ansi %s is refused', (progress, ansi, message) => {
  expect(() => progressMode(progress, ansi)).toThrow(message);
});

test('prefixes have colours on a terminal, where they are forced, and never with NO_COLOR', () => {
  expect(isColoured(output(true), 'auto', {})).toBe(true);
  expect(isColoured(output(), 'auto', {})).toBe(false);
  expect(isColoured(output(), 'always', {})).toBe(true);
  expect(isColoured(output(true), 'never', {})).toBe(false);
  expect(isColoured(output(true), 'always', { NO_COLOR: '1' })).toBe(false);
});
