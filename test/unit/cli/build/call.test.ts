import { expect, test } from 'vitest';
import { parseMethod } from '#cli/build/call.ts';

test.each<[string, boolean, unknown]>([
  ['build', false, undefined],
  ['build', true, { name: 'check', json: false, ignoreStatus: false }],
  ['lint', false, { name: 'check', json: false, ignoreStatus: false }],
  ['outline,format=json', true, { name: 'outline', json: true, ignoreStatus: false }],
  ['subrequests.describe', false, { name: 'subrequests.describe', json: false, ignoreStatus: false }],
  ['check,ignorestatus=true', false, { name: 'check', json: false, ignoreStatus: true }],
])('--call=%s with --check=%s', (call, check, expected) => {
  expect(parseMethod({ call, check })).toEqual(expected);
});

test.each([
  ['check,foo=bar', 'invalid print field: foo=bar'],
  ['check,outline', 'invalid print value: check,outline'],
  ['foo', 'unsupported request frontend.foo'],
])('--call=%s is refused', (call, message) => {
  expect(() => parseMethod({ call, check: false })).toThrow(message);
});
