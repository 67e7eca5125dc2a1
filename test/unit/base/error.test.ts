import { expect, test } from 'vitest';
import { asInvalid, hasCode, WherryError } from '#base/error.ts';

test('an error carries its kind, its hint and what caused it', () => {
  const cause = new Error('ENOENT');
  const error = new WherryError('not-found', 'No such container: web', { hint: 'Run `wherry ps -a`', cause });
  expect(error).toMatchObject({ kind: 'not-found', hint: 'Run `wherry ps -a`', cause, exitCode: undefined });
});

test('asInvalid() takes the kind from an expected failure, not its words and its hint, and leaves all else as it is', () => {
  const error = new WherryError('not-found', 'manifest unknown', { hint: 'Push it', exitCode: 127 });
  const told = asInvalid(error);
  expect(told).toBeInstanceOf(WherryError);
  expect(told).toMatchObject({ kind: 'invalid', message: 'manifest unknown', hint: 'Push it', cause: error });
  expect(told).toMatchObject({ exitCode: undefined });
  const defect = new TypeError('x');
  expect(asInvalid(defect)).toBe(defect);
});

test.each([
  [Object.assign(new Error(), { code: 'ENOENT' }), true],
  [Object.assign(new Error(), { code: 'EACCES' }), false],
  [new Error('plain'), false],
  [undefined, false],
  ['ENOENT', false],
])('hasCode() tells an error of the system from others: %s', (error, expected) => {
  expect(hasCode(error, 'ENOENT', 'ENOTDIR')).toBe(expected);
});
