import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { embeddedArchive, findTool, host, installation, needTool } from '#sys/host.ts';
import { temporaryDirectory } from '#test/support/store.ts';

const launched = {
  WHERRY_RUNTIME_DIR: '/run/user/7/wherry',
  WHERRY_NAMESPACE: 'user',
  HOME: '/home/ann',
  WHERRY_UID: '7',
};

test.each([
  ['the home directory by default', {}, '/home/ann/.local/share/wherry'],
  ['where XDG_DATA_HOME says', { XDG_DATA_HOME: '/data' }, '/data/wherry'],
  ['not where a relative XDG_DATA_HOME says', { XDG_DATA_HOME: 'data' }, '/home/ann/.local/share/wherry'],
  ["in /var/lib for the machine's root", { WHERRY_NAMESPACE: 'root' }, '/var/lib/wherry'],
  ['where WHERRY_ROOT says', { WHERRY_ROOT: '/elsewhere' }, '/elsewhere'],
])('the store is in %s', (_where, env, root) => {
  expect(host({ ...launched, ...env })).toMatchObject({ root, uid: 7, runtime: '/run/user/7/wherry' });
});

test('without the launcher nothing starts, and the error says what to run', () => {
  expect(() => host({})).toThrow(
    expect.objectContaining({ kind: 'unsupported', hint: 'Run bin/wherry, not dist/main.js' }),
  );
});

test('a tool is found in PATH first, and never in a relative directory of it', () => {
  const directory = temporaryDirectory();
  mkdirSync(join(directory, 'bin'));
  const tool = join(directory, 'bin/wherry-test-tool');
  writeFileSync(tool, '#!/bin/sh\n');
  expect(findTool('wherry-test-tool', { PATH: join(directory, 'bin') })).toBeUndefined();
  chmodSync(tool, 0o755);
  expect(findTool('wherry-test-tool', { PATH: `.:${join(directory, 'bin')}` })).toBe(tool);
  expect(findTool('wherry-test-tool', { PATH: 'bin' })).toBeUndefined();
});

test('a missing tool is named with the package that brings it', () => {
  expect(() => needTool('no-such-tool', 'the-package')).toThrow(
    expect.objectContaining({ kind: 'unsupported', hint: expect.stringContaining('apt install the-package') }),
  );
});

test('archives that came with the installation are found beside it', () => {
  const directory = temporaryDirectory();
  expect(installation({ WHERRY_HOME: directory })).toBe(directory);
  expect(embeddedArchive('no-such-image')).toBeUndefined();
});
