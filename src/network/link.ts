/**
 * The wanted links as few short programs: one shell a namespace, one `ip -batch` and one `nft -f` in it. All run in the
 * folder of the network namespaces and name them relative to it, so that no path of the user's needs quoting.
 */
import { ipVersion } from '#base/address.ts';
import { WherryError } from '#base/error.ts';
import { linkLocalOf } from '#network/ipam.ts';
import type { BridgeState } from '#network/leases.ts';
import { rules } from '#network/rules.ts';
import { run } from '#sys/process.ts';

/** Interfaces of the user's namespace lead to no real wire; the largest frames are the fastest. */
export const MTU = 65520;

/** The user's namespace, in the folder of namespaces. */
export const USER = 'user';

/** A bridge that has to be made. */
export interface Bridge {
  interface: string;
  /** With the prefix length: 172.17.0.1/16. */
  addresses: string[];
  mac: string;
  mtu: number;
}

export interface Link {
  /** In the container: eth0. */
  interface: string;
  /** Its other end, in the user's namespace. */
  peer: string;
  bridge: string;
  mtu: number;
  /** With the prefix length. IPv6 is off where none of these is one. */
  addresses: string[];
  mac: string;
  /** No other container of the network may be reached. */
  isAlone: boolean;
  /** Of this interface alone: paths below /proc/sys, with their values. */
  sysctls: [path: string, value: string][];
}

/** Makes the user's network namespace on its file, which must be there. */
export function makeUserNamespace(folder: string): Promise<void> {
  return execute(folder, ['unshare', `--net=./${USER}`, 'true'], 'Cannot make a network namespace');
}

const inUser = (script: string) => ['nsenter', `--net=./${USER}`, 'sh', '-c', script];

/** Makes bridges of the user's namespace, lets it forward, and sets the rules of all the bridges. */
export function makeBridges(folder: string, bridges: readonly Bridge[], all: readonly BridgeState[]): Promise<void> {
  return execute(folder, inUser(userScript(bridges, all)), 'Cannot make the bridge of a network');
}

/** Takes a bridge away; the others stay as they are. */
export function removeBridge(folder: string, name: string, left: readonly BridgeState[]): Promise<void> {
  const script = `ip link del ${name} 2>/dev/null; nft -f - <<E\n${rules(left)}E\n`;
  return execute(folder, inUser(script), 'Cannot take the bridge of a network away');
}

/** What a container's namespace gets: links, and the ways out of it. */
export interface Wiring {
  links: readonly Link[];
  /** Gateways, one of each version at most. */
  gateways: readonly string[];
  /** Interfaces that go. */
  gone?: readonly string[];
}

const wantedFor = (container: string) => `Cannot connect container "${container}" to its network`;

/** Makes a container's namespace on its file, which must be there, with all of its links. */
export function makeLinks(folder: string, file: string, wiring: Wiring, container: string): Promise<void> {
  const script = containerScript(wiring);
  return execute(folder, ['unshare', `--net=./${file}`, 'sh', '-c', script], wantedFor(container));
}

/** Changes the links of a container that has its namespace. */
export function changeLinks(folder: string, file: string, wiring: Wiring, container: string): Promise<void> {
  const script = containerScript(wiring);
  return execute(folder, ['nsenter', `--net=./${file}`, 'sh', '-c', script], wantedFor(container));
}

/** What the shell in the user's namespace runs. What is there already stays as it is. */
export function userScript(bridges: readonly Bridge[], all: readonly BridgeState[]): string {
  const make = bridges.map(
    ({ interface: name, addresses, mac, mtu }) =>
      `[ -e /proc/sys/net/ipv4/conf/${name} ] || ip -batch - <<E
link add ${name} address ${mac} mtu ${mtu} type bridge
link set ${name} addrgenmode none
${addresses.map((address) => `addr add ${address} ${attributes(address)} dev ${name}`).join('\n')}
link set ${name} up
E`,
  );
  const v6 = '/proc/sys/net/ipv6/conf/all/forwarding';
  return `set -e
ip link set lo up
${make.join('\n')}
nft -f - <<E
${rules(all)}E
switch=/proc/sys/net/ipv4/ip_forward
if ! { echo 1 > $switch; } 2> /dev/null && [ "$(cat $switch)" != 1 ]; then
  echo "IP forwarding can't be switched on: $switch can't be written" >&2
  exit 1
fi
${all.some(({ hasV6 }) => hasV6) ? `echo 1 > ${v6}` : ''}
`;
}

const versionOf = (address: string) => ipVersion(address.split('/')[0] ?? '');

/** Nobody else can have an address that we gave, so it is good at once. */
function attributes(address: string): string {
  if (versionOf(address) === 6) return 'nodad';
  return Number(address.split('/')[1]) < 31 ? 'broadcast +' : '';
}

/**
 * What the shell in a container's namespace runs. The peers are made right in the user's namespace; only there they can
 * be given to their bridges.
 */
export function containerScript({ links, gateways, gone = [] }: Wiring): string {
  const inside = links.flatMap(({ interface: name, peer, addresses, mac, mtu }) => [
    `link add ${name} address ${mac} mtu ${mtu} type veth peer name ${peer} mtu ${mtu} netns ./${USER}`,
    `link set ${name} addrgenmode none`,
    ...[...addresses, ...localAddress(addresses, mac)].map((one) => `addr add ${one} ${attributes(one)} dev ${name}`),
    `link set ${name} up`,
  ]);
  const routes = gateways.map((gateway) => `route replace default via ${gateway}`);
  const outside = links.flatMap(({ peer, bridge, isAlone }) => [
    `link set ${peer} addrgenmode none`,
    `link set ${peer} master ${bridge} up`,
    ...(isAlone ? [`link set ${peer} type bridge_slave isolated on`] : []),
  ]);
  const noV6 = links
    .filter(({ addresses }) => !addresses.some((address) => versionOf(address) === 6))
    .map(({ interface: name }) => `echo 1 > /proc/sys/net/ipv6/conf/${name}/disable_ipv6;`);
  const settings = links.flatMap(({ sysctls }) =>
    sysctls.map(([path, value]) => `printf %s ${quote(value)} > /proc/sys/${path}`),
  );
  return `set -e
${gone.map((name) => `ip link del ${name} 2>/dev/null || :`).join('\n')}
ip -batch - <<E
link set lo up
${inside.join('\n')}
${routes.join('\n')}
E
{ ${noV6.join(' ')} :; } 2>/dev/null || :
${settings.join('\n')}
${outside.length > 0 ? `exec nsenter --net=./${USER} ip -batch - <<E\n${outside.join('\n')}\nE` : ''}
`;
}

function localAddress(addresses: readonly string[], mac: string): string[] {
  return addresses.some((address) => versionOf(address) === 6) ? [`${linkLocalOf(mac)}/64`] : [];
}

const quote = (word: string) => `'${word.replaceAll("'", `'\\''`)}'`;

/** ip and nft are where ordinary users' paths often don't go. */
export function toolEnvironment(): NodeJS.ProcessEnv {
  return {
    PATH: `${process.env.PATH ?? ''}:/usr/local/sbin:/usr/sbin:/sbin:/usr/local/bin:/usr/bin:/bin`,
    LC_ALL: 'C',
  };
}

const PACKAGES: Record<string, string> = {
  ip: 'iproute2',
  nft: 'nftables',
  nsenter: 'util-linux',
  unshare: 'util-linux',
};

async function execute(cwd: string, [program = '', ...args]: string[], wanted: string): Promise<void> {
  const { status, stderr } = await run(program, args, { cwd, env: toolEnvironment() });
  if (status === 0) return;
  const missing = /(\w+): not found/.exec(stderr)?.[1];
  if (missing !== undefined) {
    throw new WherryError('unsupported', `${wanted}: "${missing}" is not installed`, {
      hint: `Install it (Debian, Ubuntu: apt install ${PACKAGES[missing] ?? missing}), or use --network none or host`,
      exitCode: 125,
    });
  }
  const why = stderr.split('\n').filter((line) => line !== '' && !line.startsWith('Command failed'));
  throw new WherryError('unavailable', `${wanted}: ${why.join('; ') || `${program} ended with status ${status}`}`, {
    hint: 'Use --network none or --network host where this kernel lacks bridges, veth or nftables',
    exitCode: 125,
  });
}
