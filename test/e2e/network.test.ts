import { execFileSync } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { chmodSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { networkInterfaces } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { afterAll, afterEach, expect, test } from 'vitest';
import { listen } from '#test/support/ports.ts';
import { testUser } from '#test/support/user.ts';
import { BUSYBOX, eventually, removeContainers, succeed, wherry } from '#test/support/wherry.ts';

afterAll(() => removeContainers());
afterEach(() => removeContainers());

/** An address of this machine that is not loopback: what a container can reach "outside". */
const outside = Object.values(networkInterfaces())
  .flat()
  .find((one) => one !== undefined && !one.internal && one.family === 'IPv4')?.address;

const address = (name: string) =>
  succeed('inspect', '--format', '{{.NetworkSettings.Networks.bridge.IPAddress}}', name);
const SERVER = 'while :; do echo "answer" | nc -l -p 80 >/dev/null; done';

async function fetchFrom(port: number, host = '127.0.0.1', say = ''): Promise<string> {
  const socket = connect(port, host);
  await once(socket, 'connect');
  socket.end(say);
  return text(socket);
}

test('containers have addresses of one subnet, a gateway, and reach each other', async () => {
  await succeed('run', '-d', '--name', 'server', BUSYBOX, 'sh', '-c', SERVER);
  const at = await address('server');
  expect(at).toMatch(/^\d+\.\d+\.\d+\.\d+$/);
  const answer = await eventually(
    () => wherry(['run', '--rm', BUSYBOX, 'nc', '-w', '2', at, '80'], { input: '' }),
    ({ status }) => status === 0,
  );
  expect(answer.stdout).toBe('answer\n');
});

test.skipIf(outside === undefined)('a container reaches the outside', async () => {
  const server = createServer((socket) => socket.end('from outside\n'));
  const port = await listen(server, outside);
  expect(await succeed('run', '--rm', BUSYBOX, 'nc', '-w', '5', outside ?? '', `${port}`)).toBe('from outside');
  server.close();
});

test("a container does not reach the host's loopback", async () => {
  const server = createServer((socket) => socket.end('secret\n'));
  const port = await listen(server);
  const script = `for a in 127.0.0.1 $(ip route | sed -n 's/default via \\([0-9.]*\\).*/\\1/p'); do nc -w 1 $a ${port}; done`;
  expect((await wherry(['run', '--rm', BUSYBOX, 'sh', '-c', script])).stdout).toBe('');
  server.close();
});

test('-p publishes a TCP port, on every address or on one', async () => {
  await succeed('run', '-d', '--name', 'web', '-p', '80', '-p', '127.0.0.1:0:80', BUSYBOX, 'sh', '-c', SERVER);
  const [first = ''] = (await succeed('port', 'web', '80')).split('\n');
  const port = Number(first.split(':').at(-1));
  await eventually(
    () => fetchFrom(port).catch(() => ''),
    (answer) => answer === 'answer\n',
  );
  if (outside !== undefined)
    await eventually(
      () => fetchFrom(port, outside).catch(() => ''),
      (answer) => answer === 'answer\n',
    );
  expect(await succeed('ps', '--format', '{{.Ports}}')).toContain(`:${port}->80/tcp`);
});

test('a published port half-closes as TCP does: what was sent last still arrives', async () => {
  await succeed('run', '-d', '--name', 'echo', '-p', '80', BUSYBOX, 'nc', '-ll', '-p', '80', '-e', 'cat');
  const port = Number((await succeed('port', 'echo', '80')).split('\n')[0]?.split(':').at(-1));
  const sent = 'x'.repeat(1 << 20);
  const back = await eventually(
    () => fetchFrom(port, '127.0.0.1', sent).catch(() => ''),
    (answer) => answer !== '',
  );
  expect(back).toBe(sent);
});

test('-p publishes a UDP port', async () => {
  const echo = join(testUser().home, 'udp-echo');
  const source = join(import.meta.dirname, '../support/udp-echo.c');
  execFileSync('gcc', ['-static', '-O2', '-o', echo, source]);
  chmodSync(echo, 0o755);
  await succeed('run', '-d', '--name', 'udp', '-p', '53/udp', '-v', `${echo}:/udp-echo:ro`, BUSYBOX, '/udp-echo');
  const port = Number((await succeed('port', 'udp', '53/udp')).split('\n')[0]?.split(':').at(-1));
  const socket = createSocket('udp4');
  let answer = '';
  socket.on('message', (message) => {
    answer = message.toString();
  });
  await eventually(
    () => {
      socket.send('ping', port, '127.0.0.1');
      return answer;
    },
    (said) => said === 'ping',
  );
  socket.close();
});

test("a port that is taken is named in Docker's words, and the container can be started later", async () => {
  const server = createServer();
  const port = await listen(server, '0.0.0.0');
  const done = await wherry(['run', '-d', '--name', 'late', '-p', `${port}:80`, BUSYBOX, 'sleep', '1000']);
  expect(done.status).toBe(125);
  expect(done.stderr).toContain(`failed to bind host port 0.0.0.0:${port}/tcp: address already in use`);
  server.close();
  await once(server, 'close');
  await succeed('start', 'late');
});

test('--network none has loopback only, host has what the host has', async () => {
  expect(await succeed('run', '--rm', '--network', 'none', BUSYBOX, 'ls', '/sys/class/net')).toBe('lo');
  const hosts = Object.keys(networkInterfaces()).filter((name) => name !== 'lo');
  const seen = (
    await succeed('run', '--rm', '--network', 'host', BUSYBOX, 'sh', '-c', 'cut -d: -f1 /proc/net/dev')
  ).split(/\s+/);
  expect(seen).toEqual(expect.arrayContaining(hosts));
});

test('--dns is in resolv.conf', async () => {
  const text = await succeed(
    'run',
    '--rm',
    '--dns',
    '192.0.2.53',
    '--dns-search',
    'example.org',
    BUSYBOX,
    'cat',
    '/etc/resolv.conf',
  );
  expect(text).toContain('nameserver 192.0.2.53');
  expect(text).toContain('search example.org');
});

test('twenty containers started at once get twenty addresses', async () => {
  const names = Array.from({ length: 20 }, (_, index) => `many-${index}`);
  await Promise.all(names.map((name) => succeed('run', '-d', '--name', name, BUSYBOX, 'sleep', '1000')));
  const addresses = await Promise.all(names.map(address));
  expect(new Set(addresses).size).toBe(20);
});
