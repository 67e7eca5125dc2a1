import { once } from 'node:events';
import { afterAll, afterEach, expect, test } from 'vitest';
import { testUser } from '#test/support/user.ts';
import { BUSYBOX, eventually, removeContainers, startWherry, succeed, wherry } from '#test/support/wherry.ts';

afterAll(() => removeContainers());
afterEach(() => removeContainers());

const leftovers = async () => {
  const { stdout } = await testUser().run('sh', ['-c', 'cd ~/.local/share/wherry && ls containers names tmp']);
  return stdout.split('\n').filter((line) => line !== '' && !line.endsWith(':'));
};

test('fifty runs at once all end well and leave nothing', async () => {
  const before = await leftovers();
  const done = await Promise.all(
    Array.from({ length: 50 }, (_, index) => wherry(['run', '--rm', BUSYBOX, 'echo', `${index}`])),
  );
  expect(done.map(({ status, stdout }) => `${status} ${stdout.trim()}`)).toEqual(done.map((_, index) => `0 ${index}`));
  await eventually(leftovers, (names) => names.every((name) => before.includes(name)));
});

test('whenever run is killed, what it left is healed or goes by itself', async () => {
  for (let delay = 0; delay < 120; delay += 6) {
    const child = startWherry(['run', '--rm', BUSYBOX, 'true']);
    const closed = once(child, 'close');
    await new Promise((resolve) => setTimeout(resolve, delay));
    child.kill('SIGKILL');
    await closed;
  }
  await eventually(
    () => succeed('ps', '-q'),
    (ids) => ids === '',
  );
  await removeContainers();
  expect(await succeed('run', '--rm', BUSYBOX, 'echo', 'fine')).toBe('fine');
});

test('a container goes on when the command that waits for it is killed', async () => {
  const child = startWherry(['run', '--name', 'orphan', BUSYBOX, 'sh', '-c', 'while :; do echo tick; sleep 0.1; done']);
  if (child.stdout !== null) await once(child.stdout, 'data');
  child.kill('SIGKILL');
  const before = (await succeed('logs', 'orphan')).length;
  await eventually(
    () => succeed('logs', 'orphan'),
    (log) => log.length > before,
  );
  expect(await succeed('inspect', '--format', '{{.State.Running}}', 'orphan')).toBe('true');
});

test('a container whose monitor was killed is seen as ended, and can be started again', async () => {
  await succeed('run', '-d', '--name', 'lost', BUSYBOX, 'sleep', '1000');
  const register = await succeed('inspect', '--format', '{{.Id}}', 'lost');
  const { stdout } = await testUser().run('cat', [`${testUser().runtimeDir}/wherry/monitors/${register}`]);
  process.kill(Number.parseInt(stdout, 10), 'SIGKILL');
  expect(await succeed('inspect', '--format', '{{.State.Status}} {{.State.ExitCode}}', 'lost')).toMatch(
    /^exited (137|255)$/,
  );
  await succeed('start', 'lost');
  expect(await succeed('inspect', '--format', '{{.State.Running}}', 'lost')).toBe('true');
});

test('a record that is damaged is named, and the others are still shown', async () => {
  await succeed('create', '--name', 'good', BUSYBOX, 'true');
  const bad = await succeed('create', '--name', 'bad', BUSYBOX, 'true');
  await testUser().run('sh', ['-c', `echo '{"id": ' > ~/.local/share/wherry/containers/${bad}/container.json`]);
  const done = await wherry(['ps', '-a', '--format', '{{.Names}}']);
  expect(done.stdout).toBe('good\n');
  expect(done.stderr).toContain(`${bad}/container.json`);
  expect(done.stderr).not.toMatch(/\n\s+at /);
  await testUser().run('sh', ['-c', `rm -rf ~/.local/share/wherry/containers/${bad}`]);
});

test('the holder that keeps the namespaces may die, and nobody notices', async () => {
  await succeed('run', '-d', '--name', 'stays', BUSYBOX, 'sleep', '1000');
  const { stdout } = await testUser().run('cat', [`${testUser().runtimeDir}/wherry/holder`]);
  process.kill(Number.parseInt(stdout, 10), 'SIGKILL');
  expect(await succeed('exec', 'stays', 'echo', 'here')).toBe('here');
  await succeed('stop', '-t', '0', 'stays');
});
