import { expect, test } from 'vitest';
import { findDirective } from '#build/dockerfile/directives.ts';

test.each([
  ['# syntax=a/b:1 extra\n', 'a/b:1 extra'],
  ['\ufeff#!/usr/bin/env x\n#Syntax = a\r\nFROM x', 'a'],
  ['# escape=`\n# syntax=a', 'a'],
  ['// syntax=a\n', 'a'],
  ['//escape=x\n//syntax=a\n', 'a'],
  ['{"syntax": "a", "x": [1]}', 'a'],
  ['# other\n# syntax=a', undefined],
  ['\n# syntax=a', undefined],
  ['{"syntax": 1}', undefined],
  ['{"syntax": "a"', undefined],
  ['', undefined],
])('the syntax of %j is found where BuildKit finds it', (text, wanted) => {
  expect(findDirective(text, 'syntax')).toBe(wanted);
});

test('checks are named in comments alone', () => {
  expect(findDirective('#!x\n# check=skip=all\n', 'check')).toBe('skip=all');
  expect(findDirective('// check=skip=all\n', 'check')).toBeUndefined();
});
