/** Networks by us and by Docker: what is refused, what is shown, and what a container sees of its network. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  both,
  clearTheStage,
  comparing,
  expectSame,
  ours,
  plain,
  setTheStage,
  wordsOf,
} from '#test/support/compare.ts';
import { noDocker } from '#test/support/peers.ts';

/** The image has this name in both stores. */
const I = 'localhost/busybox';
const NETWORKS = ['difa', 'difb', 'difin', 'difsix', 'difnew'];
const CONTAINERS = ['dif1', 'dif2', 'dif3', 'difhost', 'difnone'];

/** Both have the same networks, with subnets of ours: which ones are free differs. */
const SETTING = [
  'network create --subnet 10.191.0.0/24 --label tier=front --label empty difa',
  'network create --subnet 10.192.0.0/24 --gateway 10.192.0.254 --ip-range 10.192.0.128/25 --aux-address a=10.192.0.130 -o com.docker.network.driver.mtu=1400 difb',
  'network create --internal --subnet 10.193.0.0/24 --attachable difin',
  'network create --ipv6 --subnet 10.194.0.0/24 --subnet fd00:194::/64 difsix',
  `run -d --name dif1 --hostname box --network difa --network-alias one --network-alias two --ip 10.191.0.7 ${I} sleep 1000`,
  `run -d --name dif2 --network difsix ${I} sleep 1000`,
  `run -d --name difhost --network host ${I} sleep 1000`,
  `run -d --name difnone --network none ${I} sleep 1000`,
];

async function clear(): Promise<void> {
  await clearTheStage(CONTAINERS);
  await both(`network rm -f ${NETWORKS.join(' ')}`);
}

/** What differs by nature besides: hardware addresses, the moment, whose namespace it is. */
const MORE_BY_NATURE: [RegExp, string][] = [
  [/\b(?:[0-9a-f]{2}:){5}[0-9a-f]{2}\b/g, 'MAC'],
  [/"SandboxKey":"[^"]*"/g, '"SandboxKey":"PATH"'],
  [/\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(?:\.\d+)? \+0000 UTC/g, 'TIME'],
];
const shown = (text: string) =>
  MORE_BY_NATURE.reduce((rest, [pattern, word]) => rest.replace(pattern, word), plain(text));

const expectShown = comparing(shown);

/** What we answer otherwise than Docker, and why. */
const DIFFERENT: [line: string, { why: string; says: RegExp }][] = [
  ['network create -d macvlan difnew', { why: 'it needs root', says: /which only root may touch/ }],
  ['network create -d ipvlan difnew', { why: 'it needs root', says: /which only root may touch/ }],
  ['network create -d overlay difnew', { why: 'there is no swarm', says: /join several hosts of a swarm/ }],
  ['network create --config-only difnew', { why: 'there is no swarm', says: /those of a swarm/ }],
  ['network create --ingress difnew', { why: 'there is no swarm', says: /needs a swarm/ }],
  ['network create "a b"', { why: 'a name is a file’s name', says: /names must match/ }],
  ['network create container:x', { why: 'no mode may be taken for it', says: /names must match/ }],
  [
    'network create -o com.docker.network.bridge.enable_ip_masquerade=false difnew',
    { why: 'the host knows no way back', says: /doesn't know the way back/ },
  ],
  [
    'network create -o com.docker.network.bridge.gateway_mode_ipv4=routed difnew',
    { why: 'the host knows no way there', says: /the host has no route to containers/ },
  ],
];

describe.skipIf(noDocker !== undefined)(`networks by us and by docker (${noDocker ?? 'here'})`, () => {
  beforeAll(async () => {
    await clear();
    await setTheStage(CONTAINERS);
    for (const line of SETTING) await both(line);
  });
  afterAll(clear);

  test.each([
    'network nonsense',
    'network create',
    'network create difa',
    'network create ""',
    'network create host',
    'network create default',
    'network create -d host difnew',
    'network create -d nonsense difnew',
    'network create --ipam-driver nonsense difnew',
    'network create --ipam-driver null difnew',
    'network create --scope swarm difnew',
    'network create --subnet nonsense difnew',
    'network create --subnet 10.84.0.1/16 difnew',
    'network create --subnet 10.191.0.0/25 difnew',
    'network create --subnet 10.84.0.0/16 --subnet 10.85.0.0/16 difnew',
    'network create --subnet 10.84.0.0/16 --subnet 10.84.5.0/24 difnew',
    'network create --subnet 10.84.0.0/16 --gateway 10.85.0.1 difnew',
    'network create --subnet 10.84.0.0/16 --gateway nonsense difnew',
    'network create --subnet 10.84.0.0/16 --gateway 10.84.0.0 difnew',
    'network create --subnet 10.84.0.0/16 --gateway 10.84.0.1 --gateway 10.84.0.2 difnew',
    'network create --subnet nonsense --gateway 10.84.0.1 difnew',
    'network create --gateway 10.85.0.1 difnew',
    'network create --ip-range 10.85.0.0/24 difnew',
    'network create --subnet 10.84.0.0/16 --ip-range 10.85.0.0/24 difnew',
    'network create --subnet 10.84.0.0/16 --ip-range nonsense difnew',
    'network create --subnet 10.84.0.0/16 --ip-range 10.84.0.0/8 difnew',
    'network create --subnet 10.84.0.0/16 --aux-address a=10.85.0.0 difnew',
    'network create --subnet 10.84.0.0/16 --aux-address nonsense difnew',
    'network create --subnet 10.84.0.0/16 --aux-address a=10.84.0.1 difnew',
    'network create --ipv4=false difnew',
    'network create --label =x difnew',
    'network create -o com.docker.network.bridge.name=averyveryverylongname difnew',
    'network create -o com.docker.network.bridge.name=a/b difnew',
    'network create -o com.docker.network.bridge.name=lo difnew',
    'network create -o com.docker.network.driver.mtu=x difnew',
    'network create -o com.docker.network.driver.mtu=-1 difnew',
    'network create -o com.docker.network.driver.mtu=10 difnew',
    'network create -o com.docker.network.bridge.enable_icc=x difnew',
    'network create -o com.docker.network.bridge.host_binding_ipv4=x difnew',
    'network create -o com.docker.network.bridge.gateway_mode_ipv4=x difnew',
    'network create -o com.docker.network.bridge.gateway_mode_ipv4=isolated difnew',
    'network ls x',
    'network ls --filter name=dif',
    'network ls --filter name=dif --no-trunc',
    'network ls -q --filter name=dif',
    'network ls --filter type=builtin',
    'network ls --filter type=nonsense',
    'network ls --filter driver=host',
    'network ls --filter driver=nonsense',
    'network ls --filter label=tier',
    'network ls --filter label=tier=back',
    'network ls --filter scope=nonsense',
    'network ls --filter id=nonsense',
    'network ls --filter dangling=nonsense',
    'network ls --filter name=^difa$',
    'network ls --filter name=^dif.$ --format {{.Name}}',
    'network ls --filter nonsense=1',
    'network ls --format {{.Nonsense}}',
    'network ls --filter name=dif --format "{{.Name}} {{.Driver}} {{.Scope}} {{.IPv4}} {{.IPv6}} {{.Internal}} {{.Label `tier`}}"',
    'network ls --filter name=difin --format "table {{.Name}}\t{{.Internal}}\t{{.IPv6}}"',
    'network inspect',
    'network inspect nonsense',
    'network inspect difa nonsense --format {{.Name}}',
    'network inspect --format {{.Nonsense}} difa',
    'network rm nonsense',
    'network rm -f nonsense',
    'network rm bridge host',
    'network rm difa',
    'network connect',
    'network connect difa',
    'network connect nonsense dif1',
    'network connect difa nonsense',
    'network connect difa dif1',
    'network connect difb difhost',
    'network connect difb difnone',
    'network connect host dif1',
    'network connect none dif1',
    'network connect --alias x bridge dif1',
    'network connect --ip nonsense difb dif1',
    'network connect --ip 1.2.3.4 difb dif1',
    'network connect --driver-opt x difb dif1',
    'network connect --link a:b:c difb dif1',
    'network disconnect difa',
    'network disconnect difb dif1',
    'network disconnect difa nonsense',
    'network disconnect -f difa nonsense',
    'network disconnect host difhost',
    'network prune --filter nonsense=1',
    'inspect --type network nonsense',
    `run --rm --network difa --ip 1.2.3.4 ${I} true`,
    `run --rm --network difa --ip nonsense ${I} true`,
    `run --rm --network difa --ip 10.191.0.7 ${I} true`,
    `run --rm --network difa --ip 10.191.0.1 ${I} true`,
    `run --rm --network difa --ip6 nonsense ${I} true`,
    `run --rm --network difsix --ip6 fd00:195::1 ${I} true`,
    `run --rm --network difsix --ip fd00:194::9 ${I} true`,
    `run --rm --ip 10.9.9.9 ${I} true`,
    `run --rm --ip nonsense ${I} true`,
    `run --rm --network host --ip 10.9.9.9 ${I} true`,
    `run --rm --network container:x --ip 10.9.9.9 ${I} true`,
    `run --rm --network bridge --network-alias x ${I} true`,
    `run --rm --network-alias x ${I} true`,
    `run --rm --network difa --network difa ${I} true`,
    `run --rm --network difa --network bridge ${I} true`,
    `run --rm --network none --network difa ${I} true`,
    `run --rm --network "" ${I} true`,
    `run --rm --network " difa" ${I} true`,
    `run --rm --network container: ${I} true`,
    `run --rm --network name=difa,alias=x --network-alias y ${I} true`,
    `run --rm --network name=difa,ip=10.191.0.9 --ip 10.191.0.9 ${I} true`,
    `run --rm --network name=difa,mac-address=02:00:00:00:00:01 --mac-address 02:00:00:00:00:02 ${I} true`,
    `run --rm --network name=difa,nonsense=1 ${I} true`,
    `run --rm --network name=difa,gw-priority=x ${I} true`,
    `run --rm --network name=difa,driver-opt=x ${I} true`,
    `run --rm --network name=difa,link-local-ip=x ${I} true`,
    `run --rm --network name=difa,driver-opt=com.docker.network.endpoint.sysctls=nonsense ${I} true`,
    `run --rm --network alias=x ${I} true`,
    `run --rm --network container:dif1 --mac-address 02:00:00:00:00:01 ${I} true`,
    `run --rm --network container:dif1 --dns 1.1.1.1 ${I} true`,
    `run --rm --network container:dif1 -h x ${I} true`,
    `run --rm --link nonsense ${I} true`,
    `run --rm --link a:b:c ${I} true`,
    `run --rm --link "" ${I} true`,
    `run --rm --link dif1 ${I} true`,
    `run --rm --network host --link dif1 ${I} true`,
    `run --rm --network difa --link nonsense:x ${I} true`,
    `create --name dif3 --network nonsense ${I} true`,
    'start dif3',
    'inspect --format {{json .NetworkSettings.Networks}} dif3',
    'rm dif3',
    // What a container sees.
    `run --rm --network difa --ip 10.191.0.9 ${I} ip -o -4 addr show dev eth0`,
    `run --rm --network name=difa,ip=10.191.0.9,driver-opt=com.docker.network.endpoint.ifname=lan0 ${I} ip -o -4 addr show dev lan0`,
    `run --rm --network name=difa,link-local-ip=169.254.9.9 --ip 10.191.0.9 ${I} ip -o -4 addr show dev eth0`,
    `run --rm --network name=difa,driver-opt=com.docker.network.endpoint.sysctls=net.ipv4.conf.IFNAME.log_martians=1 ${I} cat /proc/sys/net/ipv4/conf/eth0/log_martians`,
    `run --rm --network difa --mac-address 02-00-00-00-00-01 ${I} cat /sys/class/net/eth0/address`,
    `run --rm --network difb ${I} sh -c "cat /sys/class/net/eth0/mtu; ip route"`,
    `run --rm --network difin ${I} ip route`,
    `run --rm --network difsix --ip6 fd00:194::77 ${I} sh -c "ip -o -6 addr show dev eth0 scope global; ip -6 route | grep default"`,
    `run --rm --network difa --network difin ${I} sh -c "ip route | grep default"`,
    `run --rm --network difin --network difa ${I} sh -c "ip route | grep -o 'via [0-9.]*'"`,
    `run --rm --network difa --network name=difb,gw-priority=1 ${I} sh -c "ip route | grep -o 'via [0-9.]*'"`,
    `run --rm --network difa --network difsix ${I} sh -c "ip route | grep -o 'via [0-9.]*'"`,
    `run --rm --network difa --ip 10.191.0.9 -h a.example.org ${I} sh -c "grep 10.191 /etc/hosts; cat /etc/hostname"`,
    `run --rm --network difa --ip 10.191.0.9 -h a --domainname example.org ${I} grep 10.191 /etc/hosts`,
    `run --rm --network difa --add-host x:1.2.3.4 ${I} grep 1.2.3.4 /etc/hosts`,
    `run --rm --network difa --dns 9.9.9.9 --dns-search foo.bar --dns-option ndots:3 ${I} sh -c "grep -v ^# /etc/resolv.conf | grep -v nameserver | grep ."`,
    `run --rm --network difa ${I} sh -c "grep ^options /etc/resolv.conf"`,
    `run --rm --network difa ${I} sh -c "nslookup -type=a dif1 | grep -A1 Name"`,
    `run --rm --network difa ${I} sh -c "nslookup -type=a two | grep -A1 Name"`,
    `run --rm --network difa ${I} sh -c "nslookup -type=a box | grep -A1 Name"`,
    `run --rm --network difa ${I} sh -c "nslookup -type=a dif1.difa | grep -A1 Name"`,
    `run --rm --network difa ${I} sh -c "nslookup -type=a one.difa | grep -A1 Name"`,
    `run --rm --network difa ${I} sh -c "nslookup 10.191.0.7 | grep -o 'name = dif1.difa'"`,
    `run --rm --network difb ${I} sh -c "nslookup -type=a dif1 | grep -c Name"`,
    `run --rm --network difsix ${I} sh -c "nslookup -type=aaaa dif2 | grep -A1 Name"`,
    `run --rm --network difa ${I} ping -c 1 -W 1 -q 10.194.0.2`,
    // Changes while it runs, and while it does not.
    'network connect --ip 10.192.0.140 --alias later difb dif1',
    'exec dif1 ip -o -4 addr show dev eth1',
    'exec dif1 sh -c "ip route | grep -o via.*dev"',
    'exec dif1 sh -c "grep 10.19 /etc/hosts"',
    'ps --filter name=dif1 --format {{.Networks}}',
    'ps --filter network=difb --format {{.Names}}',
    'network disconnect difa dif1',
    'exec dif1 sh -c "ip -o -4 addr | grep -c 10.191"',
    'exec dif1 sh -c "grep -c 10.191 /etc/hosts"',
    'exec dif1 sh -c "ip route | grep -o via.*dev"',
    'stop -t 0 dif1',
    'network connect difa dif1',
    'network disconnect difb dif1',
    'inspect --format {{json .HostConfig.NetworkMode}} dif1',
    'start dif1',
    'exec dif1 sh -c "ip route | grep -o via.*dev"',
    'network rm difb',
    'network inspect difb',
  ])('docker %s', (line) => expectSame(line));

  test.each([
    'network inspect difa',
    'network inspect difin',
    'network inspect difsix',
    'network inspect -v none --format {{.Driver}}',
    'network inspect host --format "{{json .IPAM}} {{json .Options}}"',
    'network ls --filter name=difsix --format json',
    'inspect difa --format {{json .Labels}}',
    'inspect --type network difsix --format {{json .IPAM}}',
    'inspect dif2 --format {{json .NetworkSettings}}',
    'inspect difhost --format {{json .NetworkSettings.Networks}}',
    'inspect difnone --format {{json .NetworkSettings.Networks}}',
    'inspect dif1 --format {{json .NetworkSettings.Networks}}',
  ])('docker %s', (line) => expectShown(line));

  // Docker's daemon lists without looking who is there, so all are dangling.
  test('networks with running containers are not dangling', async () => {
    const listed = async (value: string) =>
      (await ours(wordsOf(`network ls --filter name=dif --filter dangling=${value} --format {{.Name}}`))).stdout;
    expect(await listed('false')).toContain('difsix\n');
    const dangling = await listed('true');
    expect(dangling).toContain('difin\n');
    expect(dangling).not.toContain('difsix\n');
  });

  test.each(DIFFERENT)('docker %s is answered in words of ours', async (line, { says }) => {
    const own = await ours(wordsOf(line));
    expect(own.status).toBe(1);
    expect(own.stderr).toMatch(says);
  });
});
