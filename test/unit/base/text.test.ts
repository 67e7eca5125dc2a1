import { expect, test } from 'vitest';
import { columnsOf, ellipsis } from '#base/text.ts';

test.each([
  ['short', 10, 'short'],
  ['exactly ten', 11, 'exactly ten'],
  ['eleven long', 10, 'eleven lo…'],
  ['äöüß', 4, 'äöüß'],
  ['äöüßé', 4, 'äöü…'],
  ['日本語', 6, '日本語'],
  ['日本語', 5, '日本…'],
  ['日本語', 4, '日…'],
  ['a日本', 4, 'a日…'],
  ['👍👍👍', 5, '👍👍…'],
])('%s in %i columns is %s', (text, columns, expected) => {
  expect(ellipsis(text, columns)).toBe(expected);
});

test.each([
  ['', 0],
  ['plain', 5],
  ['cut…', 4],
  ['日本', 4],
  ['👍', 2],
])('%s takes %i columns', (text, columns) => {
  expect(columnsOf(text)).toBe(columns);
});
