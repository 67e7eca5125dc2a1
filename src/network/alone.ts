/** A container with a way out of its own (--network pasta, --network slirp4netns): no bridge, no other container. */
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Endpoint, PortMap } from '#base/api.ts';
import { WherryError } from '#base/error.ts';
import { formatAddress, parseRoutes, parseSubnet } from '#network/ipam.ts';
import { enterRoom, type Known } from '#network/leases.ts';
import { toolEnvironment } from '#network/link.ts';
import { checkDevice, DNS_ADDRESS, isRecentPasta, runPasta, runSlirp, slirpPlace } from '#network/outside.ts';
import { pastaPorts } from '#network/ports.ts';
import type { Store } from '#store/store.ts';
import { readJson } from '#sys/file.ts';
import { releaseNamespace } from '#sys/netns.ts';
import { run, signalProcess } from '#sys/process.ts';
import { randomHex } from '#sys/random.ts';
import { pinNamespace } from '#sys/userns-make.ts';

export interface AloneRequest {
  /** The container's. */
  id: string;
  name: string;
  mode: { kind: 'pasta' | 'slirp4netns'; options: readonly string[] };
  /** A network namespace that is there; else a new one is made. */
  namespace?: string;
  /** What is published. */
  ports: PortMap;
}

export interface Alone {
  netns: string;
  endpoint: Endpoint;
  /** The program forwards the published ports by itself. */
  forwards: boolean;
  /** Where the host's resolver is, when it listens on the host's loopback. */
  forwarder?: string;
}

/** Which process serves the namespace beside it: leaveAlone() ends it. */
const serverOf = (netns: string) => `${netns}.server`;

/** Makes the container's namespace and connects it. Throws kind `unsupported` where the program can't, `invalid` for a bad option. */
export async function joinAlone(store: Store, { id, name, mode, namespace, ports }: AloneRequest): Promise<Alone> {
  checkDevice();
  const plan = mode.kind === 'pasta' ? undefined : readSlirpOptions(mode.options);
  using room = await enterRoom(store);
  const netns = join(room.folder, id);
  await releaseNamespace(netns);
  if (namespace === undefined) {
    writeFileSync(netns, '', { mode: 0o600 });
    await run('unshare', [`--net=${netns}`, 'true'], { env: toolEnvironment() });
  } else {
    await pinNamespace(namespace, netns);
  }
  room.leave();
  const root = store.host.namespace === 'root';
  // An older pasta repeats data for ever where both ends of a connection close at once.
  const published = plan === undefined ? pastaPorts(ports) : [];
  const forwards = published.length > 0 && (await isRecentPasta());
  const started =
    plan === undefined
      ? await runPasta(serverOf(netns), pastaArgs(netns, [...mode.options, ...(forwards ? published : [])], root))
      : await runSlirp(serverOf(netns), [...plan.args, ...slirpPlace(netns)]);
  if (typeof started === 'string') {
    await leaveAlone(netns);
    throw new WherryError('unsupported', `Cannot connect container "${name}" by ${mode.kind}: ${started}`, {
      hint: `Look at the options after --network ${mode.kind}: (man ${mode.kind}), or use --network bridge`,
      exitCode: 125,
    });
  }
  writeFileSync(serverOf(netns), JSON.stringify(started), { mode: 0o600 });
  const endpoint = { network: mode.kind, id: randomHex(32), aliases: [], ...(await lookInside(netns)) };
  return { netns, endpoint, forwards, ...(plan === undefined ? {} : { forwarder: plan.forwarder }) };
}

/** What the program has set there. */
async function lookInside(netns: string): Promise<Partial<Endpoint>> {
  const script =
    'ip link set lo up; ip -o -4 addr show scope global; ip -o -6 addr show scope global; ip route show default; ip -o link';
  const { stdout } = await run('nsenter', [`--net=${netns}`, 'sh', '-c', script], { env: toolEnvironment() });
  const find = (pattern: RegExp) => pattern.exec(stdout)?.slice(1) ?? [];
  const [device, address] = find(/^\d+: (\S+) +inet (\S+)/m);
  const [address6] = find(/^\d+: \S+ +inet6 (\S+)/m);
  const [gateway] = find(/^default via (\S+)/m);
  const [mac] = device === undefined ? [] : find(new RegExp(`^\\d+: ${device}[:@].*link/ether (\\S+)`, 'm'));
  const found = { interface: device, address, address6, gateway, mac };
  return Object.fromEntries(Object.entries(found).filter(([, value]) => value !== undefined));
}

/** Options that are about what pasta does by itself: whoever gives one gets that. */
const DEFAULTS: [option: RegExp, args: string[]][] = [
  [/^(-t|--tcp-ports)$/, ['-t', 'none']],
  [/^(-u|--udp-ports)$/, ['-u', 'none']],
  [/^(-T|--tcp-ns)$/, ['-T', 'none']],
  [/^(-U|--udp-ns)$/, ['-U', 'none']],
  [/^--(no-)?map-gw$/, ['--no-map-gw']],
  [/^(--dns-forward|-D|--dns)$/, ['--dns-forward', DNS_ADDRESS]],
  [/^(-i|--interface|-a|--address|-4|-6)$/, []],
];

/** podman's way: the words between commas are pasta's arguments, and `--map-gw` takes away the default against it. */
export function pastaArgs(netns: string, options: readonly string[], root: boolean): string[] {
  const given = (pattern: RegExp) => options.some((option) => pattern.test(option.split('=')[0] ?? ''));
  const routes = parseRoutes(readFileSync('/proc/net/route', 'latin1'));
  const hasDefault = routes.some(({ subnet }) => subnet.prefix === 0);
  const named = given(/^(-i|--interface)$/) || hasDefault ? [] : ['-i', routes[0]?.interface ?? ''];
  const defaults = DEFAULTS.flatMap(([pattern, args]) => (given(pattern) ? [] : args));
  return [
    '--config-net',
    ...defaults,
    ...named,
    ...(root && !given(/^--runas$/) ? ['--runas', '0:0'] : []),
    ...options.filter((option) => option !== '--map-gw'),
    '--netns',
    netns,
  ];
}

const SLIRP_SUBNET = '10.0.2.0/24';

/** podman's options of slirp4netns. Throws kind `invalid`. */
export function readSlirpOptions(options: readonly string[]): { args: string[]; forwarder: string } {
  const values = new Map([
    ['mtu', '65520'],
    ['cidr', SLIRP_SUBNET],
    ['allow_host_loopback', 'false'],
    ['enable_ipv6', 'true'],
  ]);
  for (const option of options) {
    const [name = '', ...value] = option.split('=');
    if (!SLIRP_OPTIONS.test(name)) throw refuse(`unknown option for slirp4netns: "${option}"`);
    values.set(name, value.join('='));
  }
  const isOn = (name: string) => {
    const value = values.get(name) ?? '';
    if (!/^(true|false)$/.test(value)) throw refuse(`invalid value of ${name} for slirp4netns: "${value}"`);
    return value === 'true';
  };
  if (values.get('port_handler') === 'slirp4netns') {
    throw refuse('wherry forwards published ports itself: port_handler=slirp4netns for slirp4netns is not to be had');
  }
  const subnet = parseSubnet(values.get('cidr') ?? SLIRP_SUBNET);
  const passed = ['outbound_addr', 'outbound_addr6'].filter((name) => values.has(name));
  return {
    args: [
      `--mtu=${values.get('mtu')}`,
      `--cidr=${values.get('cidr')}`,
      ...(isOn('allow_host_loopback') ? [] : ['--disable-host-loopback']),
      ...(isOn('enable_ipv6') ? ['--enable-ipv6'] : []),
      ...passed.map((name) => `--${name.replace('_', '-')}=${values.get(name)}`),
    ],
    // slirp4netns(1): the third address of its subnet.
    forwarder: formatAddress(4, subnet.base + 3n),
  };
}

const SLIRP_OPTIONS = /^(mtu|cidr|allow_host_loopback|enable_ipv6|outbound_addr6?|port_handler)$/;

const refuse = (message: string) => new WherryError('invalid', message, { exitCode: 125 });

const SIGTERM = 15;

/** Ends what serves the namespace, if somebody does; the namespace itself is the caller's to let go. */
export async function leaveAlone(netns: string): Promise<void> {
  const server = readServer(serverOf(netns));
  if (server?.pid !== undefined) await signalProcess(server.pid, server.start, SIGTERM);
  rmSync(serverOf(netns), { force: true });
}

/** A file that a killed start left is no JSON yet. */
function readServer(path: string): Known | undefined {
  try {
    return readJson<Known>(path);
  } catch (error) {
    if (error instanceof WherryError) return undefined;
    throw error;
  }
}
