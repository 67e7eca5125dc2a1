import { mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { watchFiles } from '#compose/watch/files.ts';
import { temporaryDirectory } from '#test/support/store.ts';

let at = '';
let seen: Set<string>;
let watching: Disposable | undefined;

beforeEach(() => {
  at = temporaryDirectory();
  seen = new Set();
  mkdirSync(join(at, 'src/deep'), { recursive: true });
});
afterEach(() => watching?.[Symbol.dispose]());

function start(...roots: string[]): void {
  watching = watchFiles({
    roots: roots.map((root) => join(at, root)),
    isClosed: (directory) => directory.endsWith('/node_modules'),
    changed: (path) => seen.add(path.slice(at.length + 1)),
  });
}
const write = (path: string) => writeFileSync(join(at, path), 'x');
const told = (...paths: string[]) => vi.waitFor(() => expect([...seen]).toEqual(expect.arrayContaining(paths)));

test('tells of files that come, change and go, at any depth', async () => {
  start('src');
  write('src/a');
  write('src/deep/b');
  await told('src/a', 'src/deep/b');
  seen.clear();
  rmSync(join(at, 'src/deep/b'));
  await told('src/deep/b');
});

test('tells of what is in a directory that comes, and of what comes into it later', async () => {
  start('src');
  mkdirSync(join(at, 'new/x'), { recursive: true });
  write('new/x/early');
  renameSync(join(at, 'new'), join(at, 'src/new'));
  await told('src/new', 'src/new/x/early');
  write('src/new/x/late');
  await told('src/new/x/late');
});

test('tells nothing of what is beside, nor of what is closed', async () => {
  mkdirSync(join(at, 'src/node_modules'));
  start('src');
  write('beside');
  write('src/node_modules/a');
  write('src/last');
  await told('src/last');
  expect([...seen]).toEqual(['src/last']);
});

test('a file may be replaced, as editors do', async () => {
  write('conf');
  start('conf');
  for (const round of ['one', 'two']) {
    write(`conf.${round}`);
    renameSync(join(at, `conf.${round}`), join(at, 'conf'));
    await told('conf');
    seen.clear();
  }
});

test('a path need not be there yet', async () => {
  start('later/on');
  mkdirSync(join(at, 'later/on'), { recursive: true });
  write('later/on/a');
  await told('later/on/a');
  write('later/on/b');
  await told('later/on/b');
});

test('a directory that was removed may come again', async () => {
  start('src');
  rmSync(join(at, 'src'), { recursive: true });
  await told('src');
  mkdirSync(join(at, 'src/deep'), { recursive: true });
  await vi.waitFor(() => {
    write('src/deep/again');
    expect([...seen]).toContain('src/deep/again');
  });
});
