import { describe, expect, test } from 'vitest';
import { compareKeys, writeYaml } from '#compose/model/yaml.ts';

/** What yaml.v3 writes for each: seen in docker compose's output. */
describe('writeYaml() quotes a text only where it would be read as something else', () => {
  test.each([
    ['nginx:1.2', 'nginx:1.2'],
    ['yes', '"yes"'],
    ['Off', '"Off"'],
    ['null', '"null"'],
    ['', '""'],
    ['0755', '"0755"'],
    ['1.50', '"1.50"'],
    ['1_000', '"1_000"'],
    ['22:22', '"22:22"'],
    ['8080:80', '8080:80'],
    ['1.2.3', '1.2.3'],
    ['2024-01-02', '"2024-01-02"'],
    ['2024-13-02', '2024-13-02'],
    ['a: b', "'a: b'"],
    ['a #b', "'a #b'"],
    ["'x", "'''x'"],
    ['- x', "'- x'"],
    ['-x', '-x'],
    [' lead', "' lead'"],
    ['a\tb', '"a\\tb"'],
    ['😀', '"\\U0001F600"'],
    ['é', 'é'],
    ['\u0007', '"\\a"'],
  ])('%j is %s', (text, written) => {
    expect(writeYaml({ a: text })).toBe(`a: ${written}\n`);
  });
});

test('lines become a block, with a hint where it starts with a space and a mark for how it ends', () => {
  expect(writeYaml({ a: 'x\ny' })).toBe('a: |-\n  x\n  y\n');
  expect(writeYaml({ a: 'x\n\ny\n' })).toBe('a: |\n  x\n\n  y\n');
  expect(writeYaml({ a: ['x\n\n'] })).toBe('a:\n  - |+\n    x\n\n');
  expect(writeYaml({ a: ' x\ny' })).toBe('a: |2-\n   x\n  y\n');
  expect(writeYaml({ a: 'x \ny' })).toBe('a: "x \\ny"\n');
});

test('lists stand below their key, maps in lists on the line of the dash, empty ones in brackets', () => {
  expect(writeYaml({ a: [{ c: 1, b: [] }, [2]], d: {}, e: null })).toBe(
    'a:\n  - b: []\n    c: 1\n  - - 2\nd: {}\ne: null\n',
  );
});

test('a Map keeps its order, an object is sorted', () => {
  expect(
    writeYaml(
      new Map<string, number>([
        ['b', 1],
        ['a', 2],
      ]),
    ),
  ).toBe('b: 1\na: 2\n');
  expect(writeYaml({ b: 1, a: 2 })).toBe('a: 2\nb: 1\n');
});

test('keys are sorted as yaml.v3 does: numbers by their value, letters after other signs', () => {
  const keys = ['b', 'a10', 'a2', 'B', 'a', '_x', 'a-b', 'a_b', 'a.b', '10', '2', 'ab'];
  expect(keys.sort(compareKeys)).toEqual(['_x', '2', '10', 'B', 'a', 'a-b', 'a.b', 'a_b', 'a2', 'a10', 'ab', 'b']);
});
