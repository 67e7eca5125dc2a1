import { chmodSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { CONSOLE, findRuntime, type Runtime, runtimeCommand } from '#oci/runtime.ts';
import { temporaryDirectory } from '#test/support/store.ts';

/** A directory with these programs, to be the whole $PATH. */
function programs(...names: string[]): string {
  const directory = temporaryDirectory();
  for (const name of names) {
    writeFileSync(join(directory, name), '#!/bin/sh\n');
    chmodSync(join(directory, name), 0o755);
  }
  return directory;
}

describe('the runtime', () => {
  test('is crun where it is there, whatever else is', () => {
    const PATH = programs('runc', 'crun');
    expect(findRuntime('', { PATH })).toEqual({ path: join(PATH, 'crun'), kind: 'crun' });
  });

  test('is the one of the environment where none was asked for, also by the name that containerd has for it', () => {
    const PATH = programs('crun', 'my-youki');
    const env = { PATH, WHERRY_RUNTIME: join(PATH, 'my-youki') };
    for (const name of ['', 'io.containerd.runc.v2']) expect(findRuntime(name, env).kind).toBe('youki');
    expect(findRuntime('crun', env).kind).toBe('crun');
  });

  test('may be any program by its path', () => {
    const path = join(programs('kata'), 'kata');
    expect(findRuntime(path)).toEqual({ path, kind: 'other' });
  });

  test.each(['nope', '/nope', 'bin/sh', '/etc/passwd'])('%s is refused in the words of Docker', (name) => {
    expect(() => findRuntime(name)).toThrow(`unknown or invalid runtime name: ${name}`);
  });
});

const place = { root: '/r', cgroupManager: 'systemd' } as const;
const crun: Runtime = { path: '/usr/bin/crun', kind: 'crun' };
const runc: Runtime = { path: '/usr/sbin/runc', kind: 'runc' };

describe('a command line', () => {
  test('of crun names the cgroup manager, whichever it is', () => {
    expect(runtimeCommand(crun, { ...place, cgroupManager: 'disabled', log: '/l' }).state('id')).toEqual([
      '/usr/bin/crun',
      '--root',
      '/r',
      '--log',
      '/l',
      '--log-format',
      'json',
      '--cgroup-manager=disabled',
      'state',
      'id',
    ]);
  });

  test.each([
    ['systemd', ['--systemd-cgroup']],
    ['cgroupfs', []],
    ['disabled', []],
  ] as const)('of runc has for %s %j', (cgroupManager, flags) => {
    const words = runtimeCommand(runc, { root: '/r', cgroupManager }).pause('id');
    expect(words).toEqual(['/usr/sbin/runc', '--root', '/r', ...flags, 'pause', 'id']);
  });

  test('that starts a container has a place for the socket of its terminal, where it has one', () => {
    const { run } = runtimeCommand(runc, { root: '/r', cgroupManager: 'disabled' });
    const call = { id: 'id', bundle: '/b', pidFile: '/p', terminal: false };
    const words = ['/usr/sbin/runc', '--root', '/r', 'run', '--detach', '--pid-file', '/p', '--bundle', '/b', 'id'];
    expect(run(call)).toEqual(words);
    expect(run({ ...call, terminal: true })).toEqual(words.toSpliced(7, 0, CONSOLE));
  });

  test('kills, deletes and resumes', () => {
    const of = runtimeCommand(runc, { root: '/r', cgroupManager: 'disabled' });
    expect(of.kill('id', 15).slice(3)).toEqual(['kill', 'id', '15']);
    expect(of.kill('id', 'KILL', { all: true }).slice(3)).toEqual(['kill', '--all', 'id', 'KILL']);
    expect(of.delete('id').slice(3)).toEqual(['delete', '--force', 'id']);
    expect(of.delete('id', { force: false }).slice(3)).toEqual(['delete', 'id']);
    expect(of.resume('id').slice(3)).toEqual(['resume', 'id']);
  });
});
