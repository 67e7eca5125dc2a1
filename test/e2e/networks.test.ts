/** Networks of the user's own, as an ordinary user has them: names, isolation, changes at run time, and what is killed. */
import { once } from 'node:events';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { networkInterfaces } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { startTime } from '#sys/process.ts';
import { listen } from '#test/support/ports.ts';
import { testUser } from '#test/support/user.ts';
import { BUSYBOX, eventually, removeContainers, succeed, wherry } from '#test/support/wherry.ts';

const NETWORKS = ['e2e-front', 'e2e-back', 'e2e-six', 'e2e-lone'];

const removeNetworks = () => wherry(['network', 'rm', '-f', ...NETWORKS]);

beforeAll(async () => {
  await removeContainers();
  await removeNetworks();
  await succeed('network', 'create', '--subnet', '10.201.0.0/24', 'e2e-front');
  await succeed('network', 'create', '--subnet', '10.202.0.0/24', '--internal', 'e2e-back');
  await succeed('network', 'create', '--subnet', '10.203.0.0/24', '--ipv6', '--subnet', 'fd00:203::/64', 'e2e-six');
});
afterEach(() => removeContainers());
afterAll(removeNetworks);

/** An address of this machine that is not loopback. */
const outside = Object.values(networkInterfaces())
  .flat()
  .find((one) => one !== undefined && !one.internal && one.family === 'IPv4')?.address;

/** Answers each connection to port 80 with a word. */
const serving = (word: string) => ['nc', '-ll', '-p', '80', '-e', 'echo', word];
const start = (name: string, flags: string[], command = ['sleep', '1000']) =>
  succeed('run', '-d', '--name', name, ...flags, BUSYBOX, ...command);
const inside = (name: string, line: string) => wherry(['exec', name, 'sh', '-c', line]);

/** What a container hears from port 80 of another one, by its name. */
const hear = async (name: string, other: string) =>
  (await inside(name, `nc -w 2 ${other} 80 </dev/null`)).stdout.trim();

/** The addresses that a container finds for a name, in order. */
async function addressesOf(name: string, of: string, type = 'a'): Promise<string[]> {
  const { stdout } = await inside(name, `nslookup -type=${type} ${of}`);
  return [...stdout.matchAll(/^Address: (\S+)$/gm)].map(([, address = '']) => address).sort();
}

test('web, database and cache on two networks: each finds whom it shares a network with, by name, and nobody else', async () => {
  await start('db', ['--network', 'e2e-back', '--network-alias', 'postgres'], serving('database'));
  await start('cache', ['--network', 'e2e-back', '--network', 'e2e-front'], serving('cache'));
  await start('web', ['--network', 'e2e-front', '-p', '80'], serving('web'));
  await start('client', ['--network', 'e2e-front']);
  await start('worker', ['--network', 'e2e-back']);
  expect(await hear('client', 'web')).toBe('web');
  expect(await hear('client', 'cache')).toBe('cache');
  expect(await hear('worker', 'db')).toBe('database');
  expect(await hear('worker', 'postgres')).toBe('database');
  expect(await hear('cache', 'db')).toBe('database');
  expect(await addressesOf('client', 'db')).toEqual([]);
  const [at] = await addressesOf('worker', 'db');
  expect(await hear('client', at ?? '')).toBe('');
  const [published = ''] = (await succeed('port', 'web', '80')).split('\n');
  const socket = connect(Number(published.split(':').at(-1)), '127.0.0.1');
  await once(socket, 'connect');
  socket.end();
  expect(await text(socket)).toBe('web\n');
});

test('a name leads to all that have it, a short id and an address to one', async () => {
  const id = await start('one', ['--network', 'e2e-six', '--network-alias', 'both', '--hostname', 'box']);
  await start('two', ['--network', 'e2e-six', '--network-alias', 'both']);
  expect(await addressesOf('two', 'both')).toEqual(['10.203.0.2', '10.203.0.3']);
  expect(await addressesOf('two', 'one')).toEqual(['10.203.0.2']);
  expect(await addressesOf('two', id.slice(0, 12))).toEqual(['10.203.0.2']);
  expect(await addressesOf('two', 'box')).toEqual(['10.203.0.2']);
  expect(await addressesOf('two', 'one.e2e-six')).toEqual(['10.203.0.2']);
  expect(await addressesOf('two', 'one', 'aaaa')).toEqual(['fd00:203::2']);
  expect((await inside('two', 'nslookup 10.203.0.2')).stdout).toContain('name = one');
  expect((await inside('two', 'nslookup fd00:203::2')).stdout).toContain('name = one');
  expect((await inside('two', 'ping -6 -c 1 -W 2 one')).status).toBe(0);
  await succeed('rm', '-f', 'one');
  expect(await addressesOf('two', 'both')).toEqual(['10.203.0.3']);
});

test("Docker's own address of the name server answers on each network, also when the container goes to another one", async () => {
  await start('one', ['--network', 'e2e-front']);
  await start('hidden', ['--network', 'e2e-back']);
  await start('client', ['--network', 'e2e-front']);
  expect(await addressesOf('client', 'one 127.0.0.11')).toEqual(await addressesOf('client', 'one'));
  expect(await addressesOf('hidden', 'hidden 127.0.0.11')).toEqual(['10.202.0.2']);
  await succeed('network', 'connect', 'e2e-back', 'client');
  await succeed('network', 'disconnect', 'e2e-front', 'client');
  expect(await addressesOf('client', 'hidden 127.0.0.11')).toEqual(['10.202.0.2']);
  // A name server of the container's own has the port for itself.
  expect((await inside('client', 'nc -l -p 53 & sleep 0.2; netstat -ltn')).stdout).toContain(':53 ');
});

test('several containers behind one alias are answered in turns, until they go', async () => {
  for (const name of ['one', 'two', 'three']) await start(name, ['--network', 'e2e-front', '--network-alias', 'web']);
  await start('hidden', ['--network', 'e2e-back', '--network-alias', 'many']);
  await start('client', ['--network', 'e2e-front', '--network', 'name=e2e-back,alias=many']);
  expect(await addressesOf('client', 'web')).toHaveLength(3);
  expect((await inside('client', 'nslookup -type=a one')).stdout).toContain('Name:\tone\n');
  const script =
    'for i in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do nslookup -type=a web | sed -n "/^Name/{n;p;q}"; done | sort -u | wc -l';
  // The servers read the names a moment after they have changed, each by itself.
  const heard = (name: string, line: string, count: string) =>
    eventually(
      async () => (await inside(name, line)).stdout.trim(),
      (text) => text === count,
    );
  await heard('client', script, '3');
  await heard('hidden', script.replace('a web', 'a many'), '2');
  await succeed('rm', '-f', 'one', 'two');
  await heard('client', script, '1');
});

test('a container that runs joins and leaves networks, and everything about it is as if it had been so', async () => {
  await start('db', ['--network', 'e2e-front'], serving('database'));
  await start('web', ['--network', 'bridge']);
  expect(await hear('web', 'db')).toBe('');
  await succeed('network', 'connect', '--ip', '10.201.0.50', '--alias', 'www', 'e2e-front', 'web');
  expect(await hear('web', 'db')).toBe('database');
  expect(await addressesOf('db', 'www')).toEqual(['10.201.0.50']);
  expect((await inside('web', 'cat /etc/hosts')).stdout).toContain('10.201.0.50\t');
  expect(
    await succeed('network', 'inspect', '--format', '{{range .Containers}}{{.Name}} {{end}}', 'e2e-front'),
  ).toMatch(/db.*web|web.*db/);
  expect(await succeed('ps', '--filter', 'name=web', '--format', '{{.Networks}}')).toBe('bridge,e2e-front');
  await succeed('network', 'disconnect', 'bridge', 'web');
  expect((await inside('web', 'ip route')).stdout).toMatch(/^default via 10\.201\.0\.1 /);
  await succeed('network', 'disconnect', 'e2e-front', 'web');
  expect((await inside('web', 'ls /sys/class/net')).stdout.trim()).toBe('lo');
  expect(await addressesOf('db', 'www')).toEqual([]);
  await succeed('network', 'connect', 'e2e-front', 'web');
  await succeed('restart', '-t', '0', 'web');
  expect(await hear('web', 'db')).toBe('database');
});

test('a restart keeps address and published port, whoever has come meanwhile', async () => {
  await start('web', ['--network', 'e2e-front', '-p', '18237:80'], serving('web'));
  const look = () =>
    succeed(
      'inspect',
      '--format',
      '{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}} {{json .NetworkSettings.Ports}}',
      'web',
    );
  const before = await look();
  await start('other', ['--network', 'e2e-front']);
  await succeed('stop', '-t', '0', 'other');
  await succeed('restart', '-t', '0', 'web');
  await succeed('start', 'other');
  expect(await look()).toBe(before);
});

test('links are names of the one container that has them, and follow the other one', async () => {
  await start('db', ['--expose', '5432', '-e', 'MODE=fast'], serving('database'));
  await start('web', ['--link', 'db:store']);
  expect(await hear('web', 'store')).toBe('database');
  const env = (await wherry(['run', '--rm', '--link', 'db:store', BUSYBOX, 'env'])).stdout;
  expect(env).toMatch(/^STORE_PORT_5432_TCP=tcp:\/\/\d+\.\d+\.\d+\.\d+:5432$/m);
  expect(env).toContain('STORE_ENV_MODE=fast');
  await succeed('stop', '-t', '0', 'db');
  await start('thief', []);
  await succeed('start', 'db');
  expect(
    await eventually(
      () => hear('web', 'store'),
      (word) => word !== '',
    ),
  ).toBe('database');
  await start('late', ['--network', 'e2e-front', '--link', 'coming:store']);
  await start('coming', ['--network', 'e2e-front'], serving('here'));
  expect(await hear('late', 'store')).toBe('here');
});

test('an internal network has names and no way out, and publishes nothing', async () => {
  await start('db', ['--network', 'e2e-back', '-p', '80'], serving('database'));
  expect((await inside('db', 'ip route')).stdout).not.toContain('default');
  expect((await inside('db', 'nslookup example.org')).status).not.toBe(0);
  expect(await succeed('port', 'db')).toBe('');
});

test('the host has a name where there is a way to it', async () => {
  const hosts = async (network: string) => succeed('run', '--rm', '--network', network, BUSYBOX, 'cat', '/etc/hosts');
  for (const network of ['bridge', 'e2e-front']) {
    expect(await hosts(network)).toMatch(/^[0-9.]+\thost\.containers\.internal host\.docker\.internal$/m);
  }
  for (const network of ['none', 'e2e-back']) expect(await hosts(network)).not.toContain('host.docker.internal');
});

test.skipIf(outside === undefined)(
  'the name of the host, and host-gateway, lead to its services but not to its loopback',
  async () => {
    const [open, hidden] = [
      createServer((socket) => socket.end('here\n')),
      createServer((socket) => socket.end('no\n')),
    ];
    const [here, nowhere] = [await listen(open, outside), await listen(hidden)];
    await start('client', ['--network', 'e2e-front', '--add-host', 'mine:host-gateway']);
    const ask = async (name: string, port: number) =>
      (await inside('client', `nc -w 2 ${name} ${port} </dev/null`)).stdout.trim();
    for (const name of ['host.docker.internal', 'host.containers.internal', 'mine']) {
      expect(await ask(name, here)).toBe('here');
      expect(await ask(name, nowhere)).toBe('');
    }
    for (const address of ['127.0.0.1', '10.201.0.1', '169.254.1.2']) expect(await ask(address, nowhere)).toBe('');
    open.close();
    hidden.close();
  },
);

test("a container's own pasta or slirp4netns gives it a way out, and published ports lead in", async () => {
  for (const program of ['pasta', 'slirp4netns']) {
    const done = await wherry([
      'run',
      '-d',
      '--name',
      program,
      '--network',
      program,
      '-p',
      '80',
      BUSYBOX,
      ...serving('alone'),
    ]);
    if (done.stderr.includes('not installed')) continue;
    expect(done).toMatchObject({ status: 0 });
    const [published = ''] = (await succeed('port', program, '80')).split('\n');
    const answer = await eventually(
      async () => {
        const socket = connect(Number(published.split(':').at(-1)), '127.0.0.1').on('error', () => undefined);
        socket.end();
        return text(socket).catch(() => '');
      },
      (said) => said !== '',
    );
    expect(answer).toBe('alone\n');
    expect((await inside(program, 'ip route')).stdout).toContain('default via');
  }
  const host = await wherry(['run', '--rm', '--network', 'slirp4netns:nonsense=1', BUSYBOX, 'true']);
  expect(host).toMatchObject({ status: 125, stderr: expect.stringContaining('unknown option for slirp4netns') });
});

test('a network goes with its bridge when its last container has left, and is made again when one comes', async () => {
  await succeed('network', 'create', 'e2e-lone');
  await start('first', ['--network', 'e2e-lone'], serving('first'));
  expect((await wherry(['network', 'rm', 'e2e-lone'])).stderr).toContain('has active endpoints (name:"first"');
  await succeed('rm', '-f', 'first');
  await start('second', ['--network', 'e2e-lone'], serving('second'));
  await start('client', ['--network', 'e2e-lone']);
  expect(await hear('client', 'second')).toBe('second');
  await succeed('rm', '-f', 'second', 'client');
  await succeed('network', 'rm', 'e2e-lone');
  expect((await wherry(['run', '--rm', '--network', 'e2e-lone', BUSYBOX, 'true'])).stderr).toContain(
    'network e2e-lone not found',
  );
});

test('the default network that had to be made anew, with another subnet, has its bridge made anew', async () => {
  const record = `${testUser().home}/.local/share/wherry/networks/bridge.json`;
  await start('before', []);
  const made = readFileSync(record, 'utf8');
  const { pools, ...network } = JSON.parse(made);
  writeFileSync(record, JSON.stringify({ ...network, pools: [{ subnet: '10.209.0.0/24', gateway: '10.209.0.1' }] }));
  await start('after', []);
  expect((await inside('after', 'ping -c 1 -W 2 10.209.0.1')).status).toBe(0);
  writeFileSync(record, made);
  await start('last', []);
  expect((await inside('last', `ping -c 1 -W 2 ${pools[0].gateway}`)).status).toBe(0);
});

test('what serves networks ends some time after the last container has left, and comes back with the next', async () => {
  await start('db', ['--network', 'e2e-front'], serving('database'));
  const folder = join(testUser().runtimeDir, 'wherry/netns');
  const text = readFileSync(join(folder, 'state.json'), 'utf8');
  const { outside: way, servers } = JSON.parse(text) as {
    outside: { pid: number };
    servers: Record<string, { pid: number }>;
  };
  const pids = [way, ...Object.values(servers)].map(({ pid }) => pid);
  const lives = (pid: number) => startTime(pid) !== undefined;
  expect(pids.filter(lives)).toEqual(pids);
  await succeed('rm', '-f', 'db');
  await eventually(
    () => pids.filter(lives).length + (existsSync(join(folder, 'user')) ? 1 : 0),
    (left) => left === 0,
  );
  await start('db', ['--network', 'e2e-front'], serving('database'));
  await start('web', ['--network', 'e2e-front']);
  expect(await hear('web', 'db')).toBe('database');
});

describe('what is killed is mended by the next command', () => {
  /** What serves the user's network namespace. */
  const served = () => {
    const state = readFileSync(join(testUser().runtimeDir, 'wherry/netns/state.json'), 'utf8');
    return JSON.parse(state) as { outside: { pid: number }; servers: Record<string, { pid: number }> };
  };

  test('the server of names', async () => {
    await start('db', ['--network', 'e2e-front']);
    const pid = served().servers.dns?.pid ?? 0;
    process.kill(pid, 'SIGKILL');
    await start('web', ['--network', 'e2e-front']);
    expect(served().servers.dns?.pid).not.toBe(pid);
    expect(await addressesOf('web', 'db')).toHaveLength(1);
  });

  test('a command that was killed when it had started the server of names', async () => {
    await start('db', ['--network', 'e2e-front']);
    const path = join(testUser().runtimeDir, 'wherry/netns/state.json');
    writeFileSync(path, JSON.stringify({ ...served(), servers: {} }));
    await start('web', ['--network', 'e2e-front']);
    expect(await addressesOf('db', 'web')).toHaveLength(1);
    expect(await addressesOf('web', 'db')).toHaveLength(1);
  });

  test('the way out', async () => {
    await start('db', ['--network', 'e2e-front']);
    const { pid } = served().outside;
    process.kill(pid, 'SIGKILL');
    await eventually(
      () => start('web', ['--network', 'e2e-front']),
      () => served().outside.pid !== pid,
    );
    expect(await addressesOf('web', 'db')).toHaveLength(1);
  });

  test('a monitor: its container has neither address nor name any more', async () => {
    await start('db', ['--network', 'e2e-front', '--ip', '10.201.0.77']);
    const [, monitor] = /"monitorPid":(\d+)/.exec(readFileSync(await statePath('db'), 'utf8')) ?? [];
    process.kill(Number(monitor), 'SIGKILL');
    await start('web', ['--network', 'e2e-front', '--ip', '10.201.0.77']);
    expect(await addressesOf('web', 'db')).toEqual([]);
  });
});

const statePath = async (name: string) =>
  `${testUser().home}/.local/share/wherry/containers/${await succeed('inspect', '--format', '{{.Id}}', name)}/state.json`;

test('fifty containers on one network find each other', async () => {
  const names = Array.from({ length: 50 }, (_, index) => `many${index}`);
  for (let at = 0; at < names.length; at += 10) {
    await Promise.all(names.slice(at, at + 10).map((name) => start(name, ['--network', 'e2e-front'])));
  }
  const loop = `for n in ${names.join(' ')}; do nslookup -type=a $n | grep -q "^Address: 10.201" && echo $n; done`;
  for (const name of ['many0', 'many49']) {
    expect((await inside(name, loop)).stdout.trim().split('\n')).toEqual(names);
  }
});
