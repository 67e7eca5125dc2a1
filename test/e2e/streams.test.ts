import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { afterAll, expect, test } from 'vitest';
import { testUser } from '#test/support/user.ts';
import { BUSYBOX, removeContainers, startWherry, succeed, typed, wherry, wherryPath } from '#test/support/wherry.ts';

afterAll(() => removeContainers());

const run = (...args: string[]) => ['run', '--rm', '--network', 'none', ...args];

test('output and errors come separately, and in full', async () => {
  const done = await wherry(run(BUSYBOX, 'sh', '-c', 'echo out; echo err >&2'));
  expect(done).toMatchObject({ status: 0, stdout: 'out\n', stderr: 'err\n' });
});

test('data piped through run -i is the same at the other end', async () => {
  const data = randomBytes(32 << 20);
  const child = startWherry(run('-i', BUSYBOX, 'cat'));
  const hash = createHash('sha256');
  child.stdout?.on('data', (chunk) => hash.update(chunk));
  child.stdin?.end(data);
  expect(await once(child, 'close')).toEqual([0, null]);
  expect(hash.digest('hex')).toBe(createHash('sha256').update(data).digest('hex'));
});

test('a reader that goes away early ends the command, and the container goes on', async () => {
  const done = await testUser().run('sh', ['-c', `"${wherryPath()}" ${run(BUSYBOX, 'yes').join(' ')} | head -2`]);
  expect(done).toMatchObject({ status: 0, stdout: 'y\ny\n' });
  expect(done.stderr).toContain('write /dev/stdout: broken pipe');
  expect((await succeed('ps', '-q')).split('\n')).toHaveLength(1);
  await removeContainers();
});

test('without -i a container has nothing to read, and what was piped stays unread', async () => {
  expect(await wherry(run(BUSYBOX, 'cat'), { input: 'data' })).toMatchObject({ status: 0, stdout: '' });
});

test('-a chooses the streams', async () => {
  const done = await wherry(run('-a', 'stderr', BUSYBOX, 'sh', '-c', 'echo out; echo err >&2'));
  expect(done).toMatchObject({ status: 0, stdout: '', stderr: 'err\n' });
});

test.each(['SIGTERM', 'SIGINT', 'SIGUSR1'] as const)('%s reaches the container', async (signal) => {
  const name = signal.slice(3);
  const script = `trap 'echo got ${name}; exit 3' ${name}; echo ready; while :; do sleep 0.05; done`;
  const child = startWherry(run(BUSYBOX, 'sh', '-c', script));
  const output = child.stdout === null ? Promise.resolve('') : text(child.stdout);
  await once(child.stdout ?? child, 'readable');
  child.kill(signal);
  expect(await once(child, 'exit')).toEqual([3, null]);
  expect(await output).toBe(`ready\ngot ${name}\n`);
});

/** Runs a command on a terminal of its own, by script(1), and gives what the terminal showed. */
async function onTerminal(line: string, input = ''): Promise<{ status: number | null; screen: string }> {
  const done = await testUser().run('script', ['-qec', line, '/dev/null'], { input, env: { TERM: 'xterm' } });
  return { status: done.status, screen: done.stdout };
}

test('-t gives a terminal with the size of ours', async () => {
  const line = `stty rows 33 cols 101; "${wherryPath()}" ${run('-it', BUSYBOX, 'sh', '-c', "'tty; stty size; exit 4'").join(' ')}`;
  const { status, screen } = await onTerminal(line);
  // script(1) types a NUL at the end of its input.
  expect(screen.replace('^@', '')).toContain('/dev/pts/0\r\n33 101\r\n');
  expect(status).toBe(4);
});

test('a terminal wanted on what is none is refused', async () => {
  const done = await wherry(run('-i', '-t', BUSYBOX, 'true'), { input: '' });
  expect(done.status).not.toBe(0);
  expect(done.stderr).toContain('the input device is not a TTY');
});

test('the detach keys leave the container running, and attach comes back', async () => {
  const name = `detach-${process.pid}`;
  await typed(`run -it --name ${name} --network none ${BUSYBOX} cat`, '\x10\x11');
  expect(await succeed('inspect', '--format', '{{.State.Running}}', name)).toBe('true');
  expect(await succeed('logs', name)).toContain('hello');
  await succeed('rm', '-f', name);
});
