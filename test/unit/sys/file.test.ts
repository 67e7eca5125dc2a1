import { mkdirSync, readdirSync, readFileSync, renameSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { asStorageError, lock, readJson, readText, removeTree, replace, reserve, tryLock } from '#sys/file.ts';
import { temporaryDirectory } from '#test/support/store.ts';

test('replace() puts the new content in place and leaves no staging file behind', () => {
  const directory = temporaryDirectory();
  const path = join(directory, 'record.json');
  replace(path, 'old');
  replace(path, 'new', { durable: true, mode: 0o640 });
  expect(readFileSync(path, 'utf8')).toBe('new');
  expect(statSync(path).mode & 0o777).toBe(0o640);
  expect(readdirSync(directory)).toEqual(['record.json']);
});

test('replace() leaves the old file when the new one cannot be written', () => {
  const directory = temporaryDirectory();
  mkdirSync(join(directory, 'record.json'));
  expect(() => replace(join(directory, 'record.json'), 'new')).toThrow();
  expect(readdirSync(directory)).toEqual(['record.json']);
});

test('reserve() lets exactly one of two win, and the loser changes nothing', () => {
  const path = join(temporaryDirectory(), 'name');
  expect(reserve(path, 'first')).toBe(true);
  expect(reserve(path, 'second')).toBe(false);
  expect(readFileSync(path, 'utf8')).toBe('first');
});

test('readText() and readJson() give undefined for what is not there', () => {
  const path = join(temporaryDirectory(), 'nothing');
  expect(readText(path)).toBeUndefined();
  expect(readJson(path)).toBeUndefined();
});

test('readJson() names the file that is damaged', () => {
  const path = join(temporaryDirectory(), 'torn.json');
  writeFileSync(path, '{"id": "abc');
  expect(() => readJson(path)).toThrow(
    expect.objectContaining({ kind: 'corrupt', message: expect.stringContaining(path) }),
  );
});

test('a full disk becomes one clear error with a hint', () => {
  const error = asStorageError(Object.assign(new Error(), { code: 'ENOSPC' }), '/data/x');
  expect(error).toMatchObject({ kind: 'unavailable', message: 'Cannot write in "/data": no space left on the device' });
});

test('a lock is held by one at a time, and by many when it is shared', async () => {
  const path = temporaryDirectory();
  {
    using held = await lock(path);
    expect(held.fd).toBeGreaterThan(2);
    expect(await tryLock(path)).toBeUndefined();
  }
  using one = await lock(path, { shared: true });
  using two = await tryLock(path, { shared: true });
  expect(one.fd).not.toBe(two?.fd);
  expect(await tryLock(path)).toBeUndefined();
});

test('lock() waits until the other one lets go', async () => {
  const path = temporaryDirectory();
  const first = await lock(path);
  let got = false;
  const second = lock(path).then((held) => {
    got = true;
    return held;
  });
  expect(got).toBe(false);
  first[Symbol.dispose]();
  using _held = await second;
  expect(got).toBe(true);
});

test('removeTree() takes away a whole tree and is content when there is none', () => {
  const directory = join(temporaryDirectory(), 'tree');
  mkdirSync(join(directory, 'a/b'), { recursive: true });
  removeTree(directory);
  removeTree(directory);
  expect(readText(directory)).toBeUndefined();
});

test('a lock is on what the path leads to when it is got, not on what was there when it was asked for', async () => {
  const directory = temporaryDirectory();
  const path = join(directory, 'thing');
  mkdirSync(path);
  const first = await lock(path);
  const next = lock(path);
  // It has asked by now, and asks again.
  await new Promise((resolve) => setTimeout(resolve, 20));
  renameSync(path, join(directory, 'gone'));
  mkdirSync(path);
  first[Symbol.dispose]();
  const second = await next;
  expect(await tryLock(path)).toBeUndefined();
  const late = lock(path);
  renameSync(path, join(directory, 'gone too'));
  second[Symbol.dispose]();
  await expect(late).rejects.toMatchObject({ code: 'ENOENT' });
});
