/**
 * Published ports as others see them. The host is a network namespace of the test's own here, with a second one on a wire
 * beside it: a client with an address that isn't the host's. Only root can lay such wires; wherry runs as the ordinary
 * user all the same.
 */
import { execFileSync, spawn } from 'node:child_process';
import { chmodSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { type Finished, testUser } from '#test/support/user.ts';
import { BUSYBOX, removeContainers, succeed, wherry, wherryPath } from '#test/support/wherry.ts';

const HOST = { v4: '10.77.7.1', v6: 'fd77:7::1' };
const CLIENT = { v4: '10.77.7.2', v6: 'fd77:7::2' };

/** Empty namespaces, each by a process that stays in it. */
const spaces: { host: number; client: number } = { host: 0, client: 0 };

function newSpace(): number {
  const { pid = 0 } = spawn('unshare', ['--net', 'sleep', '100000'], { stdio: 'ignore' });
  return pid;
}

const sh = (script: string) => execFileSync('sh', ['-ec', script], { encoding: 'utf8' });

/** The service that tells whom it sees. */
let peer = '';

const isRoot = process.getuid?.() === 0;

beforeAll(() => {
  peer = join(testUser().home, 'peer');
  execFileSync('gcc', ['-static', '-O2', '-o', peer, join(import.meta.dirname, '../support/peer.c')]);
  chmodSync(peer, 0o755);
  if (!isRoot) return;
  Object.assign(spaces, { host: newSpace(), client: newSpace() });
  const inside = { host: `nsenter -t ${spaces.host} -n`, client: `nsenter -t ${spaces.client} -n` };
  sh(`until [ "$(readlink /proc/${spaces.client}/ns/net)" != "$(readlink /proc/self/ns/net)" ]; do sleep 0.01; done
    until [ "$(readlink /proc/${spaces.host}/ns/net)" != "$(readlink /proc/self/ns/net)" ]; do sleep 0.01; done
    ${inside.host} ip link add wire0 type veth peer name wire1 netns /proc/${spaces.client}/ns/net
    ${inside.host} sh -c 'ip link set lo up; ip link set wire0 up; ip addr add ${HOST.v4}/24 dev wire0
      ip addr add ${HOST.v6}/64 dev wire0 nodad; ip route add default via 10.77.7.9; ip -6 route add default via fd77:7::9'
    ${inside.client} sh -c 'ip link set lo up; ip link set wire1 up; ip addr add ${CLIENT.v4}/24 dev wire1
      ip addr add ${CLIENT.v6}/64 dev wire1 nodad'`);
});

afterEach(() => removeContainers());

afterAll(async () => {
  await removeContainers();
  await wherry(['network', 'rm', 'ports-six', 'ports-b']);
  for (const pid of Object.values(spaces)) if (pid > 0) process.kill(pid, 'SIGKILL');
});

/** wherry on the host of the test's own. */
async function onHost(...args: string[]): Promise<string> {
  const { uid, gid, env } = testUser();
  const login = Object.entries(env()).map(([name, value]) => `${name}=${value}`);
  const drop = ['setpriv', '--reuid', `${uid}`, '--regid', `${gid}`, '--init-groups', '--inh-caps=-all', '--'];
  const done = await finish('nsenter', [
    '-t',
    `${spaces.host}`,
    '-n',
    ...drop,
    'env',
    '-i',
    ...login,
    wherryPath(),
    ...args,
  ]);
  expect(done, `wherry ${args.join(' ')}: ${done.stderr}`).toMatchObject({ status: 0 });
  return done.stdout.trim();
}

function finish(program: string, args: readonly string[]): Promise<Finished> {
  const child = spawn(program, args, { cwd: '/tmp', stdio: ['ignore', 'pipe', 'pipe'] });
  onTestFinished(() => void child.kill('SIGKILL'));
  let [stdout, stderr] = ['', ''];
  child.stdout.on('data', (data) => (stdout += data));
  child.stderr.on('data', (data) => (stderr += data));
  return new Promise((resolve) => {
    child.once('close', (status, signal) => resolve({ status, signal, stdout, stderr }));
  });
}

/** Runs Node code in one of the namespaces; what it prints. Its `ask(host, port)` is what the service says by TCP. */
async function run(where: keyof typeof spaces, code: string): Promise<string> {
  const script = `const ask = (host, port, localPort) => new Promise((resolve) => {
      const once = () => {
        const socket = require('net').connect({ host, port, localPort });
        socket.on('connect', () => socket.write('who?'));
        socket.on('data', (data) => { resolve(String(data).trim()); socket.destroy(); });
        // It may not listen yet.
        socket.on('error', () => setTimeout(once, 20));
      };
      once();
    });
    const send = (host, port) => new Promise((resolve) => {
      const socket = require('dgram').createSocket(host.includes(':') ? 'udp6' : 'udp4');
      const timer = setInterval(() => socket.send('who?', port, host), 50);
      socket.on('message', (data) => { clearInterval(timer); resolve([String(data).trim(), socket.address().port]); socket.close(); });
    });
    (async () => { ${code} })().then((value) => { console.log(JSON.stringify(value)); process.exit(); });`;
  const { stdout, stderr } = await finish('nsenter', ['-t', `${spaces[where]}`, '-n', process.execPath, '-e', script]);
  expect(stderr).toBe('');
  return JSON.parse(stdout);
}

const withoutPort = (text: string) => text.replace(/:\d+$/, '');

/** The service on these networks, its port published by both protocols. */
const serve = (...options: string[]) =>
  onHost(
    'run',
    '-d',
    '--name',
    'peer',
    '-p',
    '7000:7000',
    '-p',
    '7000:7000/udp',
    '-v',
    `${peer}:/peer:ro`,
    ...options,
    BUSYBOX,
    '/peer',
  );

describe.skipIf(!isRoot)('a client of another machine', () => {
  test.each([
    ['the default network', [], CLIENT.v4],
    ['a network of the user', ['--network', 'ports-six'], CLIENT.v4],
    ['a network of the user, by IPv6', ['--network', 'ports-six'], CLIENT.v6],
  ])('is seen by a service on %s, by TCP and by UDP, with its address and its port', async (_, options, client) => {
    await onHost('network', 'create', '--ipv6', 'ports-six').catch(() => undefined);
    await serve(...options);
    const host = client === CLIENT.v4 ? HOST.v4 : HOST.v6;
    expect(await run('client', `return ask('${host}', 7000, 40004)`)).toBe(`[${client}]:40004`);
    const [seen, port] = await run('client', `return send('${host}', 7000)`);
    expect(seen).toBe(`[${client}]:${port}`);
  });

  test('is seen with one port of its own at two ports of the container', async () => {
    await serve('-p', '7001:7000');
    const code = `return Promise.all([ask('${HOST.v4}', 7000, 40005), ask('${HOST.v4}', 7001, 40005)])`;
    const seen = await run('client', code);
    expect(seen[0]).toBe(`[${CLIENT.v4}]:40005`);
    expect(withoutPort(seen[1] ?? '')).toBe(`[${CLIENT.v4}]`);
  });

  test('is seen also when networks have come and gone, and after a restart', async () => {
    await onHost('network', 'create', 'ports-b').catch(() => undefined);
    await serve('--network', 'ports-six');
    const ask = async () => withoutPort(await run('client', `return ask('${HOST.v4}', 7000)`));
    expect(await ask()).toBe(`[${CLIENT.v4}]`);
    await onHost('network', 'connect', 'ports-b', 'peer');
    expect(await ask()).toBe(`[${CLIENT.v4}]`);
    await onHost('network', 'disconnect', 'ports-six', 'peer');
    expect(await ask()).toBe(`[${CLIENT.v4}]`);
    await onHost('restart', '-t', '0', 'peer');
    expect(await ask()).toBe(`[${CLIENT.v4}]`);
  });

  test("whose address is one of the container's own subnet gets its answer all the same, from the gateway", async () => {
    await onHost('network', 'rm', 'ports-b').catch(() => undefined);
    await onHost('network', 'create', '--subnet', '10.78.0.0/16', '--gateway', '10.78.0.1', 'ports-b');
    sh(`nsenter -t ${spaces.client} -n ip addr add 10.78.0.77/32 dev wire1`);
    sh(`nsenter -t ${spaces.host} -n ip route add 10.78.0.77 dev wire0`);
    await serve('--network', 'ports-b');
    const code = `return new Promise((resolve) => require('net')
      .connect({ host: '${HOST.v4}', port: 7000, localAddress: '10.78.0.77' }, function () { this.write('who?'); })
      .on('data', (data) => resolve(String(data).trim())))`;
    await run('client', `return ask('${HOST.v4}', 7000)`);
    expect(withoutPort(await run('client', code))).toBe('[10.78.0.1]');
  });

  test('does not reach what is published on the loopback only', async () => {
    await onHost(
      'run',
      '-d',
      '--name',
      'peer',
      '-p',
      '127.0.0.1:7000:7000',
      '-v',
      `${peer}:/peer:ro`,
      BUSYBOX,
      '/peer',
    );
    expect(withoutPort(await run('host', `return ask('127.0.0.1', 7000)`))).toMatch(/^\[172\./);
    const code = `return new Promise((resolve) => require('net').connect(7000, '${HOST.v4}').on('error', (error) => resolve(error.code)))`;
    expect(await run('client', code)).toBe('ECONNREFUSED');
  });

  test('may be one of ten thousand that stay connected', async () => {
    await serve();
    const code = `const all = [];
      const open = () => new Promise((resolve, reject) => {
        const socket = require('net').connect(7000, '${HOST.v4}', () => socket.write('who?'));
        socket.once('data', () => resolve(socket)).on('error', reject);
      });
      await ask('${HOST.v4}', 7000);
      while (all.length < 10_000) all.push(...await Promise.all(Array.from({ length: 250 }, open)));
      const answers = await Promise.all(all.map((socket) => new Promise((resolve) => {
        socket.once('data', (data) => resolve(String(data).startsWith('[${CLIENT.v4}]:')));
        socket.write('still?');
      })));
      return answers.filter(Boolean).length`;
    expect(await run('client', code)).toBe(10_000);
  });

  test('is one of many: three thousand by UDP have each their own answer', async () => {
    await serve();
    const code = `await send('${HOST.v4}', 7000);
      const seen = [];
      for (let round = 0; round < 10; round++) seen.push(...await Promise.all(Array.from({ length: 300 }, () => send('${HOST.v4}', 7000))));
      return seen.filter(([said, port]) => said === '[${CLIENT.v4}]:' + port).length`;
    expect(await run('client', code)).toBe(3000);
  });
});

test('the host itself is seen as the gateway by way of its loopback, as with Docker', async () => {
  await succeed('run', '-d', '--name', 'peer', '-p', '127.0.0.1::7000', '-v', `${peer}:/peer:ro`, BUSYBOX, '/peer');
  const gateway = await succeed('inspect', '-f', '{{.NetworkSettings.Networks.bridge.Gateway}}', 'peer');
  const [place = ''] = (await succeed('port', 'peer', '7000')).split('\n');
  const seen = await fetch(`http://${place}/`).then((answer) => answer.text());
  expect(withoutPort(seen.trim())).toBe(`[${gateway}]`);
});
