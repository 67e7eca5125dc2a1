import { closeSync, openSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { directStreams, mayHandOver, NO_STREAMS } from '#container/streams.ts';
import { run } from '#sys/process.ts';
import { temporaryDirectory, unprivileged } from '#test/support/store.ts';

function opened(path: string, options: { root: boolean }): boolean {
  const fd = openSync(path, 'r+');
  try {
    return mayHandOver(fd, options);
  } finally {
    closeSync(fd);
  }
}

test('/dev/null is for everybody', () => {
  expect(opened('/dev/null', { root: false })).toBe(true);
});

test('another device is for root alone', () => {
  expect(opened('/dev/zero', { root: true })).toBe(true);
  expect(opened('/dev/zero', { root: false })).toBe(false);
});

test('a terminal is for nobody', () => {
  expect(opened('/dev/ptmx', { root: true })).toBe(false);
});

test.skipIf(unprivileged)("the user's own file is for root alone: the runtime would give it away", () => {
  const path = join(temporaryDirectory(), 'letter');
  writeFileSync(path, '');
  expect(opened(path, { root: true })).toBe(true);
  expect(opened(path, { root: false })).toBe(false);
});

test.skipIf(unprivileged)('a pipe with a name is a file', async () => {
  const path = join(temporaryDirectory(), 'pipe');
  await run('mkfifo', [path]);
  expect(opened(path, { root: true })).toBe(true);
  expect(opened(path, { root: false })).toBe(false);
});

test('the monitor gets all streams but those of a terminal', () => {
  const wanted = { stdin: true, stdout: true, stderr: false };
  expect(directStreams(wanted, { terminal: false })).toEqual(wanted);
  expect(directStreams(wanted, { terminal: true })).toEqual(NO_STREAMS);
});
