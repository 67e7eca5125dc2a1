/** Networks as they are kept: networks/<name>.json. The three that Docker has from the start are made when first asked for. */
import { existsSync, readdirSync, unlinkSync } from 'node:fs';
import { WherryError } from '#base/error.ts';
import {
  choosePool,
  contains,
  formatSubnet,
  gatewayOf,
  parseRoutes,
  parseRoutes6,
  parseSubnet,
  type Subnet,
  type Version,
} from '#network/ipam.ts';
import { recordEvent } from '#store/events.ts';
import type { Store } from '#store/store.ts';
import { lock, readJson, readText, replace, reserve } from '#sys/file.ts';
import { randomHex } from '#sys/random.ts';

/** A subnet of a network. */
export interface Pool {
  /** 172.18.0.0/16 */
  subnet: string;
  /** Where addresses are given from, when it is not the whole subnet. */
  range?: string;
  gateway: string;
  /** Addresses that no container gets, by the name that the user gave them. */
  aux?: Record<string, string>;
  /** What the user asked for: only of such a subnet may addresses be asked for. 'gateway': that, too. */
  asked?: 'subnet' | 'gateway';
}

export interface NetworkRecord {
  name: string;
  /** 64 hexadecimal digits, as Docker's. */
  id: string;
  /** RFC 3339, UTC. */
  created: string;
  driver: 'bridge' | 'host' | 'null';
  ipv4: boolean;
  ipv6: boolean;
  /** No way out of it. */
  internal: boolean;
  attachable: boolean;
  /** At most one of each version is used. */
  pools: Pool[];
  ipamOptions: Record<string, string>;
  /** The bridge's name in the user's network namespace; '' for host and none. */
  interface: string;
  options: Record<string, string>;
  labels: Record<string, string>;
}

/** The network that a container joins without any word about it. */
export const DEFAULT_NETWORK = 'bridge';

const PREDEFINED: Readonly<Record<string, NetworkRecord['driver']>> = { bridge: 'bridge', host: 'host', none: 'null' };

export const isPredefined = (name: string): boolean => Object.hasOwn(PREDEFINED, name);

/** Whose containers find each other by their names. */
export const hasNames = ({ name, driver }: NetworkRecord): boolean => driver === 'bridge' && name !== DEFAULT_NETWORK;

/** The pool of this version, where the network has that one switched on. */
export function poolOf(network: NetworkRecord, version: Version): Pool | undefined {
  const isOn = version === 4 ? network.ipv4 : network.ipv6;
  return isOn ? network.pools.find(({ subnet }) => parseSubnet(subnet).version === version) : undefined;
}

/**
 * The network with this name (`default` is the default one's other name), id or unique start of an id.
 * Throws kind `not-found` in Docker's words, `invalid` where several ids start so.
 */
export async function findNetwork(store: Store, text: string): Promise<NetworkRecord> {
  const name = text === 'default' ? DEFAULT_NETWORK : text;
  if (isPredefined(name)) return predefined(store, name);
  const found = readNetwork(store, name) ?? byId(store, text);
  if (found !== undefined) return found;
  throw new WherryError('not-found', `network ${text} not found`);
}

/** As findNetwork(), in the words for a container that is to join. */
export async function needNetwork(store: Store, text: string): Promise<NetworkRecord> {
  try {
    return await findNetwork(store, text);
  } catch (error) {
    if (!(error instanceof WherryError) || error.kind !== 'not-found') throw error;
    throw new WherryError('not-found', `failed to set up container networking: ${error.message}`, {
      hint: `Make it by: wherry network create ${text} (or use --network bridge, none, host or container:NAME)`,
      exitCode: 125,
      cause: error,
    });
  }
}

/** The record of this very name. */
function readNetwork(store: Store, name: string): NetworkRecord | undefined {
  // A name with a slash could lead out of the folder; no network can have one.
  return NAME.test(name) ? readJson<NetworkRecord>(pathOf(store, name)) : undefined;
}

/** A network's name is a file's name, and must not be taken for `container:NAME`. */
const NAME = /^[a-zA-Z0-9_][a-zA-Z0-9_.-]*$/;
const LONGEST = 200;

export function isNetworkName(name: string): boolean {
  return NAME.test(name) && name.length <= LONGEST;
}

function byId(store: Store, text: string): NetworkRecord | undefined {
  if (!/^[0-9a-f]{1,64}$/.test(text)) return undefined;
  const found = listNetworks(store).filter(({ id }) => id.startsWith(text));
  if (found.length > 1)
    throw new WherryError('invalid', `network ${text} is ambiguous (${found.length} matches found)`);
  return found[0];
}

const pathOf = (store: Store, name: string) => store.path('networks', `${name}.json`);

async function predefined(store: Store, name: string): Promise<NetworkRecord> {
  const path = pathOf(store, name);
  const existing = readJson<NetworkRecord>(path);
  if (existing !== undefined && !isOutdated(existing)) return existing;
  using _alone = await lock(store.path('networks'));
  const record = name === DEFAULT_NETWORK ? newDefault(store) : blankRecord(name, PREDEFINED[name] ?? 'null');
  if (existing !== undefined) unlinkSync(path);
  // Somebody who held the lock before us may have made it.
  return reserve(path, JSON.stringify(record)) ? record : (readJson<NetworkRecord>(path) ?? record);
}

function newDefault(store: Store): NetworkRecord {
  const subnet = choosePool([...hostSubnets(), ...ownSubnets(store)]);
  return {
    ...blankRecord(DEFAULT_NETWORK, 'bridge'),
    // Docker's daemon has it from its configuration, so addresses of it may be asked for as of one the user gave.
    pools: [{ subnet: formatSubnet(subnet), gateway: gatewayOf(subnet), asked: 'gateway' }],
    interface: 'wherry0',
  };
}

/** A record with what Docker has where nothing was asked for. */
export function blankRecord(name: string, driver: NetworkRecord['driver']): NetworkRecord {
  return {
    name,
    id: randomHex(32),
    created: new Date().toISOString(),
    driver,
    ipv4: true,
    ipv6: false,
    internal: false,
    attachable: false,
    pools: [],
    ipamOptions: {},
    interface: '',
    options: {},
    labels: {},
  };
}

/** All networks that there are by now, by name. */
export function listNetworks(store: Store): NetworkRecord[] {
  return readdirSync(store.path('networks'))
    .filter((name) => name.endsWith('.json'))
    .sort()
    .flatMap((name) => readJson<NetworkRecord>(store.path('networks', name)) ?? [])
    .filter((record) => !isOutdated(record));
}

/** Of a version from before there were pools, when the default network was the only one: it has nothing that anybody chose. */
export const isOutdated = ({ name, pools }: Partial<NetworkRecord>): boolean =>
  name === DEFAULT_NETWORK && pools === undefined;

/** The same, with the three predefined ones made where they are not there yet. */
export async function listAllNetworks(store: Store): Promise<NetworkRecord[]> {
  for (const name of Object.keys(PREDEFINED)) await predefined(store, name);
  return listNetworks(store);
}

/** Writes a new network's record. The caller holds the lock on the folder. Throws kind `conflict` in Docker's words. */
export function addNetwork(store: Store, record: NetworkRecord): void {
  if (existsSync(pathOf(store, record.name))) {
    throw new WherryError('conflict', `network with name ${record.name} already exists`);
  }
  replace(pathOf(store, record.name), JSON.stringify(record), { durable: true });
}

/** Forgets a network that nobody is on; false where it is gone already. */
export async function removeNetwork(store: Store, { name, id, driver }: NetworkRecord): Promise<boolean> {
  using _alone = await lock(store.path('networks'));
  // Another may have its name by now.
  if (readNetwork(store, name)?.id !== id) return false;
  unlinkSync(pathOf(store, name));
  recordEvent(store, { type: 'network', action: 'destroy', id, attributes: { name, type: driver } });
  return true;
}

/** The subnets of our networks, also of those whose IPv6 is switched off: as with Docker they are taken. */
export function ownSubnets(store: Store): Subnet[] {
  return listNetworks(store).flatMap(({ pools }) => pools.map(({ subnet }) => parseSubnet(subnet)));
}

/** What a container must still be able to reach: the host's routes and its name servers. */
export function hostSubnets(): Subnet[] {
  const routes = [
    ...parseRoutes(readText('/proc/net/route') ?? ''),
    ...parseRoutes6(readText('/proc/net/ipv6_route') ?? ''),
  ];
  const servers = [...(readText('/etc/resolv.conf') ?? '').matchAll(/^nameserver\s+(\d+\.\d+\.\d+\.\d+)$/gm)];
  return [
    ...routes.map(({ subnet }) => subnet).filter(({ prefix }) => prefix > 0),
    ...servers.map(([, address]) => parseSubnet(`${address}/32`)),
  ];
}

/** Could a container have this address on the network? */
export function isInPool(pool: Pool, address: string): boolean {
  return contains(parseSubnet(pool.subnet), address);
}
