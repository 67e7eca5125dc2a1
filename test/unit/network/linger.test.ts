import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { lingerScript } from '#network/linger.ts';
import { isSameProcess, startTime } from '#sys/process.ts';
import { temporaryDirectory } from '#test/support/store.ts';

/** A folder as networks leave it, with processes that stand for pasta and aardvark-dns. */
function room(leases: object[], start?: number) {
  const folder = temporaryDirectory();
  const [server, names] = [spawn('sleep', ['600'], { stdio: 'ignore' }), spawn('sleep', ['600'], { stdio: 'ignore' })];
  const outside = { program: 'pasta', pid: server.pid ?? 0, start: start ?? startTime(server.pid ?? 0) ?? 0 };
  const dns = { pid: names.pid ?? 0, start: start ?? startTime(names.pid ?? 0) ?? 0 };
  const state = { bootId: 'b', bridges: [], leases, outside, lingerer: { pid: 1, start: 1 }, dns };
  writeFileSync(join(folder, 'state.json'), JSON.stringify(state));
  writeFileSync(join(folder, 'user'), '');
  return { folder, server, names, outside };
}

async function linger(folder: string): Promise<void> {
  await once(spawn('sh', ['-c', lingerScript(0)], { cwd: folder, stdio: 'ignore' }), 'close');
}

test('takes the namespace down, and ends what served it, when no container is left', async () => {
  const { folder, server, names } = room([]);
  const ended = Promise.all([once(server, 'close'), once(names, 'close')]);
  await linger(folder);
  expect(readdirSync(folder)).toEqual([]);
  expect(await ended).toEqual([
    [null, 'SIGTERM'],
    [null, 'SIGTERM'],
  ]);
});

test('leaves all as it is when somebody has come', async () => {
  const { folder, server, names, outside } = room([{ id: 'a', network: 'bridge', address: '172.17.0.2' }]);
  await linger(folder);
  expect(existsSync(join(folder, 'user'))).toBe(true);
  expect(isSameProcess(outside.pid, outside.start)).toBe(true);
  server.kill();
  names.kill();
});

test('ends no process that got the pid later', async () => {
  const { folder, server, names } = room([], 12345);
  await linger(folder);
  expect(existsSync(join(folder, 'user'))).toBe(false);
  expect(startTime(server.pid ?? 0)).toBeDefined();
  server.kill();
  names.kill();
});
