/**
 * The wanted links as few short programs: one shell a namespace, one `ip -batch` and one `nft -f` in it. All run in the
 * folder of the network namespaces and name them relative to it, so that no path of the user's needs quoting.
 */
import { WherryError } from '#base/error.ts';
import { run } from '#sys/process.ts';

/** Interfaces of the user's namespace lead to no real wire; the largest frames are the fastest. */
export const MTU = 65520;

/** The user's namespace, in the folder of namespaces. */
export const USER = 'user';

/** The way out of the user's namespace: the interface that pasta or slirp4netns serves. */
export const TAP = 'tap0';

export interface Bridge {
  interface: string;
  /** 172.17.0.0/16 */
  subnet: string;
  gateway: string;
  mac: string;
}

export interface Link {
  /** In the container: eth0. */
  interface: string;
  /** Its other end, in the user's namespace. */
  peer: string;
  bridge: string;
  /** With the prefix length. */
  address: string;
  mac: string;
  /** Only one link has the default route. */
  gateway?: string;
}

/** Makes the user's network namespace on its file, which must be there. */
export function makeUserNamespace(folder: string): Promise<void> {
  return execute(folder, ['unshare', `--net=./${USER}`, 'true'], 'Cannot make a network namespace');
}

/** Makes the bridges of the user's namespace, lets it forward, and hides what leaves by the tap behind its address. */
export function makeBridges(folder: string, bridges: readonly Bridge[]): Promise<void> {
  const script = userScript(bridges);
  return execute(folder, ['nsenter', `--net=./${USER}`, 'sh', '-c', script], 'Cannot make the bridge of a network');
}

/** Makes a container's namespace on its file, which must be there, with all of its links. */
export function makeLinks(folder: string, file: string, links: readonly Link[], container: string): Promise<void> {
  const wanted = `Cannot connect container "${container}" to its network`;
  return execute(folder, ['unshare', `--net=./${file}`, 'sh', '-c', containerScript(links)], wanted);
}

/**
 * What the shell in the user's namespace runs. What is there already stays as it is.
 *
 * pasta of 2023 refuses a connection by a bare RST, which clients that wait for a SYN drop (RFC 9293, 3.10.7.3): they
 * would hang instead of being refused, so the missing ACK bit is set.
 */
export function userScript(bridges: readonly Bridge[]): string {
  const make = bridges.map(
    ({ interface: name, subnet, gateway, mac }) =>
      `[ -e /proc/sys/net/ipv4/conf/${name} ] || ip -batch - <<E
link add ${name} address ${mac} mtu ${MTU} type bridge
link set ${name} addrgenmode none
addr add ${gateway}/${subnet.split('/')[1]} broadcast + dev ${name}
link set ${name} up
E`,
  );
  return `set -e
ip link set lo up
${make.join('\n')}
nft -f - <<E
table ip wherry
delete table ip wherry
table ip wherry {
  chain prerouting {
    type filter hook prerouting priority raw
    iifname "${TAP}" tcp flags == rst tcp ackseq != 0 tcp flags set rst | ack
  }
  chain postrouting {
    type nat hook postrouting priority srcnat
    oifname "${TAP}" masquerade
  }
}
E
switch=/proc/sys/net/ipv4/ip_forward
if ! { echo 1 > $switch; } 2> /dev/null && [ "$(cat $switch)" != 1 ]; then
  echo "IP forwarding can't be switched on: $switch can't be written" >&2
  exit 1
fi
`;
}

/**
 * What the shell in a container's new namespace runs. The peers are made right in the user's namespace; only there they
 * can be given to their bridges. IPv6 is off on the links, as with Docker where a network has none.
 */
export function containerScript(links: readonly Link[]): string {
  const inside = links.flatMap(({ interface: name, peer, address, mac, gateway }) => [
    `link add ${name} address ${mac} mtu ${MTU} type veth peer name ${peer} mtu ${MTU} netns ./${USER}`,
    `link set ${name} addrgenmode none`,
    `addr add ${address} broadcast + dev ${name}`,
    `link set ${name} up`,
    ...(gateway === undefined ? [] : [`route add default via ${gateway}`]),
  ]);
  const outside = links.flatMap(({ peer, bridge }) => [
    `link set ${peer} addrgenmode none`,
    `link set ${peer} master ${bridge} up`,
  ]);
  const noV6 = links.map(({ interface: name }) => `echo 1 > /proc/sys/net/ipv6/conf/${name}/disable_ipv6`);
  return `set -e
ip -batch - <<E
link set lo up
${inside.join('\n')}
E
{ ${noV6.join('; ')}; } 2>/dev/null || :
exec nsenter --net=./${USER} ip -batch - <<E
${outside.join('\n')}
E
`;
}

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
