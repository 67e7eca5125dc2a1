import { afterAll, afterEach, expect, test } from 'vitest';
import {
  BUSYBOX,
  eventually,
  listening,
  removeContainers,
  startWherry,
  succeed,
  wherry,
} from '#test/support/wherry.ts';

afterAll(() => removeContainers());
afterEach(() => removeContainers());

const detached = (...args: string[]) => succeed('run', '-d', '--network', 'none', ...args);
const state = (name: string, field: string) => succeed('inspect', '--format', `{{.State.${field}}}`, name);

test('a container is made, started, stopped, started again and removed', async () => {
  const id = await succeed('create', '--name', 'web', '--network', 'none', BUSYBOX, 'sleep', '1000');
  expect(id).toMatch(/^[0-9a-f]{64}$/);
  expect(await state('web', 'Status')).toBe('created');
  expect(await succeed('start', 'web')).toBe('web');
  expect(await state('web', 'Running')).toBe('true');
  expect(await succeed('stop', '-t', '0', 'web')).toBe('web');
  expect(await state('web', 'Status')).toBe('exited');
  expect(await state('web', 'ExitCode')).toBe('137');
  await succeed('start', 'web');
  const refused = await wherry(['rm', 'web']);
  expect(refused).toMatchObject({
    status: 1,
    stderr: expect.stringContaining('container is running: stop the container before removing or force remove'),
  });
  expect(await succeed('rm', '-f', 'web')).toBe('web');
  expect(await succeed('ps', '-aq')).toBe('');
});

test('files written by a container are there when it starts again', async () => {
  await succeed('run', '--name', 'keeper', '--network', 'none', BUSYBOX, 'sh', '-c', 'echo x >> /log; cat /log');
  expect(await succeed('start', '-a', 'keeper')).toBe('x\nx');
});

test('a container made with --rm stays over its restart, and goes at its end', async () => {
  await detached('--rm', '--name', 'brief', BUSYBOX, 'sleep', '1000');
  for (const file of ['/first', '/second']) {
    await succeed('exec', 'brief', 'touch', file);
    expect(await succeed('restart', '-t', '0', 'brief')).toBe('brief');
  }
  expect(await succeed('exec', 'brief', 'ls', '/first', '/second')).toBe('/first\n/second');
  await succeed('stop', '-t', '0', 'brief');
  expect(await succeed('ps', '-aq')).toBe('');
});

test('stop sends the stop signal and waits for the end', async () => {
  await detached(
    '--name',
    'polite',
    BUSYBOX,
    'sh',
    '-c',
    'trap "echo bye; exit 5" TERM; echo up; while :; do sleep 0.05; done',
  );
  await eventually(
    () => succeed('logs', 'polite'),
    (log) => log === 'up',
  );
  await succeed('stop', 'polite');
  expect(await state('polite', 'ExitCode')).toBe('5');
  expect(await succeed('logs', 'polite')).toBe('up\nbye');
});

test('kill sends the signal that was named', async () => {
  await detached(
    '--name',
    'target',
    BUSYBOX,
    'sh',
    '-c',
    'trap "echo usr1" USR1; echo up; while :; do sleep 0.05; done',
  );
  await eventually(
    () => succeed('logs', 'target'),
    (log) => log === 'up',
  );
  expect(await succeed('kill', '-s', 'USR1', 'target')).toBe('target');
  await eventually(
    () => succeed('logs', 'target'),
    (log) => log === 'up\nusr1',
  );
  await succeed('kill', 'target');
  await eventually(
    () => state('target', 'ExitCode'),
    (code) => code === '137',
  );
  expect(await wherry(['kill', 'target'])).toMatchObject({
    status: 1,
    stderr: expect.stringContaining('is not running'),
  });
});

test('wait gives the exit code as soon as there is one', async () => {
  await detached('--name', 'short', BUSYBOX, 'sh', '-c', 'sleep 0.3; exit 9');
  expect(await succeed('wait', 'short')).toBe('9');
});

test('restart starts a container anew', async () => {
  await detached('--name', 'again', BUSYBOX, 'sh', '-c', 'echo start; exec sleep 1000');
  await eventually(
    () => succeed('logs', 'again'),
    (log) => log === 'start',
  );
  expect(await succeed('restart', '-t', '0', 'again')).toBe('again');
  await eventually(
    () => succeed('logs', 'again'),
    (log) => log === 'start\nstart',
  );
});

test('a restart policy brings a container back, and stop ends that', async () => {
  await detached('--name', 'phoenix', '--restart', 'on-failure:2', BUSYBOX, 'sh', '-c', 'echo up; exit 1');
  await eventually(
    () => state('phoenix', 'Status'),
    (status) => status === 'exited',
  );
  expect(await succeed('logs', 'phoenix')).toBe('up\nup\nup');
  expect(await succeed('inspect', '--format', '{{.RestartCount}}', 'phoenix')).toBe('2');
  await detached('--name', 'always', '--restart', 'always', BUSYBOX, 'sleep', '1000');
  await succeed('stop', '-t', '0', 'always');
  expect(await state('always', 'Status')).toBe('exited');
});

test('--rm takes a detached container away when it ends, its anonymous volumes too', async () => {
  await detached('--rm', '--name', 'brief', '-v', '/data', BUSYBOX, 'true');
  await eventually(
    () => succeed('ps', '-aq'),
    (ids) => ids === '',
  );
});

test('ps shows what runs, filtered and formatted', async () => {
  const one = await detached('--name', 'one', '--label', 'tier=db', BUSYBOX, 'sleep', '1000');
  await succeed('run', '--name', 'two', '--network', 'none', BUSYBOX, 'false').catch(() => undefined);
  expect(await succeed('ps', '--format', '{{.Names}}')).toBe('one');
  expect((await succeed('ps', '-a', '--format', '{{.Names}}')).split('\n').sort()).toEqual(['one', 'two']);
  expect(await succeed('ps', '-a', '--filter', 'exited=1', '--format', '{{.Names}} {{.State}}')).toBe('two exited');
  expect(await succeed('ps', '-q', '--no-trunc', '--filter', 'label=tier=db')).toBe(one);
  expect(await succeed('ps', '-q')).toBe(one.slice(0, 12));
  const table = (await succeed('ps')).split('\n');
  expect(table[0]).toMatch(/^CONTAINER ID {3}IMAGE {2,}COMMAND {2,}CREATED {2,}STATUS {2,}PORTS {2,}NAMES$/);
  expect(table[1]).toMatch(/^[0-9a-f]{12} {3}localhost\/busybox {3}"sleep 1000" {3}.* ago {3}Up .* one$/);
});

test('logs are followed, cut and stamped', async () => {
  await detached('--name', 'talker', BUSYBOX, 'sh', '-c', 'for i in 1 2 3 4; do echo line $i; sleep 0.2; done');
  expect(await succeed('logs', '-f', 'talker')).toBe('line 1\nline 2\nline 3\nline 4');
  expect(await succeed('logs', '--tail', '2', 'talker')).toBe('line 3\nline 4');
  expect(await succeed('logs', '-t', '--tail', '1', 'talker')).toMatch(
    /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}Z line 4$/,
  );
  expect(await succeed('logs', '--since', '1h', '--until', '30m', 'talker')).toBe('');
});

test('exec runs one more process, with its own streams, user, directory and status', async () => {
  await detached('--name', 'host', BUSYBOX, 'sleep', '1000');
  expect(await succeed('exec', '-u', '33', '-w', '/var', '-e', 'A=1', 'host', 'sh', '-c', 'id -u; pwd; echo $A')).toBe(
    '33\n/var\n1',
  );
  expect(await wherry(['exec', 'host', 'sh', '-c', 'exit 6'])).toMatchObject({ status: 6 });
  expect(await wherry(['exec', 'host', 'no-such'])).toMatchObject({ status: 127 });
  expect(await wherry(['exec', '-i', 'host', 'cat'], { input: 'through' })).toMatchObject({
    status: 0,
    stdout: 'through',
  });
  expect(await succeed('exec', '-d', 'host', 'sh', '-c', 'echo done > /made')).toBe('');
  await eventually(
    () => wherry(['exec', 'host', 'cat', '/made']),
    ({ stdout }) => stdout === 'done\n',
  );
  expect(await succeed('exec', '--privileged', 'host', 'sh', '-c', 'grep -c "CapEff.*ffff" /proc/self/status')).toBe(
    '1',
  );
});

test('exec in what does not run is refused', async () => {
  await succeed('create', '--name', 'still', '--network', 'none', BUSYBOX, 'true');
  const done = await wherry(['exec', 'still', 'true']);
  expect(done).toMatchObject({ status: 1, stderr: expect.stringMatching(/container [0-9a-f]{64} is not running/) });
});

test('a name can be had once, and again when its container is gone', async () => {
  const id = await succeed('create', '--name', 'only', '--network', 'none', BUSYBOX, 'true');
  const refused = await wherry(['create', '--name', 'only', BUSYBOX, 'true']);
  expect(refused.status).toBe(1);
  expect(refused.stderr).toContain(`Conflict. The container name "/only" is already in use by container "${id}"`);
  await succeed('rm', 'only');
  await succeed('create', '--name', 'only', '--network', 'none', BUSYBOX, 'true');
});

test('several clients see the output of one container', async () => {
  await detached('-i', '--name', 'shared', BUSYBOX, 'cat');
  const watcher = startWherry(['attach', '--no-stdin', 'shared']);
  const { said } = listening(watcher);
  const writer = startWherry(['attach', 'shared']);
  const first = await eventually(
    () => {
      writer.stdin?.write('x\n');
      return said.all;
    },
    (text) => text.includes('x\n'),
  );
  expect(first).toMatch(/^x\n/);
  writer.kill('SIGKILL');
  watcher.kill('SIGKILL');
  await eventually(
    () => state('shared', 'Running'),
    (running) => running !== '',
  );
});
