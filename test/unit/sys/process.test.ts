import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { expect, test } from 'vitest';
import { isSameProcess, ownStart, run, signalProcess, startTime } from '#sys/process.ts';

test('run() gives status, output and errors of a program, and hands it its input', async () => {
  const done = await run('sh', ['-c', 'cat; echo oops >&2; exit 3'], { input: 'hello' });
  expect(done).toMatchObject({ status: 3, stdout: 'hello', stderr: 'oops\n' });
});

test('run() says which program is not installed', async () => {
  await expect(run('wherry-no-such-program', [])).rejects.toMatchObject({
    kind: 'unsupported',
    message: 'Cannot run "wherry-no-such-program": it is not installed',
  });
});

test('a process is known by its pid and its start time together', () => {
  const start = startTime(process.pid) ?? 0;
  expect(isSameProcess(process.pid, start)).toBe(true);
  expect(isSameProcess(process.pid, start + 1)).toBe(false);
  expect(isSameProcess(0, start)).toBe(false);
  expect(startTime(2 ** 22 + 1)).toBeUndefined();
});

test('ownStart() is when this process was forked', () => {
  expect(Math.abs(Date.now() - process.uptime() * 1000 - ownStart())).toBeLessThan(1000);
});

test('a signal reaches the process that was meant, and no other that has its number now', async () => {
  const child = spawn('sleep', ['1000']);
  const pid = child.pid ?? 0;
  const start = startTime(pid) ?? 0;
  expect(await signalProcess(pid, start + 1, 9)).toBe(false);
  const ended = once(child, 'exit');
  expect(await signalProcess(pid, start, 15)).toBe(true);
  expect(await ended).toEqual([null, 'SIGTERM']);
  expect(await signalProcess(pid, start, 15)).toBe(false);
});
