import { describe, expect, test } from 'vitest';
import { lineOf, plainValue, readYaml } from '#compose/load/yaml.ts';

describe('an unquoted word is what go-yaml takes it for', () => {
  test.each<[string, unknown]>([
    ['0777', 511],
    ['0o17', 15],
    ['0b11', 3],
    ['0x1F', 31],
    ['-0x1f', -31],
    ['1_000', 1000],
    ['+12', 12],
    ['1.0', 1],
    ['1e3', 1000],
    ['.5', 0.5],
    ['5.', 5],
    ['0899', 899],
    ['12345678901234567890', 12345678901234567890n],
    ['123456789012345678901', 1.2345678901234568e20],
    ['.inf', Number.POSITIVE_INFINITY],
    ['~', null],
    ['NULL', null],
    ['TRUE', true],
    ['yes', undefined],
    ['1:30', undefined],
    ['2020-13-01', undefined],
    ['2020-01-01T10:00:00', undefined],
    ['1.2.3', undefined],
    ['tRUE', undefined],
    ['constructor', undefined],
  ])('%s', (word, value) => {
    expect(plainValue(word)).toEqual(value);
  });
});

const read = async (text: string) => (await readYaml(text, 'f.yaml')).map(({ value }) => value);

test.each([
  ['2024-1-1', '2024-01-01T00:00:00Z', '2024-01-01 00:00:00 +0000 UTC'],
  ['2001-12-14t21:59:43.10-05:00', '2001-12-14T21:59:43.1-05:00', '2001-12-14 21:59:43.1 -0500 -0500'],
  ['2001-12-14 21:59:43', '2001-12-14T21:59:43Z', '2001-12-14 21:59:43 +0000 UTC'],
])('%s is a time, as Go writes it', (word, json, text) => {
  const time = plainValue(word);
  expect(JSON.stringify(time)).toBe(JSON.stringify(json));
  expect(String(time)).toBe(text);
});

describe('a file', () => {
  test('has its documents, anchors and merge keys', async () => {
    expect(await read('x: &x {a: 1, b: 2}\ny: {<<: *x, b: 3}\n---\nz: [*y, 1]\n'.replace('[*y, 1]', '[1]'))).toEqual([
      { x: { a: 1, b: 2 }, y: { a: 1, b: 3 } },
      { z: [1] },
    ]);
    expect(await read('a: &a {k: 1}\nb: &b {l: 2}\nc: {<<: [*a, *b]}')).toMatchObject([{ c: { k: 1, l: 2 } }]);
  });

  test('gives each alias a copy of its own', async () => {
    const [{ a, b }] = (await read('a: &a [1]\nb: *a')) as [{ a: unknown[]; b: unknown[] }];
    a.push(2);
    expect(b).toEqual([1]);
  });

  test('of comments alone has no document', async () => {
    expect(await read('# nothing\n')).toEqual([]);
    expect(await read('')).toEqual([]);
    expect(await read('---\n')).toEqual([null]);
  });

  test('remembers what it resets and overrides', async () => {
    const [document] = await readYaml(
      's: {a: !reset null, b: !override [1], c: {d: !reset [1]}, e: [!reset 1, 2]}',
      'f',
    );
    expect(document).toEqual({
      value: { s: { b: [1], c: {}, e: [2] } },
      forgotten: [
        ['s', 'a'],
        ['s', 'b'],
        ['s', 'c', 'd'],
        ['s', 'e', '0'],
      ],
    });
  });

  test('keeps tags of others as text', async () => {
    expect(await read('a: !foo bar\nb: !!str 12\nc: !!int "3"\nd: !!binary aGk=')).toEqual([
      { a: 'bar', b: '12', c: 3, d: 'hi' },
    ]);
  });
});

describe('what is wrong with a file is said with its line', () => {
  test.each([
    ['a: 1\nb: 2\na: 3\n', 'failed to parse f.yaml: line 3: mapping key "a" already defined at line 1'],
    ['s:\n  a: {b: 1, c: 2, b: 3}\n', 'line 2: mapping key "b" already defined at line 2'],
    ['s:\n  a:\n    image: x\n    "image": y\n', 'line 4: mapping key "image" already defined at line 3'],
    ['a: *b', "failed to parse f.yaml: yaml: line 1: unknown anchor 'b' referenced"],
    ['a: &a [*a]', 'failed to parse f.yaml: cycle detected: node at path a.0 references itself'],
    ['a:\n  <<: text\n', 'line 2: map merge requires map or sequence of maps as the value'],
    ['a: {b: 1', 'failed to parse f.yaml: yaml: line '],
    ['a:\n\tb: 1', 'failed to parse f.yaml: yaml: line 2: '],
    ['s:\n  1: a\n', 'non-string key in s: 1'],
    ['~: a\n', 'non-string key at top level: <nil>'],
  ])('%j', async (text, message) => {
    await expect(readYaml(text, 'f.yaml')).rejects.toThrow(message);
  });

  test('aliases that multiply end soon', async () => {
    let text = 'a0: &a0 [x,x,x,x,x,x,x,x,x,x]\n';
    for (let i = 1; i < 9; i += 1)
      text += `a${i}: &a${i} [${Array(10)
        .fill(`*a${i - 1}`)
        .join(',')}]\n`;
    await expect(readYaml(text, 'f.yaml')).rejects.toThrow('yaml: document contains excessive aliasing');
  });

  test('so do brackets without end', async () => {
    await expect(readYaml('['.repeat(100_000), 'f.yaml')).rejects.toThrow('failed to parse f.yaml: yaml: ');
  });
});

describe('the line of a path', () => {
  const text =
    '# head\nservices:\n\n  # a comment\n  web:\n    image: x\n    ports:\n      - 80\n      - target: 1\n  db: {image: y}\n';
  test.each<[string, number]>([
    ['services', 2],
    ['services.web', 5],
    ['services.web.image', 6],
    ['services.web.ports', 7],
    ['services.web.ports.1', 9],
    ['services.web.ports.1.target', 9],
    ['services.web.missing', 5],
    ['services.db.image', 10],
  ])('%s', async (path, line) => {
    expect(await lineOf(text, path.split('.'))).toBe(line);
  });
});
