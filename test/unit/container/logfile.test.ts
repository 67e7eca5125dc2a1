import { appendFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { LogFile, openAll, openLog, openNewer, parseEntry, parsePlainEntry } from '#container/logfile.ts';
import { temporaryDirectory } from '#test/support/store.ts';

const at = () => join(temporaryDirectory(), 'log');

test.each([
  ['2026-01-02T03:04:05.123456789+00:00 stdout F a b', 'a b\n', 'stdout', '2026-01-02T03:04:05.123456789Z'],
  ['2026-01-02T03:04:05.5+01:00 stderr P a', 'a', 'stderr', '2026-01-02T02:04:05.500000000Z'],
  ['2026-01-02T03:04:05Z stdout F ', '\n', 'stdout', '2026-01-02T03:04:05.000000000Z'],
])('the line %j of a k8s-file is read', (line, log, stream, time) => {
  expect(parsePlainEntry(line)).toEqual({ log, stream, time, attrs: {} });
});

test('what is no line of a k8s-file is passed over', () => {
  expect(parsePlainEntry('torn')).toBeUndefined();
});

describe('parseEntry()', () => {
  test('reads a line with all its parts', () => {
    const line = '{"log":"hi\\n","stream":"stderr","attrs":{"a":"1"},"time":"2026-01-02T03:04:05.5Z"}';
    expect(parseEntry(line)).toEqual({
      log: 'hi\n',
      stream: 'stderr',
      time: '2026-01-02T03:04:05.500000000Z',
      attrs: { a: '1' },
    });
  });

  test.each([
    'plain\n',
    'no end',
    '',
    '\n',
    'a "quoted" word\n',
    'ends with a quote"\n',
    'ends with a backslash\\\n',
    '\\n',
    '","stream":"stderr","time":"x"}\n',
    'umlaut ü, emoji 😀, control \u0001\n',
  ])('reads %j as it was written', (log) => {
    const line = JSON.stringify({ log, stream: 'stderr', time: '2026-01-02T03:04:05.123456789Z' });
    expect(parseEntry(line)).toEqual({ log, stream: 'stderr', time: '2026-01-02T03:04:05.123456789Z', attrs: {} });
  });

  test('finds what was written behind a torn line', () => {
    const line = '{"log":"to{"log":"next\\n","stream":"stdout","time":"2026-01-02T03:04:05Z"}';
    expect(parseEntry(line)?.log).toBe('next\n');
  });

  test.each(['', '{"log":"torn', 'null', '[]', '{"stream":"stdout"}', 'rubbish'])('%j is no line', (line) => {
    expect(parseEntry(line)).toBeUndefined();
  });
});

describe('a log file', () => {
  test('is read in whole lines, and further as it grows', () => {
    const path = at();
    writeFileSync(path, 'one\ntwo\nthr');
    const file = openLog(path);
    expect(file?.read()).toEqual(['one', 'two']);
    expect(file?.read()).toEqual([]);
    expect(file?.remainder()).toBe('thr');
    appendFileSync(path, 'ee\n');
    expect(file?.read()).toEqual(['three']);
    file?.close();
  });

  test('may have lines longer than any buffer', () => {
    const path = at();
    const long = 'x'.repeat(200_000);
    writeFileSync(path, `${long}\nshort\n`);
    const file = openLog(path);
    const lines: string[] = [];
    for (let some = file?.read() ?? []; some.length > 0; some = file?.read() ?? []) lines.push(...some);
    expect(lines).toEqual([long, 'short']);
    file?.close();
  });

  test.each([
    [0, [], 0],
    [1, ['c'], 0],
    [3, ['a', 'b', 'c'], 0],
    [5, ['a', 'b', 'c'], 2],
  ])('the last %i lines', (count, lines, missing) => {
    const path = at();
    writeFileSync(path, 'a\nb\nc\n');
    const file = openLog(path);
    expect(file?.seekTail(count)).toBe(missing);
    expect(file?.read()).toEqual(lines);
    file?.close();
  });

  test('the last lines are found across buffers', () => {
    const path = at();
    writeFileSync(path, Array.from({ length: 30_000 }, (_, number) => `line ${number}\n`).join(''));
    const file = openLog(path);
    file?.seekTail(20_000);
    expect(file?.read()[0]).toBe('line 10000');
    file?.close();
  });

  test('an empty file has no last lines', () => {
    const path = at();
    writeFileSync(path, '');
    expect(openLog(path)?.seekTail(3)).toBe(3);
  });
});

describe('rotation', () => {
  test('all files come, oldest first', () => {
    const path = at();
    writeFileSync(`${path}.2`, 'a\n');
    writeFileSync(`${path}.1`, 'b\n');
    writeFileSync(path, 'c\n');
    expect(openAll(path).flatMap((file) => file.read())).toEqual(['a', 'b', 'c']);
  });

  test('what is newer than a file that moved on is found', () => {
    const path = at();
    writeFileSync(path, 'a\n');
    const known = new LogFile(path);
    renameSync(path, `${path}.2`);
    writeFileSync(`${path}.1`, 'b\n');
    writeFileSync(path, 'c\n');
    expect(openNewer(path, known).flatMap((file) => file.read())).toEqual(['b', 'c']);
  });

  test('a number that is missing in the middle of a rotation hides nothing older', () => {
    const path = at();
    writeFileSync(`${path}.3`, 'a\n');
    writeFileSync(`${path}.1`, 'b\n');
    const known = new LogFile(`${path}.3`);
    expect(openAll(path).flatMap((file) => file.read())).toEqual(['a', 'b']);
    expect(openNewer(path, known).flatMap((file) => file.read())).toEqual(['b']);
  });

  test('what was compressed is read, and known to whoever has read it before', () => {
    const path = at();
    const [old, newer] = ['a\n', 'b\n'];
    writeFileSync(path, old);
    const known = new LogFile(path);
    rmSync(path);
    writeFileSync(`${path}.2.gz`, gzipSync(old));
    writeFileSync(`${path}.1.gz`, gzipSync(newer));
    writeFileSync(path, 'c\n');
    expect(openAll(path).flatMap((file) => file.read())).toEqual(['a', 'b', 'c']);
    expect(openNewer(path, known).flatMap((file) => file.read())).toEqual(['b', 'c']);
  });

  test('a file that is emptied is read from its beginning', () => {
    const path = at();
    writeFileSync(path, 'a long line\n');
    const file = openLog(path);
    file?.read();
    writeFileSync(path, 'b\n');
    file?.followCut();
    expect(file?.read()).toEqual(['b']);
  });

  test('a log that was never written has no files', () => {
    expect(openAll(at())).toEqual([]);
  });
});
