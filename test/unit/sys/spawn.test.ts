import { closeSync, openSync, readFileSync, readSync, realpathSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { ended, memoryFile, socketPair, spawn } from '#sys/spawn.ts';
import { temporaryDirectory } from '#test/support/store.ts';

/** What a shell prints, and how it ends. */
async function shell(script: string, options: Partial<Parameters<typeof spawn>[2]> = {}, args: string[] = []) {
  const path = join(temporaryDirectory(), 'out');
  const out = openSync(path, 'w');
  const status = await ended(
    spawn('/bin/sh', ['-c', script, 'sh', ...args], { stdio: ['ignore', out, out], ...options }),
  );
  closeSync(out);
  return { status, printed: readFileSync(path, 'utf8') };
}

test.each([
  ['exit 0', 0],
  ['exit 3', 3],
  ['kill -9 $$', 137],
  ['kill -TERM $$', 143],
])('the end of `%s` is %i', async (script, status) => {
  expect(await shell(script)).toMatchObject({ status });
});

test('arguments and environment arrive as they are', async () => {
  const args = ['', 'a b', 'ü€𝄞', "it's\n"];
  const env = { EMPTY: '', TEXT: 'ü=1', UNSET: undefined };
  const { printed } = await shell('printf "<%s>" "$@" "$EMPTY" "$TEXT" "$UNSET" "$PATH$HOME"', { env }, args);
  // A shell has a PATH of its own where it gets none.
  expect(printed).toMatch(/^<><a b><ü€𝄞><it's\n><><ü=1><><\/usr.*>$/);
});

test('a program gets the descriptors it was given and no other of ours', async () => {
  const secret = openSync('/dev/zero', 'r');
  const { printed } = await shell(`for fd in 0 1 2 ${secret}; do [ -e /proc/$$/fd/$fd ] && echo $fd; done`);
  closeSync(secret);
  expect(printed).toBe('0\n1\n2\n');
});

test('descriptors may change places', async () => {
  const [one, other] = [memoryFile(), memoryFile()];
  writeSync(one, 'one');
  writeSync(other, 'other');
  // Targets up to the higher source's own number, and it must not be overwritten before it is used.
  const stdio = Array.from({ length: Math.max(one, other) + 1 }, () => 'ignore' as number | 'ignore');
  const path = join(temporaryDirectory(), 'out');
  stdio[1] = openSync(path, 'w');
  stdio[one] = other;
  stdio[other] = one;
  const script = `cat /proc/self/fd/${one}; printf " "; cat /proc/self/fd/${other}`;
  expect(await ended(spawn('/bin/sh', ['-c', script], { stdio }))).toBe(0);
  for (const fd of [one, other, stdio[1]]) closeSync(fd);
  expect(readFileSync(path, 'utf8')).toBe('other one');
});

test('its directory and its session are as asked', async () => {
  const directory = realpathSync(temporaryDirectory());
  const script = 'pwd; [ "$(cut -d " " -f 6 /proc/$$/stat)" = $$ ] && echo own session';
  expect(await shell(script, { cwd: directory, session: true })).toMatchObject({
    printed: `${directory}\nown session\n`,
  });
  expect(await shell(script, { cwd: directory })).toMatchObject({ printed: `${directory}\n`, status: 1 });
});

test('signals are at their defaults, also those that Node ignores or we handle', async () => {
  const listener = () => undefined;
  process.on('SIGTERM', listener);
  const { printed } = await shell('cat /proc/self/status | grep -E "Sig(Blk|Cgt)"; kill -PIPE $$; echo survived');
  process.off('SIGTERM', listener);
  expect(printed).toBe('SigBlk:\t0000000000000000\nSigCgt:\t0000000000000000\n');
});

test.each([
  ['/nonexistent/program', 'ENOENT'],
  ['/etc/passwd', 'EACCES'],
])('%s cannot be started: %s', (path, code) => {
  expect(() => spawn(path, [], { stdio: [] })).toThrow(expect.objectContaining({ code, path, syscall: 'posix_spawn' }));
});

test('a NUL byte is refused', () => {
  expect(() => spawn('/bin/true', ['a\0b'], { stdio: [] })).toThrow('NUL byte');
});

test('a hundred programs at once are all waited for', async () => {
  const wanted = Array.from({ length: 100 }, (_, index) => index);
  const pids = wanted.map((index) => spawn('/bin/sh', ['-c', `exit ${index}`], { stdio: [] }));
  expect(await Promise.all(pids.map(ended))).toEqual(wanted);
  expect(process.listenerCount('SIGCHLD')).toBe(0);
});

test('a pair of sockets is connected', () => {
  const [one, other] = socketPair();
  writeSync(one, 'hello');
  const text = Buffer.alloc(10);
  expect(text.toString('utf8', 0, readSync(other, text))).toBe('hello');
  for (const fd of [one, other]) closeSync(fd);
});
