import { expect, test } from 'vitest';
import { hasCode, WherryError } from '#base/error.ts';

test('an error carries its kind, its hint and what caused it', () => {
  const cause = new Error('ENOENT');
  const error = new WherryError('not-found', 'No such container: web', { hint: 'Run `wherry ps -a`', cause });
  expect(error).toMatchObject({ kind: 'not-found', hint: 'Run `wherry ps -a`', cause, exitCode: undefined });
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
