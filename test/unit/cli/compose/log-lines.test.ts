import { expect, test } from 'vitest';
import type { Output } from '#cli/command.ts';
import { type LogLinesOptions, openLogLines, WATCH_LOGGER } from '#cli/compose/log-lines.ts';

function opened(options: Partial<LogLinesOptions> = {}) {
  const texts = { out: '', err: '' };
  const to = (key: 'out' | 'err'): Output => ({
    isTerminal: false,
    columns: 80,
    write: (data) => {
      texts[key] += String(data);
    },
    line: (text) => {
      texts[key] += `${text}\n`;
    },
  });
  const lines = openLogLines({ out: to('out'), err: to('err') }, { coloured: false, prefixed: true, ...options });
  return { texts, lines };
}

test('every line stands behind its name, and the names are as wide as the longest', () => {
  const { texts, lines } = opened();
  lines.log('web-long-1', 'one');
  lines.log('db-1', 'two\nthree');
  expect(texts.out).toBe('web-long-1  | one\ndb-1        | two\ndb-1        | three\n');
});

test('a longer name that comes later makes the others wider from then on', () => {
  const { texts, lines } = opened();
  lines.log('a-1', 'x');
  lines.log('long-name-1', 'y');
  lines.log('a-1', 'z');
  expect(texts.out).toBe('a-1  | x\nlong-name-1  | y\na-1          | z\n');
});

test('what a container writes to standard error goes there', () => {
  const { texts, lines } = opened();
  lines.log('a-1', 'oops', 'stderr');
  expect(texts).toEqual({ out: '', err: 'a-1  | oops\n' });
});

test('each container has the next of ten colours', () => {
  const { texts, lines } = opened({ coloured: true });
  for (let number = 1; number <= 11; number += 1) lines.log(`c-${number}`, 'x');
  const colours = texts.out.match(/(?<=\[)[\d;]+(?=mc-)/g);
  expect(colours).toEqual(['36', '33', '32', '35', '34', '36;1', '33;1', '32;1', '35;1', '34;1', '36']);
});

test('a hook of a container has its colour', () => {
  const { texts, lines } = opened({ coloured: true });
  lines.log('web-1', 'x');
  lines.log('other-1', 'x');
  lines.log('web-1 ->', 'x');
  expect(texts.out).toContain('\x1b[36mweb-1 ->  | \x1b[0mx\n');
});

test('watch has a mark and a green of its own', () => {
  const { texts, lines } = opened({ coloured: true });
  lines.log('web-1', 'x');
  lines.log(WATCH_LOGGER, 'Watch enabled');
  expect(texts.out).toContain(`\x1b[92m${' '.repeat(7)} ⦿ \x1b[0mWatch enabled\n`);
});

test('without prefixes the lines are as the containers wrote them', () => {
  const { texts, lines } = opened({ prefixed: false });
  lines.log('web-1', 'x');
  expect(texts.out).toBe('x\n');
});

test('a time stands before each line when it is wanted', () => {
  const { texts, lines } = opened({ timestamps: true });
  lines.log('web-1', 'x');
  expect(texts.out).toMatch(/^web-1 {2}\| \d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}(Z|[+-]\d\d:\d\d) x\n$/);
});

test('what becomes of a container is said over the beginning of the line', () => {
  const { texts, lines } = opened();
  lines.status('web-1', 'exited with code 3');
  expect(texts.out).toBe('\r\x1b[Kweb-1 exited with code 3\n');
});
