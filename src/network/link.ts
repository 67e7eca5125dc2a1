/**
 * The wanted links as plans for bin/wherry-links, one process each; `nft -f` where rules change. All run in the folder of the
 * network namespaces and name them relative to it, so that no path of the user's needs quoting.
 */
import { join } from 'node:path';
import { ipVersion } from '#base/address.ts';
import { WherryError } from '#base/error.ts';
import { linkLocalOf, type Version } from '#network/ipam.ts';
import type { BridgeState, ClientSight } from '#network/leases.ts';
import {
  addAddress,
  addBridge,
  addPair,
  enslave,
  generateNone,
  leadOut,
  localRoute,
  markRule,
  removeLink,
  replaceDefault,
  setApart,
  switchOn,
} from '#network/requests.ts';
import { ANSWER, DOCKERS_SERVER, LEAD_NO_QUERIES, leadQueries, rules } from '#network/rules.ts';
import { findTool, installation } from '#sys/host.ts';
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
  return execute(folder, [`new ./${USER}`], 'Cannot make a network namespace');
}

/** All the bridges of the user's namespace, by now or soon, and whether clients can be seen there. */
export interface Bridges {
  all: readonly BridgeState[];
  sight?: ClientSight | undefined;
}

/**
 * Makes bridges of the user's namespace, lets it forward, and sets the rules of all. What clients' addresses need and this
 * kernel may lack is tried once. @returns whether clients can be seen
 */
export async function makeBridges(folder: string, bridges: readonly Bridge[], after: Bridges): Promise<ClientSight> {
  const [best = {}, ...others] = sightsFor(after);
  const set = (sight: ClientSight) => {
    const plan = userPlan(bridges, after.all, sight);
    const input = rules(after.all, sight[4] === true);
    return execute(folder, plan, 'Cannot make the bridge of a network', { input });
  };
  try {
    await set(best);
    return best;
  } catch (error) {
    for (const sight of others) {
      const isSet = await set(sight).then(
        () => true,
        () => false,
      );
      if (isSet) return sight;
    }
    throw error;
  }
}

/** What may be, the best first. */
function sightsFor({ all, sight = {} }: Bridges): ClientSight[] {
  const hasV6 = all.some((bridge) => bridge.hasV6);
  const isKnown = sight[4] === false || (sight[4] === true && (sight[6] !== undefined || !hasV6));
  if (isKnown) return [sight];
  const v4 = hasV6
    ? [
        { 4: true, 6: true },
        { 4: true, 6: false },
      ]
    : [{ 4: true }];
  return sight[4] === true ? v4 : [...v4, { 4: false }];
}

/** Takes a bridge away; the others stay as they are. */
export function removeBridge(folder: string, name: string, { all, sight }: Bridges): Promise<void> {
  const plan = [`enter ./${USER}`, `try ${removeLink(name)}`];
  const input = rules(all, sight?.[4] === true);
  return execute(folder, plan, 'Cannot take the bridge of a network away', { input });
}

/** Sets rules in the user's namespace that nothing else depends on. */
export function setRules(folder: string, text: string, wanted: string): Promise<void> {
  return execute(folder, [`enter ./${USER}`], wanted, { input: text });
}

/** What a container's namespace gets: links, and the ways out of it. */
export interface Wiring {
  links: readonly Link[];
  /** Gateways, one of each version at most. */
  gateways: readonly string[];
  /** Interfaces that go. */
  gone?: readonly string[];
  /** The server of names, and from where it is asked; IPv4. */
  names?: { server: string; interface: string; address: string } | undefined;
}

const wantedFor = (container: string) => `Cannot connect container "${container}" to its network`;

/** Makes a container's namespace on its file, which must be there, with all of its links. */
export function makeLinks(folder: string, file: string, wiring: Wiring, container: string): Promise<void> {
  return wire(folder, { file, wiring, container, first: 'new' });
}

/** Changes the links of a container that has its namespace. */
export function changeLinks(folder: string, file: string, wiring: Wiring, container: string): Promise<void> {
  return wire(folder, { file, wiring, container, first: 'enter' });
}

interface Wire {
  file: string;
  wiring: Wiring;
  container: string;
  first: 'new' | 'enter';
}

/**
 * As names are served on gateways, what asks Docker's own server is led there, by a route that gives such queries an address
 * which can be answered, and a rule. A kernel that can't do that has the names by /etc/resolv.conf all the same. The route goes
 * with its interface, the rule has to be taken away.
 */
function wire(folder: string, { file, wiring, container, first }: Wire): Promise<void> {
  const plan = [`${first} ./${file}`, ...containerPlan(wiring)];
  const input = queryRules(wiring);
  if (input === undefined) return execute(folder, plan, wantedFor(container));
  return execute(folder, [...plan, `enter ./${file}`], wantedFor(container), { input, isOptional: true });
}

/** What changes for queries: nothing where no server of names comes and none can go. */
export function queryRules({ names, gone = [] }: Pick<Wiring, 'names' | 'gone'>): string | undefined {
  if (names !== undefined) return leadQueries(names.server);
  return gone.length > 0 ? LEAD_NO_QUERIES : undefined;
}

/** What is done in the user's namespace. What is there already stays as it is, as somebody may have been killed halfway. */
export function userPlan(bridges: readonly Bridge[], all: readonly BridgeState[], sight: ClientSight = {}): string[] {
  return [
    `enter ./${USER}`,
    switchOn('lo'),
    ...bridges.flatMap((bridge) => [
      `once ${addBridge({ ...bridge, name: bridge.interface })}`,
      generateNone(bridge.interface),
      ...withLocal(bridge).map((address) => `once ${addAddress(bridge.interface, address)}`),
      switchOn(bridge.interface),
    ]),
    ...([4, 6] as const).filter((version) => sight[version]).flatMap(leadAnswers),
    'write /proc/sys/net/ipv4/ip_forward 1',
    ...(all.some(({ hasV6 }) => hasV6) ? ['write /proc/sys/net/ipv6/conf/all/forwarding 1'] : []),
  ];
}

/** The table in which every address is our own. */
const OWN_TABLE = 119;

/** What containers answer to clients comes to the monitors' sockets that have the clients' addresses. */
const leadAnswers = (version: Version): string[] => [
  `once ${localRoute(version, OWN_TABLE)}`,
  `once ${markRule(version, ANSWER, OWN_TABLE)}`,
];

/** The descriptor by which the user's namespace is named where the other ends are made. */
const USER_DESCRIPTOR = 9;

/**
 * What is done in a container's namespace, and then in the user's. The other ends are made right there; only there they can
 * be given to their bridges.
 */
export function containerPlan({ links, gateways, gone = [], names }: Wiring): string[] {
  const inside = links.flatMap(({ interface: name, peer, addresses, mac, mtu }) => [
    addPair({ name, mac, mtu }, peer, USER_DESCRIPTOR),
    generateNone(name),
    ...withLocal({ addresses, mac }).map((one) => addAddress(name, one)),
    switchOn(name),
  ]);
  const noV6 = links
    .filter(({ addresses }) => !addresses.some((address) => versionOf(address) === 6))
    .map(({ interface: name }) => `try write /proc/sys/net/ipv6/conf/${name}/disable_ipv6 1`);
  const settings = links.flatMap(({ sysctls }) => sysctls.map(([path, value]) => `write /proc/sys/${path} ${value}`));
  const outside = links.flatMap(({ peer, bridge, isAlone }) => [
    generateNone(peer),
    enslave(peer, bridge),
    ...(isAlone ? [setApart(peer)] : []),
  ]);
  return [
    ...gone.map((name) => `try ${removeLink(name)}`),
    switchOn('lo'),
    ...(links.length > 0 ? [`hold ${USER_DESCRIPTOR} ./${USER}`] : []),
    ...inside,
    ...gateways.map(replaceDefault),
    ...(names === undefined ? [] : [`try ${leadOut(DOCKERS_SERVER, names.interface, names.address)}`]),
    ...noV6,
    ...settings,
    ...(outside.length > 0 ? [`enter ./${USER}`, ...outside] : []),
  ];
}

const versionOf = (address: string) => ipVersion(address.split('/')[0] ?? '');

/** By IPv6 one asks for a neighbour with the link's own address, where the packet's source is somebody else's. */
function withLocal({ addresses, mac }: { addresses: readonly string[]; mac: string }): string[] {
  const hasV6 = addresses.some((address) => versionOf(address) === 6);
  return hasV6 ? [...addresses, `${linkLocalOf(mac)}/64`] : [...addresses];
}

/** nft is where ordinary users' paths often don't go. */
export function toolEnvironment(): NodeJS.ProcessEnv {
  return {
    PATH: `${process.env.PATH ?? ''}:/usr/local/sbin:/usr/sbin:/sbin:/usr/local/bin:/usr/bin:/bin`,
    LC_ALL: 'C',
  };
}

/** The program that follows plans (native/links/main.c), and then becomes another one, where its words are behind the plan. */
export const linksProgram = (): string => join(installation(), 'bin/wherry-links');

interface Execution {
  /** Rules that nft sets where the plan ends. */
  input?: string;
  /** The rules may fail. */
  isOptional?: boolean;
}

/** Follows a plan. Throws kind `unavailable` or `unsupported`. */
async function execute(
  cwd: string,
  plan: readonly string[],
  wanted: string,
  { input, isOptional = false }: Execution = {},
): Promise<void> {
  const env = toolEnvironment();
  const nft = input === undefined ? [] : [needNft(wanted, env), '-f', '-'];
  const { status, stderr } = await run(linksProgram(), [plan.join('\n'), ...nft], {
    cwd,
    env,
    ...(input === undefined ? {} : { input }),
  });
  if (status === 0 || (isOptional && !stderr.startsWith('links: '))) return;
  const why = stderr.split('\n').flatMap((line) => line.replace(/^links: /, '') || []);
  throw new WherryError('unavailable', `${wanted}: ${why.join('; ') || `it ended with status ${status}`}`, {
    hint: 'Use --network none or --network host where this kernel lacks bridges, veth or nftables',
    exitCode: 125,
  });
}

function needNft(wanted: string, env: NodeJS.ProcessEnv): string {
  const found = findTool('nft', env);
  if (found !== undefined) return found;
  throw new WherryError('unsupported', `${wanted}: "nft" is not installed`, {
    hint: 'Install it (Debian, Ubuntu: apt install nftables), or use --network none or host',
    exitCode: 125,
  });
}
