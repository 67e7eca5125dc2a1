import { afterAll, expect, test } from 'vitest';
import { BUSYBOX, removeContainers, succeed, wherry } from '#test/support/wherry.ts';

afterAll(() => removeContainers());

test('a first container runs without any registry and leaves nothing', async () => {
  expect(await succeed('run', '--rm', BUSYBOX, 'echo', 'hello')).toBe('hello');
  expect(await succeed('ps', '-aq')).toBe('');
});

test('a container is root of its own namespace and has its own name, processes and files', async () => {
  const script = 'id -u; hostname; ps -o pid= | head -1; touch /made && ls /made';
  const [uid, hostname, pid, made] = (
    await succeed('run', '--rm', '--network', 'none', BUSYBOX, 'sh', '-c', script)
  ).split('\n');
  expect([uid, pid?.trim(), made]).toEqual(['0', '1', '/made']);
  expect(hostname).toMatch(/^[0-9a-f]{12}$/);
});

test.each([
  [['sh', '-c', 'exit 7'], 7],
  [['no-such-program'], 127],
  [['/etc'], 126],
  [['/etc/passwd'], 126],
  [['sh', '-c', 'sleep 1000 & kill -9 $!; wait $!'], 137],
])('%j ends with the exit status %i', async (command, status) => {
  const done = await wherry(['run', '--rm', '--network', 'none', BUSYBOX, ...command]);
  expect(done.status).toBe(status);
});

test.each([
  [['run', '--no-such-flag', BUSYBOX], 125, /unknown flag: --no-such-flag/],
  [['run', '--rm', '--pull', 'never', 'localhost/nothing'], 125, /No such image: localhost\/nothing:latest/],
  [['run', '--name', 'x', BUSYBOX], 125, /Invalid container name \(x\)/],
  [['stop', 'nothing'], 1, /No such container: nothing/],
  [['no-such-command'], 1, /unknown command/],
])('wherry %j ends with %i and one clear message', async (args, status, message) => {
  const done = await wherry(args);
  expect(done.status).toBe(status);
  expect(done.stderr).toMatch(message);
  expect(done.stderr).not.toMatch(/\n\s+at /);
});

test('version and info answer, by templates too', async () => {
  expect(await succeed('version', '--format', '{{.Server.Os}}')).toBe('linux');
  expect(await succeed('info', '--format', '{{.Driver}}')).toMatch(/^(overlay|fuse-overlayfs|copy)$/);
});

test('the image that came with wherry is listed once it was used', async () => {
  expect(await succeed('images', '--format', '{{.Repository}}:{{.Tag}}')).toContain('localhost/busybox:latest');
});
