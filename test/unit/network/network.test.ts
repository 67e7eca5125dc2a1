import { spawn, spawnSync } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, onTestFinished, test } from 'vitest';
import { joinNetworks, leaveNetworks } from '#network/network.ts';
import { findTool } from '#sys/host.ts';
import type { Tools } from '#test/support/network-session.ts';
import { temporaryDirectory, temporaryStore } from '#test/support/store.ts';

const NAMESPACES = ['--user', '--map-root-user', '--mount', '--net', '--pid', '--fork', '--kill-child', '--mount-proc'];

/** What this machine lacks for containers' networks; undefined where they can be tried. */
function lacking(): string | undefined {
  const tool = ['ip', 'nft', 'nsenter', 'unshare', 'pasta'].find((name) => findTool(name) === undefined);
  if (tool !== undefined) return tool;
  try {
    accessSync('/dev/net/tun', constants.R_OK | constants.W_OK);
  } catch {
    return 'access to /dev/net/tun';
  }
  return spawnSync('unshare', [...NAMESPACES, 'true']).status === 0 ? undefined : 'user namespaces';
}

/** Runs a function in a small host of its own; what it closes over is not there. */
function session<T>(body: (tools: Tools) => Promise<T>, resolver = '127.0.0.1'): Promise<T> {
  const program = fileURLToPath(new URL('../../support/network-session.ts', import.meta.url));
  const args = [...NAMESPACES, process.execPath, program, temporaryDirectory(), resolver, body.toString()];
  const child = spawn('unshare', args, { stdio: ['ignore', 'pipe', 'pipe'] });
  // All that the session started ends with it.
  onTestFinished(() => void child.kill('SIGKILL'));
  let out = '';
  let err = '';
  child.stdout.on('data', (chunk) => (out += chunk));
  child.stderr.on('data', (chunk) => (err += chunk));
  return new Promise((resolve, reject) => {
    child.once('close', (status) => {
      const [result = ''] = out.split('\n').slice(-1);
      if (status === 0 && result !== '') resolve(JSON.parse(result));
      else reject(new Error(`${out}\n${err}`));
    });
  });
}

const reason = lacking();

describe.skipIf(reason !== undefined)(`joinNetworks()${reason === undefined ? '' : ` (needs ${reason})`}`, () => {
  test('gives the lowest address, a link that is up, the default route and the loopback', async () => {
    const { joined, look } = await session(async ({ joinBridge, sh }) => {
      const joined = await joinBridge(1);
      const enter = `nsenter --net=${joined.netns}`;
      return { joined, look: sh(`${enter} ip -br addr; ${enter} ip route`) };
    });
    expect(joined.endpoints.bridge).toMatchObject({
      network: 'bridge',
      address: '172.17.0.2/16',
      gateway: '172.17.0.1',
      mac: '02:42:ac:11:00:02',
      id: expect.stringMatching(/^[0-9a-f]{64}$/),
    });
    expect(look.replaceAll(/ +/g, ' ').replaceAll(/@if\d+/g, '')).toBe(
      `lo UNKNOWN 127.0.0.1/8 ::1/128 
eth0 UP 172.17.0.2/16 
default via 172.17.0.1 dev eth0 
172.17.0.0/16 dev eth0 proto kernel scope link src 172.17.0.2`,
    );
  });

  test("shows the gateway in the clients' place where the kernel can't lead answers to them", async () => {
    const seen = await session(async ({ store, joinBridge, inside, serve, greeter, caller, sh, folder }) => {
      const bin = `${store.root}-bin`;
      const nft = sh('PATH=$PATH:/usr/sbin; command -v nft');
      sh(`mkdir '${bin}'; cat > '${bin}/nft' <<'E'
#!/bin/sh
rules=$(cat)
case $rules in *'socket transparent'*) echo 'Error: Could not process rule' >&2; exit 1;; esac
echo "$rules" | exec ${nft} "$@"
E
chmod +x '${bin}/nft'`);
      process.env.PATH = `${bin}:${process.env.PATH}`;
      await joinBridge(1);
      await joinBridge(2);
      await serve(1, greeter('0.0.0.0', 8000));
      const { clients } = JSON.parse(sh(`cat '${folder}/state.json'`));
      return [clients, inside(2, caller('172.17.0.2', 8000))];
    });
    expect(seen).toEqual([{ 4: false }, 'hello']);
  });

  test('lets containers reach each other and their gateway, and the world, but not the loopback of the host', async () => {
    const seen = await session(async ({ joinBridge, inside, serve, greeter, caller }) => {
      await Promise.all([joinBridge(1), joinBridge(2)]);
      await serve(1, greeter('0.0.0.0', 8000));
      await serve(undefined, greeter('10.9.9.1', 8001));
      await serve(undefined, greeter('127.0.0.1', 8002));
      const asked: [string, number][] = [
        ['172.17.0.2', 8000],
        ['172.17.0.3', 8000],
        ['172.17.0.1', 8000],
        ['10.9.9.1', 8001],
        ['10.9.9.1', 8002],
        ['10.9.9.1', 8003],
        ['127.0.0.1', 8002],
        ['169.254.1.2', 8002],
      ];
      // Containers 1 and 2 joined at once: either may have either address.
      return asked.map(([address, port]) => `${address}:${port} ${inside(2, caller(address, port))}`);
    });
    expect(
      seen
        .slice(0, 2)
        .sort()
        .map((line) => line.split(' ')[1])
        .sort(),
    ).toEqual(['ECONNREFUSED', 'hello']);
    expect(seen.slice(2, 7)).toEqual([
      '172.17.0.1:8000 ECONNREFUSED',
      '10.9.9.1:8001 hello',
      '10.9.9.1:8002 ECONNREFUSED',
      '10.9.9.1:8003 ECONNREFUSED',
      '127.0.0.1:8002 ECONNREFUSED',
    ]);
    expect(seen[7]).not.toContain('hello');
  });

  test("forwards queries to a resolver on the host's loopback", async () => {
    const answer = await session(async ({ joinBridge, inside, serve }) => {
      await serve(
        undefined,
        `const u = require('dgram').createSocket('udp4');
         u.on('message', (m, from) => u.send('answer to ' + m, from.port, from.address));
         u.bind(53, '127.0.0.1', () => console.log('ready'));`,
      );
      await joinBridge(1);
      return inside(
        1,
        `const u = require('dgram').createSocket('udp4');
         u.on('message', (m) => { process.stdout.write(m); u.close(); });
         u.send('query', 53, '169.254.1.3');`,
      );
    });
    expect(answer).toBe('answer to query');
  });

  test('never gives an address twice, however many join at once, and takes it back when they leave', async () => {
    const { first, again } = await session(async ({ joinBridge, leave, id }) => {
      const numbers = [...Array(8).keys()];
      const joined = await Promise.all(numbers.map((number) => joinBridge(number)));
      const first = joined.map(({ endpoints }) => endpoints.bridge?.address);
      await Promise.all([leave(0), leave(3), leave(3)]);
      const addresses = [
        (await joinBridge(8)).endpoints.bridge?.address,
        (await joinBridge(9)).endpoints.bridge?.address,
      ];
      return { first, again: [first[0], first[3]].sort().join() === addresses.sort().join() && id(1).length };
    });
    expect(new Set(first).size).toBe(8);
    expect(again).toBe(64);
  });

  test('takes back the addresses of containers that are gone without having left', async () => {
    const address = await session(async ({ joinBridge, store, id, sh }) => {
      await joinBridge(1);
      await joinBridge(2);
      sh(`rm -r '${store.path('containers', id(1))}'`);
      return (await joinBridge(3)).endpoints.bridge?.address;
    });
    expect(address).toBe('172.17.0.2/16');
  });

  test('keeps the address of a container that joins again, with a new namespace', async () => {
    const { addresses, links } = await session(async ({ joinBridge, sh }) => {
      const addresses = [];
      for (let round = 0; round < 3; round += 1) addresses.push((await joinBridge(1)).endpoints.bridge?.address);
      const { netns } = await joinBridge(1);
      return { addresses, links: sh(`nsenter --net=${netns} ip -br link | wc -l`) };
    });
    expect(addresses).toEqual(['172.17.0.2/16', '172.17.0.2/16', '172.17.0.2/16']);
    expect(links).toBe('2');
  });

  test('starts pasta or slirp4netns again when it was killed, and container traffic goes on', async () => {
    const seen = await session(async ({ joinBridge, inside, serve, greeter, caller, folder, sh }) => {
      await serve(undefined, greeter('10.9.9.1', 8001));
      await joinBridge(1);
      const outside = () => JSON.parse(sh(`cat '${folder}/state.json'`)).outside.pid;
      const pid = outside();
      sh(`kill -9 ${pid}; while grep -qs '^State:.[^Z]' /proc/${pid}/status; do :; done`);
      await joinBridge(2);
      return [inside(1, caller('10.9.9.1', 8001)), inside(2, caller('10.9.9.1', 8001)), outside() !== pid];
    });
    expect(seen).toEqual(['hello', 'hello', true]);
  });

  test('starts anew when the namespace of the user went with its mount namespace', async () => {
    const seen = await session(async ({ joinBridge, folder, sh, id }) => {
      await joinBridge(1);
      sh(`cd '${folder}'; umount -l user ${id(1)}; touch stale`);
      const { endpoints } = await joinBridge(2);
      return [endpoints.bridge?.address, sh(`ls '${folder}'`).split('\n')] as const;
    });
    expect(seen[0]).toBe('172.17.0.2/16');
    expect(seen[1]).toEqual(expect.arrayContaining(['0'.repeat(63).concat('2'), 'state.json', 'user']));
    expect(seen[1]).not.toContain('stale');
  });

  test("keeps away from the host's routes and name servers", async () => {
    const subnet = await session(async ({ joinBridge, sh, store }) => {
      sh('ip addr add 172.17.44.1/24 dev wire0');
      await joinBridge(1);
      return JSON.parse(sh(`cat '${store.path('networks', 'bridge.json')}'`)).pools[0].subnet;
    }, '172.18.0.53');
    expect(subnet).toBe('172.19.0.0/16');
  });

  test('takes the hardware address that was asked for', async () => {
    const look = await session(async ({ joinBridge, sh }) => {
      const { netns } = await joinBridge(1, { MacAddress: '02-42-AC-11-00-99' });
      return sh(`nsenter --net=${netns} ip link show eth0`);
    });
    expect(look).toContain('02:42:ac:11:00:99');
  });

  test('leaves nothing of the container behind when a link cannot be made', async () => {
    const seen = await session(async ({ joinBridge, folder, sh }) => {
      await joinBridge(1);
      sh(`nsenter --net='${folder}/user' ip link del wherry0`);
      const message = await joinBridge(2).catch((error: Error) => error.message);
      return {
        message,
        names: sh(`ls '${folder}'`).split('\n').length,
        state: JSON.parse(sh(`cat '${folder}/state.json'`)),
      };
    });
    expect(seen.message).toMatch(/^Cannot connect container "c2" to its network: .*wherry0/);
    expect(seen.names).toBe(4);
    expect(seen.state.leases).toHaveLength(1);
  });

  test.skipIf(findTool('slirp4netns') === undefined)(
    'is served by slirp4netns where pasta cannot run (needs slirp4netns)',
    async () => {
      const seen = await session(async ({ joinBridge, inside, serve, greeter, caller, folder, sh }) => {
        sh('mount --bind /etc/resolv.conf "$(PATH=$PATH:/usr/bin command -v pasta)"');
        await serve(undefined, greeter('10.9.9.1', 8001));
        await serve(undefined, greeter('127.0.0.1', 8002));
        await joinBridge(1);
        const { program } = JSON.parse(sh(`cat '${folder}/state.json'`)).outside;
        const calls = [caller('10.9.9.1', 8001), caller('169.254.1.2', 8002)];
        return [program, ...calls.map((call) => inside(1, call))];
      });
      expect(seen.slice(0, 2)).toEqual(['slirp4netns', 'hello']);
      expect(seen[2]).not.toBe('hello');
    },
  );

  test('says what root must do when the tap device cannot be opened, and gives the container up', async () => {
    const seen = await session(async ({ joinBridge, folder, sh }) => {
      sh('mount --bind /dev/net/tun /dev/net/tun; mount -o remount,bind,nodev /dev/net/tun');
      const error = await joinBridge(1).catch(({ message, hint, kind }) => ({ message, hint, kind }));
      return { error, leases: JSON.parse(sh(`cat '${folder}/state.json'`)).leases };
    });
    expect(seen).toEqual({
      error: {
        kind: 'unsupported',
        message: `Cannot connect containers to the outside: "/dev/net/tun" can't be opened: permission denied`,
        hint: 'Have root run: modprobe tun; chmod 0666 /dev/net/tun (or use --network none or --network host)',
      },
      leases: [],
    });
  });

  test('works on a host without any route: containers still reach each other', async () => {
    const seen = await session(async ({ joinBridge, inside, serve, greeter, caller, sh }) => {
      sh('ip link del wire0');
      await joinBridge(1);
      await joinBridge(2);
      await serve(1, greeter('0.0.0.0', 8000));
      return inside(2, caller('172.17.0.2', 8000));
    });
    expect(seen).toBe('hello');
  });
});

describe.skipIf(reason !== undefined)(
  `networks of the user's${reason === undefined ? '' : ` (needs ${reason})`}`,
  () => {
    test('are apart: neither their containers nor their gateways are reached from another one', async () => {
      const seen = await session(async ({ create, join, inside, serve, greeter, caller }) => {
        await create('a', { pools: [{ subnet: '10.1.0.0/24' }] });
        await create('b', { pools: [{ subnet: '10.2.0.0/24' }] });
        await Promise.all([join(1, { a: {} }), join(2, { b: {} }), join(3, { a: {}, b: {} })]);
        await serve(1, greeter('0.0.0.0', 8000));
        const [{ endpoints }] = [await join(4, { a: {} })];
        const at = JSON.stringify(endpoints) && '10.1.0.';
        const ask = (number: number, address: string) => inside(number, caller(address, 8000));
        const own = [2, 3, 4].map((last) => `${at}${last}`);
        return {
          same: own.map((address) => ask(4, address)).filter((answer) => answer === 'hello').length,
          other: own.map((address) => ask(2, address)),
          both: own.map((address) => ask(3, address)).filter((answer) => answer === 'hello').length,
          gateway: [ask(2, '10.2.0.1'), ask(2, '10.1.0.1')],
        };
      });
      expect(seen).toEqual({
        same: 1,
        other: ['ETIMEDOUT', 'ETIMEDOUT', 'ETIMEDOUT'],
        both: 1,
        gateway: ['ECONNREFUSED', 'ETIMEDOUT'],
      });
    });

    test('reach nothing outside when they are internal', async () => {
      const seen = await session(async ({ create, join, inside, serve, greeter, caller, sh, folder, id }) => {
        await create('in', { internal: true, pools: [{ subnet: '10.3.0.0/24' }] });
        await serve(undefined, greeter('10.9.9.1', 8001));
        const { endpoints, published } = await join(1, { in: {} });
        const before = inside(1, caller('10.9.9.1', 8001));
        // Whoever is root in the container may make a route.
        sh(`nsenter --net='${folder}/${id(1)}' ip route add default via 10.3.0.1`);
        return [before, inside(1, caller('10.9.9.1', 8001)), endpoints.in?.gateway ?? null, published ?? null];
      });
      expect(seen).toEqual(['ENETUNREACH', 'ETIMEDOUT', null, null]);
    });

    test('carry IPv6 between containers, and outside where the host leads there', async () => {
      const seen = await session(async ({ create, join, inside, serve, greeter, caller, sh }) => {
        sh('ip addr add fdaa::1/64 dev wire0 nodad; ip -6 route add default via fdaa::2 dev wire0');
        await serve(undefined, greeter('fdaa::1', 8001));
        await create('six', { ipv6: true, pools: [{ subnet: 'fd00:1::/64' }] });
        await join(1, { six: {} });
        const { endpoints } = await join(2, { six: {} });
        await serve(1, greeter('::', 8000));
        const { address6, gateway6 } = endpoints.six ?? {};
        return [address6, gateway6, inside(2, caller('fd00:1::2', 8000)), inside(2, caller('fdaa::1', 8001))];
      });
      expect(seen).toEqual(['fd00:1::3/64', 'fd00:1::1', 'hello', 'hello']);
    });

    test('carry IPv6 also where pasta is all there is', async () => {
      const seen = await session(async ({ create, join, inside, serve, greeter, caller, sh }) => {
        sh('mount --bind /etc/resolv.conf "$(command -v slirp4netns || echo /dev/full)"');
        sh('ip addr add fdaa::1/64 dev wire0 nodad; ip -6 route add default via fdaa::2 dev wire0');
        await serve(undefined, greeter('fdaa::1', 8001));
        await create('six', { ipv6: true, pools: [{ subnet: 'fd00:1::/64' }] });
        await join(1, { six: {} });
        const { endpoints } = await join(2, { six: {} });
        await serve(1, greeter('::', 8000));
        const { address6, gateway6 } = endpoints.six ?? {};
        return [address6, gateway6, inside(2, caller('fd00:1::2', 8000)), inside(2, caller('fdaa::1', 8001))];
      });
      expect(seen).toEqual(['fd00:1::3/64', 'fd00:1::1', 'hello', 'hello']);
    });

    test('may have no IPv4 at all', async () => {
      const seen = await session(async ({ create, join, sh }) => {
        await create('six', { ipv4: false, ipv6: true, pools: [{ subnet: 'fd00:1::/64' }] });
        const { endpoints, published, netns } = await join(1, { six: {} });
        return [
          endpoints.six?.address ?? null,
          published?.addresses,
          sh(`nsenter --net=${netns} ip -4 -o addr show dev eth0`),
        ];
      });
      expect(seen).toEqual([null, { 6: 'fd00:1::2' }, '']);
    });

    test('keep containers apart from each other where they say so', async () => {
      const seen = await session(async ({ create, join, inside, serve, greeter, caller }) => {
        const options = { 'com.docker.network.bridge.enable_icc': 'false', mtu: '1400' };
        await create('mute', { options, pools: [{ subnet: '10.4.0.0/24' }] });
        await join(1, { mute: {} });
        await join(2, { mute: {} });
        await serve(1, greeter('0.0.0.0', 8000));
        await serve(undefined, greeter('10.9.9.1', 8001));
        const mtu = inside(2, `console.log(require('fs').readFileSync('/proc/net/dev', 'utf8').includes('eth0'))`);
        return [inside(2, caller('10.4.0.2', 8000)), inside(2, caller('10.9.9.1', 8001)), mtu.trim()];
      });
      expect(seen).toEqual([expect.stringMatching(/^(EHOSTUNREACH|ETIMEDOUT)$/), 'hello', 'true']);
    });

    test('go with their bridge when nobody is on them, and not before', async () => {
      const seen = await session(async ({ create, drop, join, leave, folder, sh }) => {
        await create('web', {});
        await create('back', {});
        await join(1, { web: {} });
        await join(2, { back: {} });
        const bridges = () => sh(`nsenter --net='${folder}/user' ip -br link show type bridge | wc -l`);
        const while_ = [await drop('web'), bridges()];
        await leave(1);
        return [...while_, await drop('web'), bridges(), await drop('web').catch((error: Error) => error.message)];
      });
      expect(seen).toEqual([false, '2', true, '1', 'failed to set up container networking: network web not found']);
    });
  },
);

describe('joinNetworks() refuses in words of Docker', () => {
  const join = (networks: Record<string, object>) =>
    joinNetworks(temporaryStore(), { id: 'a'.repeat(64), name: 'web', hostname: 'web', networks });

  test.each([
    [{ foo: {} }, 'failed to set up container networking: network foo not found'],
    [{ '../x': {} }, 'failed to set up container networking: network ../x not found'],
    [{ bridge: { MacAddress: 'zz' } }, 'invalid config for network bridge: invalid MAC address zz'],
    [
      { bridge: { Aliases: ['x'] } },
      'invalid endpoint settings:\nnetwork-scoped alias is supported only for containers in user defined networks',
    ],
    [
      { bridge: { IPAMConfig: { IPv4Address: '10.9.9.9' } } },
      'invalid endpoint settings:\n* user specified IP address is supported on user defined networks only\n* no configured subnet or ip-range contain the IP address 10.9.9.9',
    ],
  ])('%j', async (networks, message) => {
    await expect(join(networks)).rejects.toThrow(expect.objectContaining({ message, exitCode: 125 }));
  });
});

test('leaveNetworks() of a container that is on none is fine', async () => {
  await expect(leaveNetworks(temporaryStore(), 'a'.repeat(64))).resolves.toBeUndefined();
});
