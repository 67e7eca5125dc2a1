import { expect, test } from 'vitest';
import { logPath, planLog } from '#container/logconfig.ts';
import { recordOf } from '#test/support/container.ts';
import { temporaryStore } from '#test/support/store.ts';

const plan = (Config: Record<string, string>, Type = 'json-file') =>
  planLog(
    temporaryStore(),
    recordOf({
      config: { Labels: { a: '1', b: '2' }, Env: ['X=2', 'Y'] },
      hostConfig: { LogConfig: { Type, Config } },
    }),
  );

test('by itself a log grows without end', () => {
  const store = temporaryStore();
  expect(planLog(store, recordOf())).toEqual({
    driver: 'json-file',
    path: logPath(store, recordOf().id),
    maxSize: -1,
    maxFile: 1,
    attributes: undefined,
  });
});

test('nothing is logged where that was asked for', () => {
  expect(plan({}, 'none')).toBeUndefined();
});

test.each([
  ['10k', 10_000],
  ['1.5m', 1_500_000],
  ['2GB', 2_000_000_000],
  ['77', 77],
  ['-1', -1],
])('max-size=%s is %i bytes', (text, bytes) => {
  expect(plan({ 'max-size': text })?.maxSize).toBe(bytes);
});

test.each([
  [{ 'max-size': 'abc' }, "invalid size: 'abc'"],
  [{ 'max-size': '-3' }, "invalid size: '-3'"],
  [{ 'max-size': '0' }, 'max-size must be a positive number'],
  [{ 'max-file': '0' }, 'max-file cannot be less than 1'],
  [{ 'max-file': 'x' }, 'strconv.Atoi: parsing "x": invalid syntax'],
  [{ compress: 'true' }, 'compress cannot be true when max-file is less than 2 or max-size is not set'],
  [{ tag: '{{.Nope}}' }, "can't evaluate field Nope"],
])('%j is refused in the words of Docker', (options, words) => {
  expect(() => plan(options as Record<string, string>)).toThrow(
    `failed to create task for container: failed to initialize logging driver: `,
  );
  expect(() => plan(options as Record<string, string>)).toThrow(words);
});

test('complete files are compressed where that was asked for, and by the driver "local" unasked', () => {
  expect(plan({ compress: 'true', 'max-size': '1k', 'max-file': '2' })?.compressor).toMatch(/gzip$/);
  expect(plan({ 'max-size': '1k', 'max-file': '2' })?.compressor).toBeUndefined();
  expect(plan({}, 'local')).toMatchObject({
    maxSize: 20_000_000,
    maxFile: 5,
    compressor: expect.stringMatching(/gzip$/),
  });
  expect(plan({ compress: 'false', 'max-size': '1k' }, 'local')).toMatchObject({ maxSize: 1024 });
});

test.each([
  [{ 'max-size': '-1' }, "invalid value for max-size: -1: invalid size: '-1'"],
  [{ 'max-file': 'x' }, 'invalid value for max-file: x: strconv.Atoi: parsing "x": invalid syntax'],
  [{ 'max-file': '0' }, 'compression cannot be enabled when max file count is 1'],
  [{ compress: 'x' }, 'error reading compress log option: strconv.ParseBool: parsing "x": invalid syntax'],
])('%j is refused by the driver "local"', (options, words) => {
  expect(() => plan(options as Record<string, string>, 'local')).toThrow(words);
});

test.each([
  ['(', 'missing closing ): `(`'],
  ['a[b', 'missing closing ]: `[b`'],
  ['*', 'missing argument to repetition operator: `*`'],
  ['a{2,1}', 'invalid repeat count: `{2,1}`'],
])('the regular expression %s is refused in the words of Go', (pattern, words) => {
  expect(() => plan({ 'labels-regex': pattern })).toThrow(`error parsing regexp: ${words}`);
});

test('a k8s-file is the container’s own, or where its option says', () => {
  expect(plan({}, 'k8s-file')).toMatchObject({ driver: 'k8s-file', path: expect.stringMatching(/ctr\.log$/) });
  expect(plan({ path: '/somewhere/log' }, 'k8s-file')?.path).toBe('/somewhere/log');
});

test('passthrough keeps no log', () => {
  expect(plan({}, 'passthrough')).toBeUndefined();
});

test.each([
  [
    { labels: 'a,z', env: 'X' },
    { X: '2', a: '1' },
  ],
  [{ 'labels-regex': '^[ab]$' }, { a: '1', b: '2' }],
  [{ 'env-regex': 'X|Y' }, { X: '2', Y: '' }],
  [{ tag: '{{.Name}}/{{.ID}}' }, { tag: 'web/cccccccccccc' }],
])('%j gives each line its attributes', (options, attributes) => {
  expect(plan(options as Record<string, string>)?.attributes).toEqual(attributes);
});
