import { expect, test } from 'vitest';
import { parseMode } from '#build/solve/mode.ts';

test.each([
  ['755', 0o644, false, 0o755],
  ['0640', 0o4777, false, 0o640],
  ['u=rwX,go=rX', 0o600, true, 0o755],
  ['u=rwX,go=rX', 0o600, false, 0o644],
  ['+x', 0o644, false, 0o755],
  ['+w', 0o444, false, 0o666],
  ['g+s,o-r', 0o644, false, 0o2640],
  ['a=,u+rw', 0o777, false, 0o600],
  ['a=,u+rX', 0o755, false, 0o500],
  ['o=u', 0o640, false, 0o646],
  ['+t', 0o777, true, 0o1777],
])('--chmod=%s makes of %i what BuildKit makes of it', (text, mode, isDirectory, wanted) => {
  expect(parseMode(text)(mode, isDirectory).toString(8)).toBe(wanted.toString(8));
});

test.each(['zz', '999', 'u=q', ''])('--chmod=%s is refused', (text) => {
  expect(() => parseMode(text)).toThrow('invalid chmod parameter');
});
