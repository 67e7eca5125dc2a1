import { copyFileSync, openSync, readFileSync, renameSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { guardRuntime } from '#oci/runtime-guard.ts';
import { umount } from '#sys/ffi.ts';
import { run } from '#sys/process.ts';
import { temporaryDirectory, unprivileged } from '#test/support/store.ts';

const RUNC = { path: '/usr/bin/runc', kind: 'runc' } as const;
const mountsAt = (path: string) => readFileSync('/proc/self/mountinfo', 'utf8').split(` ${path} `).length - 1;

test('another runtime than crun guards itself', () => {
  expect(guardRuntime(RUNC, temporaryDirectory())).toEqual({ ...RUNC, env: {} });
});

test('crun guards itself where it cannot be mounted', () => {
  const crun = { path: '/bin/true', kind: 'crun' } as const;
  expect(guardRuntime(crun, '/proc')).toEqual({ ...crun, env: {} });
});

test.skipIf(unprivileged)('crun is run from a read-only mount that follows its updates (needs root)', async () => {
  const directory = temporaryDirectory();
  const crun = { path: join(directory, 'crun'), kind: 'crun' } as const;
  const place = join(directory, 'bin/crun');
  onTestFinished(() => umount(place, { lazy: true }));
  copyFileSync('/bin/true', crun.path);
  const guarded = guardRuntime(crun, directory);
  expect(guarded).toEqual({ ...crun, path: place, env: { _LIBCONTAINER_CLONED_BINARY: '1' } });
  expect((await run(place, [])).status).toBe(0);
  expect(() => openSync(place, 'r+')).toThrow('EROFS');

  expect(guardRuntime(crun, directory)).toEqual(guarded);
  expect(mountsAt(place)).toBe(1);

  copyFileSync('/bin/false', join(directory, 'new'));
  renameSync(join(directory, 'new'), crun.path);
  expect(guardRuntime(crun, directory)).toEqual(guarded);
  expect((await run(place, [])).status).toBe(1);
  expect(statSync(place).ino).toBe(statSync(crun.path).ino);
  expect(mountsAt(place)).toBe(1);
});
