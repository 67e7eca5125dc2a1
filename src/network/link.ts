/**
 * The wanted links as plans for bin/wherry-links, one process each; `nft -f` where rules change. All run in the folder of the
 * network namespaces and name them relative to it, so that no path of the user's needs quoting.
 */
import { join } from 'node:path';
import { ipVersion } from '#base/address.ts';
import { WherryError } from '#base/error.ts';
import { linkLocalOf } from '#network/ipam.ts';
import type { BridgeState } from '#network/leases.ts';
import {
  addAddress,
  addBridge,
  addPair,
  enslave,
  generateNone,
  removeLink,
  replaceDefault,
  setApart,
  switchOn,
} from '#network/requests.ts';
import { rules } from '#network/rules.ts';
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

/** Makes bridges of the user's namespace, lets it forward, and sets the rules of all the bridges. */
export function makeBridges(folder: string, bridges: readonly Bridge[], all: readonly BridgeState[]): Promise<void> {
  return execute(folder, userPlan(bridges, all), 'Cannot make the bridge of a network', rules(all));
}

/** Takes a bridge away; the others stay as they are. */
export function removeBridge(folder: string, name: string, left: readonly BridgeState[]): Promise<void> {
  const plan = [`enter ./${USER}`, `try ${removeLink(name)}`];
  return execute(folder, plan, 'Cannot take the bridge of a network away', rules(left));
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
  return execute(folder, [`new ./${file}`, ...containerPlan(wiring)], wantedFor(container));
}

/** Changes the links of a container that has its namespace. */
export function changeLinks(folder: string, file: string, wiring: Wiring, container: string): Promise<void> {
  return execute(folder, [`enter ./${file}`, ...containerPlan(wiring)], wantedFor(container));
}

/** What is done in the user's namespace. What is there already stays as it is, as somebody may have been killed halfway. */
export function userPlan(bridges: readonly Bridge[], all: readonly BridgeState[]): string[] {
  return [
    `enter ./${USER}`,
    switchOn('lo'),
    ...bridges.flatMap((bridge) => [
      `once ${addBridge({ ...bridge, name: bridge.interface })}`,
      generateNone(bridge.interface),
      ...bridge.addresses.map((address) => `once ${addAddress(bridge.interface, address)}`),
      switchOn(bridge.interface),
    ]),
    'write /proc/sys/net/ipv4/ip_forward 1',
    ...(all.some(({ hasV6 }) => hasV6) ? ['write /proc/sys/net/ipv6/conf/all/forwarding 1'] : []),
  ];
}

/** The descriptor by which the user's namespace is named where the other ends are made. */
const USER_DESCRIPTOR = 9;

/**
 * What is done in a container's namespace, and then in the user's. The other ends are made right there; only there they can
 * be given to their bridges.
 */
export function containerPlan({ links, gateways, gone = [] }: Wiring): string[] {
  const inside = links.flatMap(({ interface: name, peer, addresses, mac, mtu }) => [
    addPair({ name, mac, mtu }, peer, USER_DESCRIPTOR),
    generateNone(name),
    ...[...addresses, ...localAddress(addresses, mac)].map((one) => addAddress(name, one)),
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
    ...noV6,
    ...settings,
    ...(outside.length > 0 ? [`enter ./${USER}`, ...outside] : []),
  ];
}

const versionOf = (address: string) => ipVersion(address.split('/')[0] ?? '');

function localAddress(addresses: readonly string[], mac: string): string[] {
  return addresses.some((address) => versionOf(address) === 6) ? [`${linkLocalOf(mac)}/64`] : [];
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

/** Follows a plan, and with rules lets nft set them where the plan ends. Throws kind `unavailable` or `unsupported`. */
async function execute(cwd: string, plan: readonly string[], wanted: string, input?: string): Promise<void> {
  const env = toolEnvironment();
  const nft = input === undefined ? [] : [needNft(wanted, env), '-f', '-'];
  const { status, stderr } = await run(linksProgram(), [plan.join('\n'), ...nft], {
    cwd,
    env,
    ...(input === undefined ? {} : { input }),
  });
  if (status === 0) return;
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
