import { afterAll, afterEach, describe, expect, test } from 'vitest';
import { BUSYBOX, eventually, monitorOf, removeContainers, succeed, wherry } from '#test/support/wherry.ts';

afterAll(() => removeContainers());
afterEach(() => removeContainers());

interface Health {
  Status: string;
  FailingStreak: number;
  Log: { Start: string; End: string; ExitCode: number; Output: string }[];
}

const detached = (...args: string[]) => succeed('run', '-d', '--network', 'none', ...args);
const checked = (command: string, ...flags: string[]) =>
  detached('--name', 'web', '--health-cmd', command, '--health-interval', '100ms', ...flags, BUSYBOX, 'sleep', '1000');
const inspected = async <T>(field: string): Promise<T> =>
  JSON.parse(await succeed('inspect', '--format', `{{json .${field}}}`, 'web'));
const health = (isSo: (health: Health) => boolean = () => true) =>
  eventually(() => inspected<Health>('State.Health'), isSo);
const is = (status: string) => (seen: Health) => seen.Status === status;
const status = () => succeed('ps', '-a', '--format', '{{.Status}}');

test('a container is starting, unhealthy and healthy, as its check finds it', async () => {
  const id = await checked('echo said; test -e /well', '--health-retries', '2', '--health-interval', '300ms');
  expect(await health()).toEqual({ Status: 'starting', FailingStreak: 0, Log: [] });
  expect(await status()).toMatch(/^Up .* \(health: starting\)$/);
  const bad = await health(is('unhealthy'));
  expect(bad).toMatchObject({ FailingStreak: 2, Log: [{ ExitCode: 1, Output: 'said\n' }, { ExitCode: 1 }] });
  expect(await status()).toMatch(/^Up .* \(unhealthy\)$/);
  expect(await succeed('ps', '--filter', 'health=unhealthy', '--format', '{{.Names}}')).toBe('web');
  await succeed('exec', 'web', 'touch', '/well');
  expect(await health(is('healthy'))).toMatchObject({ FailingStreak: 0 });
  expect(await status()).toMatch(/^Up .* \(healthy\)$/);
  expect(await succeed('ps', '--filter', 'health=unhealthy', '-q')).toBe('');
  await succeed('exec', 'web', 'rm', '/well');
  await health(is('unhealthy'));
  const line = ['--since', '1m', '--until', '0s', '--filter', `container=${id}`, '--format', '{{.Action}}'];
  const events = await eventually(
    () => succeed('events', ...line),
    (text) => text.split('health_status').length > 3,
  );
  expect(events.match(/^health_status.*/gm)).toEqual([
    'health_status: unhealthy',
    'health_status: healthy',
    'health_status: unhealthy',
  ]);
  expect(events).toMatch(/^exec_create: \/bin\/sh -c echo said; test -e \/well$/m);
});

test("a check is the container's own process: user, directory, environment", async () => {
  await checked('echo $A $(id -u) $(pwd)', '-e', 'A=b', '-u', '5', '-w', '/tmp');
  expect((await health(is('healthy'))).Log[0]?.Output).toBe('b 5 /tmp\n');
});

test('a check that takes too long is killed, with all that it has', async () => {
  await checked('echo begun; exec sleep 999', '--health-timeout', '150ms', '--health-retries', '1');
  const { Log } = await health(is('unhealthy'));
  expect(Log[0]).toMatchObject({ ExitCode: -1, Output: 'Health check exceeded timeout (150ms): begun\n' });
  await eventually(
    () => succeed('exec', 'web', 'ps', '-o', 'args'),
    (list) => list.split('sleep 999').length <= 2,
  );
});

test('failures count for nothing while the start period lasts', async () => {
  await checked('false', '--health-start-period', '1h', '--health-start-interval', '50ms', '--health-retries', '1');
  expect(await health(({ Log }) => Log.length === 5)).toMatchObject({ Status: 'starting', FailingStreak: 0 });
  expect(await wherry(['healthcheck', 'run', 'web'])).toMatchObject({ status: 1, stdout: 'starting\n' });
});

test("the image's check is the container's, but for what the flags say", async () => {
  await succeed('create', '--name', 'maker', BUSYBOX, 'sleep', '1000');
  const check = 'HEALTHCHECK --interval=100ms --retries=1 --timeout=7s CMD ["no-such-check", "x"]';
  await succeed('commit', '--change', check, 'maker', 'localhost/checked');
  await detached('--name', 'web', '--health-timeout', '9s', 'localhost/checked');
  expect(await inspected('Config.Healthcheck')).toEqual({
    Test: ['CMD', 'no-such-check', 'x'],
    Interval: 100e6,
    Timeout: 9e9,
    Retries: 1,
  });
  expect((await health(is('unhealthy'))).Log[0]).toMatchObject({
    ExitCode: -1,
    Output:
      'OCI runtime exec failed: exec failed: unable to start container process: exec: "no-such-check": executable file not found in $PATH',
  });
  await succeed('rm', '-f', 'web');
  await detached('--name', 'web', '--no-healthcheck', 'localhost/checked');
  expect(await inspected('State')).not.toHaveProperty('Health');
  expect(await status()).not.toContain('(');
  await succeed('rm', '-f', 'web', 'maker');
  await succeed('rmi', 'localhost/checked');
});

test('a restart begins with starting, and what was found before stays', async () => {
  await checked('echo well', '--health-interval', '400ms');
  await health(is('healthy'));
  await succeed('restart', '-t', '0', 'web');
  expect(await health()).toMatchObject({ Status: 'starting', Log: [{ Output: 'well\n' }] });
  await health(is('healthy'));
});

test('what has ended is not healthy, even where nobody saw the end', async () => {
  await checked('true');
  await health(is('healthy'));
  // As the kernel kills for memory.
  process.kill(await monitorOf('web'), 'SIGKILL');
  expect(await eventually(status, (text) => text.startsWith('Exited'))).toMatch(/^Exited \(255\)/);
  expect((await health()).Status).toBe('unhealthy');
  expect(await wherry(['healthcheck', 'run', 'web'])).toMatchObject({
    status: 125,
    stderr: expect.stringMatching(/container [0-9a-f]{64} is not running/),
  });
});

test('healthcheck run checks now, and its result counts', async () => {
  await checked('test -e /well', '--health-interval', '1h', '--health-retries', '2');
  expect(await wherry(['healthcheck', 'run', 'web'])).toMatchObject({ status: 1, stdout: 'unhealthy\n' });
  expect(await health()).toMatchObject({ Status: 'starting', FailingStreak: 1 });
  await succeed('exec', 'web', 'touch', '/well');
  expect(await succeed('healthcheck', 'run', 'web')).toBe('');
  expect(await health()).toMatchObject({ Status: 'healthy', FailingStreak: 0 });
  expect((await wherry(['healthcheck', 'run', 'nobody'])).stderr).toContain(
    'unable to look up nobody to perform a health check: No such container: nobody',
  );
  await detached('--name', 'plain', BUSYBOX, 'sleep', '1000');
  expect(await wherry(['healthcheck', 'run', 'plain'])).toMatchObject({
    status: 125,
    stderr: expect.stringContaining('has no defined healthcheck'),
  });
});

describe('--health-on-failure', () => {
  const failing = (action: string, ...flags: string[]) =>
    checked('test ! -e /ill', '--health-retries', '1', '--health-on-failure', action, ...flags);
  const fallIll = () => succeed('exec', 'web', 'touch', '/ill');
  const state = () => succeed('inspect', '--format', '{{.State.Status}} {{.State.ExitCode}} {{.RestartCount}}', 'web');

  test('kill and stop end an unhealthy container for good, the one at once and the other as stop does', async () => {
    for (const action of ['kill', 'stop']) {
      const trap = 'trap "exit 7" TERM; while :; do sleep 0.05; done';
      const flags = ['--health-cmd', 'test ! -e /ill', '--health-interval', '100ms', '--health-retries', '1'];
      const more = ['--health-on-failure', action, '--restart', 'always', '--name', 'web', BUSYBOX, 'sh', '-c', trap];
      await detached(...flags, ...more);
      expect(await succeed('inspect', '--format', '{{.Config.HealthcheckOnFailureAction}}', 'web')).toBe(action);
      await health(is('healthy'));
      await fallIll();
      await eventually(state, (text) => text === `exited ${action === 'kill' ? 137 : 7} 0`);
      expect(await health()).toMatchObject({ Status: 'unhealthy', FailingStreak: 1 });
      await succeed('rm', 'web');
    }
  });

  test('restart brings an unhealthy container back without a restart policy, as often as it must', async () => {
    await failing('restart', '--stop-timeout', '0');
    await fallIll();
    await eventually(state, (text) => /^running 0 [2-9]/.test(text));
    await eventually(
      async () => (await wherry(['exec', 'web', 'rm', '-f', '/ill'])).status,
      (code) => code === 0,
    );
    await health(is('healthy'));
    await succeed('stop', '-t', '0', 'web');
    expect(await state()).toMatch(/^exited 137 /);
  });

  test('a container that is stopping meanwhile is not restarted', async () => {
    await failing('restart', '--stop-timeout', '2');
    await fallIll();
    await health(is('unhealthy'));
    await succeed('stop', '-t', '0', 'web');
    expect(await state()).toBe('exited 137 0');
  });

  test('update changes it while the container runs, and for later starts', async () => {
    await checked('false', '--health-retries', '1');
    await health(is('unhealthy'));
    await succeed('update', '--health-on-failure', 'kill', 'web');
    await eventually(state, (text) => text === 'exited 137 0');
    await succeed('update', '--health-on-failure', 'none', 'web');
    await succeed('start', 'web');
    await health(({ Log }) => Log.length > 2);
    expect(await state()).toBe('running 0 0');
  });

  test('an action that there is not, and one for a container without a check, are refused in podman’s words', async () => {
    const refused = async (...args: string[]) => {
      const { status, stderr } = await wherry(args);
      return `${status} ${stderr.split('\n')[0]}`;
    };
    expect(await refused('run', '--health-on-failure', 'pray', BUSYBOX)).toContain(
      'invalid on-failure action "pray" for health check: supported actions are none,kill,restart,stop',
    );
    const checkless = 'cannot set on-failure action to kill without a health check';
    expect(await refused('create', '--health-on-failure', 'kill', BUSYBOX)).toContain(checkless);
    await detached('--name', 'web', BUSYBOX, 'sleep', '1000');
    expect(await refused('update', '--health-on-failure', 'kill', 'web')).toContain(checkless);
  });
});
