/** Networks as they are kept: networks/<name>.json. The default one is made when it is first asked for. */
import { existsSync, readdirSync, readFileSync, unlinkSync } from 'node:fs';
import { WherryError } from '#base/error.ts';
import { choosePool, formatSubnet, gatewayOf, parseRoutes, parseSubnet, type Subnet } from '#network/ipam.ts';
import type { Store } from '#store/store.ts';
import { lock, readJson, readText, reserve } from '#sys/file.ts';
import { randomHex } from '#sys/random.ts';

export interface NetworkRecord {
  name: string;
  /** 64 hexadecimal digits, as Docker's. */
  id: string;
  /** RFC 3339, UTC. */
  created: string;
  driver: 'bridge';
  /** 172.17.0.0/16 */
  subnet: string;
  gateway: string;
  /** The bridge's name in the user's network namespace. */
  interface: string;
  options: Record<string, string>;
  labels: Record<string, string>;
}

/** The network that a container joins without any word about it. */
export const DEFAULT_NETWORK = 'bridge';

/** Throws kind `not-found` in Docker's words. `default` is the default network's other name. */
export async function needNetwork(store: Store, name: string): Promise<NetworkRecord> {
  if (name === 'default' || name === DEFAULT_NETWORK) return await defaultNetwork(store);
  // A name with a slash could lead out of the folder; no network can have one.
  const found = /^[\w][\w.-]*$/.test(name) ? readJson<NetworkRecord>(pathOf(store, name)) : undefined;
  if (found !== undefined) return found;
  throw new WherryError('not-found', `failed to set up container networking: network ${name} not found`, {
    hint: 'Use --network bridge, none, host or container:NAME',
    exitCode: 125,
  });
}

const pathOf = (store: Store, name: string) => store.path('networks', `${name}.json`);

async function defaultNetwork(store: Store): Promise<NetworkRecord> {
  const path = pathOf(store, DEFAULT_NETWORK);
  const existing = readJson<NetworkRecord>(path);
  if (existing !== undefined) return existing;
  using _alone = await lock(store.path('networks'));
  const subnet = choosePool([...hostSubnets(), ...ownSubnets(store)]);
  const record: NetworkRecord = {
    name: DEFAULT_NETWORK,
    id: randomHex(32),
    created: new Date().toISOString(),
    driver: 'bridge',
    subnet: formatSubnet(subnet),
    gateway: gatewayOf(subnet),
    interface: 'wherry0',
    options: {},
    labels: {},
  };
  // Somebody who held the lock before us may have made it.
  return reserve(path, JSON.stringify(record)) ? record : (readJson<NetworkRecord>(path) ?? record);
}

/** All networks that there are by now, by name. */
export function listNetworks(store: Store): NetworkRecord[] {
  return readdirSync(store.path('networks'))
    .filter((name) => name.endsWith('.json'))
    .sort()
    .map((name) => readJson<NetworkRecord>(store.path('networks', name)))
    .filter((record) => record !== undefined);
}

/** Forgets a network that nobody is on; false where it is gone already. */
export async function removeNetwork(store: Store, name: string): Promise<boolean> {
  using _alone = await lock(store.path('networks'));
  if (!existsSync(pathOf(store, name))) return false;
  unlinkSync(pathOf(store, name));
  return true;
}

function ownSubnets(store: Store): Subnet[] {
  return listNetworks(store).map((record) => parseSubnet(record.subnet));
}

/** What a container must still be able to reach: the host's routes and its name servers. */
function hostSubnets(): Subnet[] {
  const routes = parseRoutes(readFileSync('/proc/net/route', 'latin1')).filter(({ subnet }) => subnet.prefix > 0);
  const servers = [...(readText('/etc/resolv.conf') ?? '').matchAll(/^nameserver\s+(\d+\.\d+\.\d+\.\d+)$/gm)];
  return [...routes.map(({ subnet }) => subnet), ...servers.map(([, address]) => parseSubnet(`${address}/32`))];
}
