import { copyFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, afterEach, expect, test } from 'vitest';
import { testUser } from '#test/support/user.ts';
import {
  BUSYBOX,
  eventually,
  mendStore,
  removeContainers,
  startWherry,
  succeed,
  wherry,
  wherryPath,
} from '#test/support/wherry.ts';

afterAll(() => mendStore());
afterEach(() => removeContainers());

const detached = (...args: string[]) => succeed('run', '-d', '--network', 'none', ...args);
const inspect = (name: string, format: string) => succeed('inspect', '--format', format, name);

/** Counts in its log; what stands still counts no further. */
const COUNT = 'i=0; while :; do i=$((i+1)); echo $i; sleep 0.02; done';
const count = async (name: string) => Number(await succeed('logs', '--tail', '1', name));

const waitFor = (milliseconds: number) => new Promise((resolve) => setTimeout(resolve, milliseconds));

test('limits are what the kernel says inside, where controllers are delegated to the user', async ({ skip }) => {
  const script = join(testUser().home, 'limits.sh');
  copyFileSync(fileURLToPath(new URL('../support/limits.sh', import.meta.url)), script);
  const done = await testUser().run('sh', [script, wherryPath()]);
  skip(done.status === 77, done.stdout.trim());
  expect(done, done.stdout).toMatchObject({ status: 0 });
});

test('a paused container stands still until another command continues it', async () => {
  await detached('--name', 'web', BUSYBOX, 'sh', '-c', COUNT);
  await eventually(
    () => count('web'),
    (number) => number > 2,
  );
  expect(await succeed('pause', 'web')).toBe('web');
  expect(await inspect('web', '{{.State.Status}} {{.State.Running}} {{.State.Paused}}')).toBe('paused true true');
  expect(await succeed('ps', '--filter', 'status=paused', '--format', '{{.Names}} {{.State}}')).toBe('web paused');
  const stood = await count('web');
  await waitFor(300);
  expect(await count('web')).toBe(stood);
  expect(await wherry(['exec', 'web', 'true'])).toMatchObject({
    status: 1,
    stderr: expect.stringContaining('is paused'),
  });
  expect(await succeed('unpause', 'web')).toBe('web');
  await eventually(
    () => count('web'),
    (number) => number > stood,
  );
});

test('what forks all the time and what exec has started stand still as well', async () => {
  await detached('--name', 'web', BUSYBOX, 'sh', '-c', 'while :; do (:); done');
  await succeed('exec', '-d', 'web', 'sh', '-c', `(${COUNT}) > /proc/1/root/counted`);
  const size = async () => Number((await succeed('exec', 'web', 'stat', '-c', '%s', '/counted')) || 0);
  await eventually(size, (bytes) => bytes > 0);
  await succeed('pause', 'web');
  const pid = await inspect('web', '{{.State.Pid}}');
  const { stdout } = await wherry(['top', 'web', '-o', 'pid,stat']);
  const letters = stdout
    .split('\n')
    .slice(1)
    .filter(Boolean)
    .map((line) => line.trim().split(/\s+/)[1]);
  expect(letters.length).toBeGreaterThanOrEqual(2);
  expect(
    letters.filter((letter) => !/^[TDZ]/.test(letter ?? '')),
    `of ${pid}`,
  ).toEqual([]);
  await succeed('unpause', 'web');
});

test.each([
  ['stop', ['stop', '-t', '5'], 'exited 7'],
  ['kill', ['kill'], 'exited 137'],
])('%s ends a paused container', async (_word, command, end) => {
  const script = 'trap "exit 7" TERM; echo 1; while :; do sleep 0.02; done';
  await detached('--name', 'web', BUSYBOX, 'sh', '-c', script);
  await eventually(
    () => count('web'),
    (number) => number === 1,
  );
  await succeed('pause', 'web');
  await succeed(...command, 'web');
  expect(await inspect('web', '{{.State.Status}} {{.State.ExitCode}}')).toBe(end);
});

test('a paused container whose monitor is killed has ended', async () => {
  await detached('--name', 'web', BUSYBOX, 'sleep', '1000');
  await succeed('pause', 'web');
  const pid = Number(await inspect('web', '{{.State.Pid}}'));
  const monitors = await testUser().run('sh', ['-c', `ps -o ppid= -p ${pid}`]);
  process.kill(Number(monitors.stdout), 'SIGKILL');
  expect(
    await eventually(
      () => inspect('web', '{{.State.Status}}'),
      (status) => status !== 'paused',
    ),
  ).toBe('exited');
  expect(await inspect('web', '{{.State.ExitCode}}')).toBe('255');
  await eventually(
    () => testUser().run('sh', ['-c', `ps -o stat= -p ${pid}`]),
    ({ stdout }) => stdout.trim() === '' || stdout.startsWith('Z'),
  );
});

test('update gives a running container another restart policy', async () => {
  await detached('--name', 'web', BUSYBOX, 'sleep', '1000');
  expect(await succeed('update', '--restart', 'on-failure:2', 'web')).toBe('web');
  expect(await inspect('web', '{{json .HostConfig.RestartPolicy}}')).toBe(
    '{"Name":"on-failure","MaximumRetryCount":2}',
  );
  process.kill(Number(await inspect('web', '{{.State.Pid}}')), 'SIGKILL');
  await eventually(
    () => inspect('web', '{{.RestartCount}} {{.State.Status}}'),
    (state) => state === '1 running',
  );
  await succeed('update', '--restart', 'no', 'web');
  process.kill(Number(await inspect('web', '{{.State.Pid}}')), 'SIGKILL');
  await eventually(
    () => inspect('web', '{{.State.Status}}'),
    (state) => state === 'exited',
  );
});

test('a container that is updated while it restarts is there afterwards', async () => {
  await detached('--rm', '--name', 'web', BUSYBOX, 'sleep', '1000');
  const [restarted, updated] = await Promise.all([
    wherry(['restart', '-t', '0', 'web']),
    wherry(['update', '--restart', 'no', 'web']),
  ]);
  expect([restarted.status, updated.status]).toEqual([0, 0]);
  expect(await inspect('web', '{{.State.Status}}')).toBe('running');
});

test('stats has a line for each container that runs, and one that works shows', async () => {
  await detached('--name', 'busy', BUSYBOX, 'sh', '-c', 'while :; do :; done');
  await detached('--name', 'idle', BUSYBOX, 'sh', '-c', 'sleep 1000 & sleep 1000; :');
  const lines = (await succeed('stats', '--no-stream', '--format', '{{.Name}} {{.CPUPerc}} {{.PIDs}}')).split('\n');
  const [idle = [], busy = []] = lines.map((line) => line.split(' '));
  expect([idle[0], idle[2], busy[0], busy[2]]).toEqual(['idle', '3', 'busy', '1']);
  expect(Number.parseFloat(busy[1] ?? '')).toBeGreaterThan(5);
  const [row] = (await succeed('stats', '--no-stream', '--format', 'json', 'busy')).split('\n');
  expect(JSON.parse(row ?? '')).toMatchObject({
    Container: 'busy',
    Name: 'busy',
    MemUsage: expect.stringMatching(/iB \/ /),
  });
});

test('live stats come and go with their containers, until they are interrupted', async () => {
  await detached('--name', 'first', BUSYBOX, 'sleep', '1000');
  const live = startWherry(['stats', '--format', '{{.Name}}'], { stdio: ['ignore', 'pipe', 'inherit'] });
  let screen = '';
  live.stdout?.on('data', (data: Buffer) => {
    screen = (screen + data.toString()).split('\x1b[H').slice(-2).join('\x1b[H');
  });
  const shows = (names: string) =>
    eventually(
      () => screen,
      (text) => text.includes(`\x1b[H${names}\x1b[J`),
    );
  await shows('first\x1b[K\n');
  await detached('--name', 'second', BUSYBOX, 'sleep', '1000');
  await shows('first\x1b[K\nsecond\x1b[K\n');
  await succeed('rm', '-f', 'first');
  await shows('second\x1b[K\n');
  const ended = new Promise((resolve) => live.once('exit', (status, signal) => resolve([status, signal])));
  live.kill('SIGINT');
  expect(await ended).toEqual([130, null]);
});
