import { afterAll, afterEach, expect, test } from 'vitest';
import { BUSYBOX, eventually, monitorOf, removeContainers, succeed, wherry } from '#test/support/wherry.ts';

afterAll(() => removeContainers());
afterEach(() => removeContainers());

const detached = (...args: string[]) => succeed('run', '-d', '--network', 'none', ...args);
const guestOf = (name: string) =>
  succeed(
    'run',
    '-d',
    '--name',
    'guest',
    '--network',
    `container:${name}`,
    '--restart',
    'always',
    BUSYBOX,
    'sleep',
    '1000',
  );
const inspect = (name: string, template: string) => succeed('inspect', '--format', template, name);
const running = async () => (await succeed('ps', '--format', '{{.Names}}')).split('\n').sort();

/** What a power cut leaves: no process, and a state that says there is one. */
async function powerCut(names: string[]): Promise<void> {
  for (const name of names) {
    const pid = Number(await inspect(name, '{{.State.Pid}}'));
    const monitor = await monitorOf(name);
    process.kill(monitor, 'SIGKILL');
    process.kill(pid, 'SIGKILL');
  }
}

test('system boot run starts what the restart policies ask for, as Docker’s daemon does when it starts', async () => {
  const ran = { always: 'always', unless: 'unless-stopped', failed: 'on-failure', never: 'no' };
  for (const [name, policy] of Object.entries(ran)) {
    await detached('--name', name, '--restart', policy, BUSYBOX, 'sleep', '1000');
  }
  await detached('--name', 'always-stopped', '--restart', 'always', BUSYBOX, 'sleep', '1000');
  await detached('--name', 'unless-stopped', '--restart', 'unless-stopped', BUSYBOX, 'sleep', '1000');
  await succeed('stop', '-t', '0', 'always-stopped', 'unless-stopped');
  await succeed('create', '--name', 'made', '--restart', 'always', '--network', 'none', BUSYBOX, 'sleep', '1000');
  await powerCut(Object.keys(ran));
  expect(await running()).toEqual(['']);
  const started = (await succeed('system', 'boot', 'run')).split('\n').sort();
  expect(started).toEqual(['always', 'always-stopped', 'failed', 'unless']);
  expect(await running()).toEqual(started);
  expect(await succeed('system', 'boot', 'run')).toBe('');
});

test('a container that shares another’s namespace starts after it', async () => {
  await detached('--name', 'net', '--restart', 'always', BUSYBOX, 'sleep', '1000');
  await guestOf('net');
  await powerCut(['guest', 'net']);
  expect(await succeed('system', 'boot', 'run')).toBe('net\nguest');
  const namespace = (name: string) => succeed('exec', name, 'readlink', '/proc/self/ns/net');
  expect(await namespace('guest')).toBe(await namespace('net'));
});

test('what can’t start is named, the others start, and the exit status tells', async () => {
  await detached('--name', 'well', '--restart', 'always', BUSYBOX, 'sleep', '1000');
  await detached('--name', 'net', BUSYBOX, 'sleep', '1000');
  await guestOf('net');
  await powerCut(['well', 'guest', 'net']);
  expect(await wherry(['system', 'boot', 'run'])).toMatchObject({
    status: 1,
    stdout: 'well\n',
    stderr: expect.stringMatching(/^guest: /),
  });
});

test('system boot says which actions there are', async () => {
  expect(await wherry(['system', 'boot', 'now'])).toMatchObject({
    status: 1,
    stderr: 'unknown action "now": use one of enable, disable, status, wait, run\n',
  });
});

test('a restart policy counts, waits longer each time, and gives up', async () => {
  await detached('--name', 'web', '--restart', 'on-failure:3', BUSYBOX, 'sh', '-c', 'date +%s%N; exit 4');
  await eventually(
    () => inspect('web', '{{.State.Status}} {{.RestartCount}} {{.State.ExitCode}}'),
    (state) => state === 'exited 3 4',
  );
  const times = (await succeed('logs', 'web')).split('\n').map((ns) => Number(ns));
  expect(times).toHaveLength(4);
});

test('between two starts a container is restarting: stop ends that, and start counts anew', async () => {
  await detached('--name', 'web', '--restart', 'always', BUSYBOX, 'false');
  await eventually(
    () => inspect('web', '{{.State.Status}} {{.RestartCount}}'),
    (state) => state === 'restarting 5',
  );
  expect(await inspect('web', '{{.State.Running}} {{.State.Restarting}} {{.State.Pid}}')).toBe('true true 0');
  expect(await succeed('ps', '--format', '{{.Status}}')).toMatch(/^Restarting \(1\) .* ago$/);
  expect((await wherry(['exec', 'web', 'true'])).stderr).toContain(
    'is restarting, wait until the container is running',
  );
  await succeed('stop', 'web');
  expect(await inspect('web', '{{.State.Status}} {{.State.Restarting}} {{.RestartCount}}')).toBe('exited false 5');
  await succeed('start', 'web');
  expect(Number(await inspect('web', '{{.RestartCount}}'))).toBeLessThan(5);
});

test('a container that was killed by hand does not come back', async () => {
  await detached('--name', 'web', '--restart', 'always', BUSYBOX, 'sleep', '1000');
  await succeed('kill', 'web');
  expect(await succeed('wait', 'web')).toBe('137');
  await new Promise((resolve) => setTimeout(resolve, 300));
  expect(await inspect('web', '{{.State.Status}} {{.RestartCount}}')).toBe('exited 0');
});
