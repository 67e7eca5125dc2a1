import { appendFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { openAll, openLog, openNewer, parseEntry } from '#container/logfile.ts';
import { temporaryDirectory } from '#test/support/store.ts';

const at = () => join(temporaryDirectory(), 'log');

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
    const inode = openLog(path)?.inode ?? 0;
    renameSync(path, `${path}.2`);
    writeFileSync(`${path}.1`, 'b\n');
    writeFileSync(path, 'c\n');
    expect(openNewer(path, inode).flatMap((file) => file.read())).toEqual(['b', 'c']);
  });

  test('a number that is missing in the middle of a rotation hides nothing older', () => {
    const path = at();
    writeFileSync(`${path}.3`, 'a\n');
    writeFileSync(`${path}.1`, 'b\n');
    const inode = openLog(`${path}.3`)?.inode ?? 0;
    expect(openAll(path).flatMap((file) => file.read())).toEqual(['a', 'b']);
    expect(openNewer(path, inode).flatMap((file) => file.read())).toEqual(['b']);
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
