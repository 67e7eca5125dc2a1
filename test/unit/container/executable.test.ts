import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { hindranceOf, isDirectoryInRoot } from '#container/executable.ts';
import type { Process } from '#oci/spec.ts';
import { temporaryDirectory } from '#test/support/store.ts';

function directory(): string {
  const path = temporaryDirectory();
  writeFileSync(join(path, 'program'), '');
  chmodSync(join(path, 'program'), 0o755);
  writeFileSync(join(path, 'file'), '');
  mkdirSync(join(path, 'folder'));
  return path;
}

/** This process's own root stands for a container's. */
function why(command: string, cwd = '/'): string | undefined {
  const here = directory();
  const wish: Process = {
    user: { uid: 0, gid: 0 },
    args: [command.replace('HERE', here)],
    cwd: cwd.replace('HERE', here),
    env: [`PATH=/nonexistent:${here}`],
  };
  const found = hindranceOf(process.pid, wish);
  return found?.byKernel ? undefined : found?.why.replaceAll(here, 'HERE');
}

test.each(['program', 'HERE/program', './program'])('%s can be executed', (command) => {
  expect(why(command, 'HERE')).toBeUndefined();
});

test.each([
  ['nosuch', 'exec: "nosuch": executable file not found in $PATH'],
  ['', 'exec: "": executable file not found in $PATH'],
  ['HERE/nosuch', 'exec: "HERE/nosuch": stat HERE/nosuch: no such file or directory'],
  ['HERE/file', 'exec: "HERE/file": permission denied'],
  ['HERE/folder', 'exec: "HERE/folder": is a directory: permission denied'],
  ['file', 'exec: "file": permission denied'],
  ['folder', 'exec: "folder": executable file not found in $PATH'],
])('%j can not, as Docker says it', (command, words) => {
  expect(why(command)).toBe(words);
});

test.each([
  ['', 'exec HERE/it: exec format error'],
  ['echo hi\n', 'exec HERE/it: exec format error'],
  ['#!/nosuch/shell -e\n', 'exec HERE/it: no such file or directory'],
  ['#! /bin/sh\n', undefined],
  ['#!/bin/sh', undefined],
  ['\x7fELF', undefined],
])('the kernel takes a file that begins with %j: %s', (text, words) => {
  const here = temporaryDirectory();
  writeFileSync(join(here, 'it'), text, 'latin1');
  chmodSync(join(here, 'it'), 0o755);
  const wish = { user: { uid: 0, gid: 0 }, args: ['it'], cwd: '/', env: [`PATH=/nonexistent:${here}`] };
  const found = hindranceOf(process.pid, wish);
  expect(found?.why.replaceAll(here, 'HERE')).toBe(words);
  expect(found?.byKernel).toBe(words === undefined ? undefined : true);
});

test('the working directory is looked at first', () => {
  expect(why('program', '/nosuch')).toBe(
    'chdir to cwd ("/nosuch") set in config.json failed: no such file or directory',
  );
  expect(why('program', 'etc')).toBe('Cwd must be an absolute path');
});

test.each([
  ['/folder', true],
  ['./folder', true],
  ['/program', false],
  ['/nosuch', false],
  ['folder', false],
])('in a root that is not mounted as one, %s is a directory: %s', (command, is) => {
  expect(isDirectoryInRoot(directory(), '/', command)).toBe(is);
});
