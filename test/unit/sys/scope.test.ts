import { chmodSync, existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, test } from 'vitest';
import { leaveSession, managerEnvironment, ownScope } from '#sys/scope.ts';
import { temporaryDirectory } from '#test/support/store.ts';

const SESSION = '0::/user.slice/user-1000.slice/session-4.scope\n';
const MANAGED = '0::/user.slice/user-1000.slice/user@1000.service/app.slice/terminal.scope\n';

let at = '';
const asked = () => (existsSync(join(at, 'asked')) ? readFileSync(join(at, 'asked'), 'utf8') : '');
const leave = (uid = 1000, env: NodeJS.ProcessEnv = { XDG_RUNTIME_DIR: at }) =>
  leaveSession(uid, { ...env, PATH: `${at}:/usr/bin:/bin` }, { own: join(at, 'own'), booted: join(at, 'booted') });

/** A busctl that notes what it is asked and, as systemd does, moves who asks; later than it says so. */
function bus(status: number, then = `sleep 0.05; echo "0::/user@1000.service/app.slice/$unit" >${at}/own`): void {
  const line = `#!/bin/sh
    printf '%s|' "$XDG_RUNTIME_DIR" "$@" >${at}/asked
    for unit; do case $unit in *.scope) break ;; esac; done
    { ${then}; } >/dev/null 2>&1 &
    exit ${status}\n`;
  writeFileSync(join(at, 'busctl'), line);
  chmodSync(join(at, 'busctl'), 0o755);
}

beforeEach(() => {
  at = temporaryDirectory();
  for (const name of ['booted', 'bus']) writeFileSync(join(at, name), '');
  writeFileSync(join(at, 'own'), SESSION);
  bus(0);
});

test('a process of a log-in session is in a scope of its own when this resolves', async () => {
  await leave();
  expect(readFileSync(join(at, 'own'), 'utf8')).toMatch(/app\.slice\/wherry-[0-9a-f]{16}\.scope\n$/);
  expect(asked()).toMatch(`${at}|--user|`);
  expect(asked()).toMatch(/\|StartTransientUnit\|ssa\(sv\)a\(sa\(sv\)\)\|wherry-[0-9a-f]{16}\.scope\|fail\|3\|/);
  expect(asked()).toMatch(`|PIDs|au|1|${process.pid}|0|`);
});

test('a manager that refuses leaves everything as it is', async () => {
  bus(1, 'true');
  await leave();
  expect(readFileSync(join(at, 'own'), 'utf8')).toBe(SESSION);
});

test('whom the user’s manager has already is not moved', async () => {
  writeFileSync(join(at, 'own'), MANAGED);
  await leave();
  expect(asked()).toBe('');
});

test('neither is root, nor anybody without a session bus', async () => {
  await leave(0);
  await leave(4_000_000, {});
  expect(asked()).toBe('');
});

describe('a scope of its own', () => {
  const own = (uid = 1000) =>
    ownScope(
      uid,
      { XDG_RUNTIME_DIR: at, PATH: `${at}:/usr/bin:/bin` },
      { own: join(at, 'own'), booted: join(at, 'booted') },
    );

  test('is had even by whom a unit of the user’s manager has started', async () => {
    writeFileSync(join(at, 'own'), MANAGED);
    await own();
    expect(readFileSync(join(at, 'own'), 'utf8')).toMatch(/wherry-[0-9a-f]{16}\.scope\n$/);
  });

  test('is not left for another', async () => {
    await own();
    writeFileSync(join(at, 'asked'), '');
    await own();
    expect(asked()).toBe('');
  });

  test('is given to root by the system’s manager', async () => {
    await own(0);
    expect(asked()).toMatch(`${at}|--system|`);
  });
});

test.each([
  [{}, '/run/user/1000'],
  [{ XDG_RUNTIME_DIR: '' }, '/run/user/1000'],
  [{ XDG_RUNTIME_DIR: '/elsewhere' }, '/elsewhere'],
])('with %j the manager is looked for in %s', (env, directory) => {
  expect(managerEnvironment(1000, { ...env, A: 'b' })).toEqual({ A: 'b', XDG_RUNTIME_DIR: directory });
});
