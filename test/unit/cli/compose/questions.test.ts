import { expect, test } from 'vitest';
import { isOn, isYes } from '#cli/compose/questions.ts';

test.each(['1', 't', 'T', 'true', 'True', 'TRUE', 'tRuE', 'y', 'Y', ' y', ' true '])('%j is a yes', (word) => {
  expect(isYes(word)).toBe(true);
});

test.each(['', ' ', '0', 'f', 'false', 'n', 'no', 'yes', 'YES', 'yup', 'on', '2', 'y y'])('%j is none', (word) => {
  expect(isYes(word)).toBe(false);
});

test('a switch of the environment is on by such a word; what is not there is off', () => {
  const environment = { A: 'y', B: ' true ', C: 'yes', D: undefined };
  expect(['A', 'B', 'C', 'D', 'E'].filter((name) => isOn(name, environment))).toEqual(['A', 'B']);
});
