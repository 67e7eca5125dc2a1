import { stripVTControlCharacters } from 'node:util';
import { expect, test } from 'vitest';
import { drawMenu, ERASE, menuText } from '#cli/compose/menu.ts';

/** The rows that are written to. */
const rowsOf = (drawn: string): number[] => [...drawn.matchAll(/\[(\d+);0H/g)].map(([, row]) => Number(row));

test('the menu says what its key does now', () => {
  expect(stripVTControlCharacters(menuText(false))).toBe('w Enable Watch');
  expect(stripVTControlCharacters(menuText(true))).toBe('w Disable Watch');
});

test('it stands on the last row, and the cursor goes back to where the next line comes', () => {
  const drawn = drawMenu(menuText(false), undefined, { columns: 80, rows: 24 });
  expect(rowsOf(drawn)).toEqual([24]);
  expect(drawn.startsWith(`${ERASE}\x1b[2K\n\x1b[0G\x1b[2K\n\x1b[0G\x1b[2A`)).toBe(true);
  expect(drawn.endsWith('\x1b[0G\x1b8')).toBe(true);
});

test('where the terminal is narrow it has the rows that it needs', () => {
  expect(rowsOf(drawMenu(menuText(false), undefined, { columns: 10, rows: 24 }))).toEqual([23]);
});

test('what a key could not do stands above it', () => {
  const drawn = drawMenu(menuText(false), '\x1b[1mWatch\x1b[0m  no', { columns: 80, rows: 24 });
  expect(rowsOf(drawn)).toEqual([23, 24]);
  expect(drawn).toContain('\x1b[3A');
  expect(rowsOf(drawMenu(menuText(false), 'x'.repeat(70), { columns: 60, rows: 10 }))).toEqual([8, 10]);
});

test('a terminal of one row has it all the same', () => {
  expect(rowsOf(drawMenu(menuText(false), 'no', { columns: 80, rows: 1 }))).toEqual([1, 1]);
});
