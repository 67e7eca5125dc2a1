/** New networks, checked in Docker's order and words; what can't be without root is refused with the reason. */
import { WherryError } from '#base/error.ts';
import { parseNetworkMode } from '#base/network-mode.ts';
import {
  chooseLocalPool,
  choosePool,
  contains,
  formatSubnet,
  gatewayOf,
  isReserved,
  nextAddress,
  normalAddress,
  overlaps,
  parseAddress,
  parseSubnet,
  type Subnet,
  type Version,
} from '#network/ipam.ts';
import { checkOptions, OPTION } from '#network/options.ts';
import {
  addNetwork,
  blankRecord,
  hostSubnets,
  isNetworkName,
  isPredefined,
  listNetworks,
  type NetworkRecord,
  ownSubnets,
  type Pool,
} from '#network/records.ts';
import { recordEvent } from '#store/events.ts';
import type { Store } from '#store/store.ts';
import { lock } from '#sys/file.ts';
import { randomHex } from '#sys/random.ts';

/** A subnet as it was asked for (Engine API IPAMConfig). */
export interface PoolRequest {
  subnet: string;
  range?: string;
  gateway?: string;
  aux?: Record<string, string>;
}

/** What NetworkCreate takes. */
export interface NetworkRequest {
  name: string;
  /** '' = bridge. */
  driver?: string;
  ipamDriver?: string;
  ipamOptions?: Record<string, string>;
  pools?: PoolRequest[];
  /** Undefined: the default, IPv4 alone. */
  ipv4?: boolean;
  ipv6?: boolean;
  internal?: boolean;
  attachable?: boolean;
  options?: Record<string, string>;
  labels?: Record<string, string>;
}

const refuse = (message: string) => new WherryError('invalid', message);

/** Makes a network. Throws kind `invalid`, `conflict` or `unsupported`. */
export async function createNetwork(store: Store, request: NetworkRequest): Promise<NetworkRecord> {
  const { name } = request;
  checkName(name);
  checkDriver(request);
  using _alone = await lock(store.path('networks'));
  const others = listNetworks(store);
  if (others.some((other) => other.name === name)) {
    throw new WherryError('conflict', `network with name ${name} already exists`);
  }
  checkPools(request.pools ?? []);
  const ipv4 = request.ipv4 ?? true;
  const ipv6 = request.ipv6 ?? false;
  if (!ipv4 && !ipv6) throw refuse('IPv4 or IPv6 must be enabled');
  const options = request.options ?? {};
  checkOptions(options, { internal: request.internal ?? false, hasV6: ipv6 });
  const blank = blankRecord(name, 'bridge');
  const bridge = options[OPTION.bridge] || `br-${blank.id.slice(0, 12)}`;
  checkBridge(bridge, blank.id, others);
  const record: NetworkRecord = {
    ...blank,
    ipv4,
    ipv6,
    internal: request.internal ?? false,
    attachable: request.attachable ?? false,
    pools: choosePools(request.pools ?? [], { ipv4, ipv6, own: ownSubnets(store), others }),
    ipamOptions: request.ipamOptions ?? {},
    interface: bridge,
    options,
    labels: request.labels ?? {},
  };
  addNetwork(store, record);
  recordEvent(store, { type: 'network', action: 'create', id: record.id, attributes: { name, type: 'bridge' } });
  return record;
}

function checkName(name: string): void {
  if (name.trim() === '') throw refuse('invalid name: name is empty');
  if (isPredefined(name) || name === 'default') {
    throw new WherryError('denied', `operation is not permitted on predefined ${name} network`);
  }
  // podman's modes are words, too.
  if (isNetworkName(name) && parseNetworkMode(name).kind !== 'own') {
    throw new WherryError('denied', `operation is not permitted on predefined ${name} network`);
  }
  if (isNetworkName(name)) return;
  throw new WherryError('invalid', `network name ${name} invalid: names must match [a-zA-Z0-9_][a-zA-Z0-9_.-]*`, {
    hint: 'Choose a name of letters, digits, underscores, dots and dashes, of at most 200 characters',
  });
}

const NO_DEVICE = 'give containers addresses on a network card of the host, which only root may touch';

/** Why a driver of Docker's can't be had. */
const IMPOSSIBLE: Readonly<Record<string, string>> = {
  macvlan: `macvlan networks ${NO_DEVICE}`,
  ipvlan: `ipvlan networks ${NO_DEVICE}`,
  overlay: 'overlay networks join several hosts of a swarm, which wherry has not',
};

function checkDriver({ driver = '', ipamDriver = '' }: NetworkRequest): void {
  if (driver === 'host' || driver === 'null') {
    throw new WherryError('denied', `only one instance of "${driver}" network is allowed`);
  }
  const why = IMPOSSIBLE[driver];
  if (why !== undefined) {
    throw new WherryError('unsupported', `Cannot create a network with the driver "${driver}": ${why}`, {
      hint: 'Use the driver bridge and publish ports (-p), or run containers with --network host',
    });
  }
  if (driver !== '' && driver !== 'bridge') throw new WherryError('not-found', `plugin "${driver}" not found`);
  if (ipamDriver === 'null') throw refuse('ipv4 pool is empty');
  if (ipamDriver !== '' && ipamDriver !== 'default') {
    throw new WherryError('not-found', `plugin "${ipamDriver}" not found`);
  }
}

/** Everything that is wrong at once, as Docker's daemon lists it (moby, network.ValidateIPAM). */
function checkPools(pools: readonly PoolRequest[]): void {
  const wrong = pools.flatMap(mistakes);
  if (wrong.length === 0) return;
  throw refuse(`invalid network config:\n${wrong.length === 1 ? wrong[0] : wrong.map((one) => `* ${one}`).join('\n')}`);
}

function mistakes({ subnet: text, range, gateway, aux }: PoolRequest): string[] {
  const subnet = readBlock(text);
  if (subnet === undefined) return [`invalid subnet ${text}: invalid CIDR block notation`];
  const wrong = isMasked(text, subnet) ? [] : [`invalid subnet ${text}: it should be ${formatSubnet(subnet)}`];
  const addresses = [
    ...(gateway ? [{ what: 'gateway', address: gateway }] : []),
    ...Object.values(aux ?? {}).map((address) => ({ what: 'auxiliary address', address })),
  ];
  return [
    ...wrong,
    ...(range ? rangeMistakes(range, subnet) : []),
    ...addresses.flatMap(({ what, address }) => {
      const version = parseAddress(address)?.version;
      const complain = (why: string) => [`invalid ${what} ${address}: ${why}`];
      if (version === undefined) return complain('invalid address');
      if (version !== subnet.version) return complain(`parent subnet is an IPv${subnet.version} block`);
      return contains(subnet, address) ? [] : complain(`parent subnet ${text} doesn't contain this address`);
    }),
  ];
}

function rangeMistakes(text: string, subnet: Subnet): string[] {
  const complain = (why: string) => `invalid ip-range ${text}: ${why}`;
  const range = readBlock(text);
  if (range === undefined) return [complain('invalid CIDR block notation')];
  if (range.version !== subnet.version) return [complain(`parent subnet is an IPv${subnet.version} block`)];
  const parent = formatSubnet(subnet);
  return [
    ...(range.prefix < subnet.prefix ? [complain(`CIDR block is bigger than its parent subnet ${parent}`)] : []),
    ...(isMasked(text, range) ? [] : [complain(`it should be ${formatSubnet(range)}`)]),
    ...(overlaps(range, subnet) ? [] : [complain(`parent subnet ${parent} doesn't contain ip-range`)]),
  ];
}

function readBlock(text: string): Subnet | undefined {
  try {
    return parseSubnet(text);
  } catch (error) {
    if (error instanceof WherryError) return undefined;
    throw error;
  }
}

const isMasked = (text: string, subnet: Subnet) => parseAddress(text.split('/')[0] ?? '')?.number === subnet.base;

function checkBridge(name: string, id: string, others: readonly NetworkRecord[]): void {
  // What the namespace of all bridges has besides.
  if (['lo', 'tap0'].includes(name)) throw refuse(`existing interface ${name} is not a bridge`);
  const other = others.find((one) => one.interface === name);
  if (other === undefined) return;
  const [ours, theirs] = [`network ${id} (${name})`, `network ${other.id} (${name})`];
  throw new WherryError('denied', `cannot create ${ours}: conflicts with ${theirs}: networks have same bridge name`);
}

interface Surroundings {
  ipv4: boolean;
  ipv6: boolean;
  /** Subnets of our networks. */
  own: readonly Subnet[];
  others: readonly NetworkRecord[];
}

/** The asked ones first, as Docker keeps them, then what is chosen. */
function choosePools(asked: readonly PoolRequest[], { ipv4, ipv6, own, others }: Surroundings): Pool[] {
  const pools = asked.map(settlePool);
  const subnets = pools.map(({ subnet }) => parseSubnet(subnet));
  if (subnets.some((subnet) => own.some((other) => overlaps(subnet, other)))) {
    throw new WherryError('denied', 'invalid pool request: Pool overlaps with other one on this address space');
  }
  for (const version of [4, 6] as const) {
    if (subnets.filter((subnet) => subnet.version === version).length < 2) continue;
    throw new WherryError('denied', "bridge driver doesn't support multiple subnets", {
      hint: 'Give one IPv4 and one IPv6 subnet to a network, and join a container to several networks',
    });
  }
  const lacks = (version: Version) => !subnets.some((subnet) => subnet.version === version);
  const used = [...hostSubnets(), ...own, ...subnets];
  const chosen = [
    ...(ipv4 && lacks(4) ? [choosePool(used)] : []),
    ...(ipv6 && lacks(6) ? [chooseLocalPool(localPrefix(others), used)] : []),
  ];
  return [...pools, ...chosen.map((subnet) => ({ subnet: formatSubnet(subnet), gateway: gatewayOf(subnet) }))];
}

/** The user's own /48 (RFC 4193), once one of the networks has part of it; else a new one. */
function localPrefix(others: readonly NetworkRecord[]): Subnet {
  const known = others
    .flatMap(({ pools }) => pools)
    .find(({ subnet, asked }) => asked === undefined && subnet.startsWith('fd'));
  const [a, b, c] = (known?.subnet ?? `fd${randomHex(5).replace(/(..)(....)(....)/, '$1:$2:$3')}::/48`).split(':');
  return parseSubnet(`${a}:${b}:${c}::/48`);
}

function settlePool({ subnet: text, range, gateway, aux = {} }: PoolRequest): Pool {
  const subnet = parseSubnet(text);
  const place = { subnet, ...(range ? { range: parseSubnet(range) } : {}) };
  if (gateway && isReserved(subnet, normalAddress(gateway))) throw inUse(`gateway (${gateway})`);
  const chosen = gateway ? normalAddress(gateway) : nextAddress(place, new Set(), text);
  for (const [name, address] of Object.entries(aux)) {
    const taken = normalAddress(address) === chosen || isReserved(subnet, address);
    if (taken) throw inUse(`secondary ip address (${name}:${address})`);
  }
  return {
    subnet: formatSubnet(subnet),
    ...(range ? { range: formatSubnet(parseSubnet(range)) } : {}),
    gateway: chosen,
    ...(Object.keys(aux).length > 0 ? { aux } : {}),
    asked: gateway ? 'gateway' : 'subnet',
  };
}

const inUse = (what: string) => new WherryError('denied', `failed to allocate ${what}: Address already in use`);
