import { expect, test } from 'vitest';
import { compactJson, goJson, indentJson } from '#base/go-json.ts';

const TEXT = '{ "2":1.50,"1" : [ ],\n "a" :{"b":[true,"x, [y]: \\"z\\" {"]}, "e":{} }\n';

test('text is written with other space, and nothing else: numbers, order and escapes stay', () => {
  expect(compactJson(TEXT)).toBe('{"2":1.50,"1":[],"a":{"b":[true,"x, [y]: \\"z\\" {"]},"e":{}}');
  expect(indentJson(TEXT, '\t')).toBe(
    '{\n\t"2": 1.50,\n\t"1": [],\n\t"a": {\n\t\t"b": [\n\t\t\ttrue,\n\t\t\t"x, [y]: \\"z\\" {"\n\t\t]\n\t},\n\t"e": {}\n}\n',
  );
});

test('indented text is as JSON.stringify() has it', () => {
  const value = { a: [1, { b: [] }, 'c'], d: { e: null } };
  expect(indentJson(JSON.stringify(value), '   ')).toBe(JSON.stringify(value, null, 3));
});

test('what looks like HTML is escaped, as Go does', () => {
  expect(goJson({ a: '<b> & \u2028' })).toBe('{"a":"\\u003cb\\u003e \\u0026 \\u2028"}');
});
