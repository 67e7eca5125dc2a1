/** A container's places on its networks: addresses, names, devices, and the links that are to be made for them. */
import { ipVersion } from '#base/address.ts';
import type { Endpoint, EndpointRequest } from '#base/api.ts';
import { dnsNames } from '#base/network-mode.ts';
import { findNameServer, isMeant, nameServersOf } from '#network/dns.ts';
import { checkEndpoint, deviceOf, gatewaysOf, localAddressesOf, readLink, sysctlsOf } from '#network/endpoints.ts';
import { macOf, parseSubnet, type Version } from '#network/ipam.ts';
import { type BridgeState, type Known, type Lease, type Room, takeLease } from '#network/leases.ts';
import { type Bridge, type Link, MTU, type Wiring } from '#network/link.ts';
import { devicePrefix, isIsolated, letsTalk, mtuOf } from '#network/options.ts';
import { hasNames, type NetworkRecord, needNetwork, poolOf } from '#network/records.ts';
import type { Store } from '#store/store.ts';
import { startTime } from '#sys/process.ts';
import { randomHex } from '#sys/random.ts';

/** Who joins. */
export interface Member {
  /** The container's. */
  id: string;
  name: string;
  hostname: string;
  /** Its own name servers. */
  dns?: readonly string[];
}

/** A container that knows another one by an alias. */
export interface Linked {
  id: string;
  alias: string;
  /** The network on which the link is. */
  network: string;
}

/** A network, and what is asked of the container's place in it. */
export interface Wish {
  network: NetworkRecord;
  wanted: EndpointRequest;
}

/** Throws kind `not-found` for an unknown network, `invalid` or `denied` for what can't be there. doing: see localAddressesOf(). */
export async function readWish(store: Store, name: string, wanted: EndpointRequest, doing = ''): Promise<Wish> {
  const network = await needNetwork(store, name);
  checkEndpoint(network.name, network, wanted);
  localAddressesOf(wanted, doing);
  return { network, wanted };
}

/** One network of a container, with all that is known of it. */
export interface Place extends Wish {
  endpoint: Endpoint;
  lease: Lease;
  bridge: BridgeState;
}

/** What is asked of a container's places on all its networks. */
export interface PlacesRequest extends Member {
  /** --link on the default network. */
  links?: readonly string[];
  /** Where it was last, by the network's name. */
  last?: Readonly<Record<string, Endpoint>>;
}

/** Gives a container its places, in the order of its networks. The caller saves the room. Throws kind `conflict`. */
export function givePlaces(room: Room, request: PlacesRequest, wishes: readonly Wish[]): Place[] {
  const by = ourselves();
  const devices = new Set(wishes.flatMap(({ wanted }) => deviceOf(wanted) ?? []));
  return wishes.map((wish) => {
    const { network, wanted } = wish;
    const links = [...(wanted.Links ?? []), ...(hasNames(network) ? [] : (request.links ?? []))].map(readLink);
    return givePlace(room, { member: request, wish, by, devices, links, last: request.last?.[network.name] });
  });
}

/** This command, for whose life a lease counts until the container runs. */
export function ourselves(): Known {
  return { pid: process.pid, start: startTime(process.pid) ?? 0 };
}

interface PlaceRequest {
  member: Member;
  wish: Wish;
  by: Known;
  /** Names of interfaces that are taken. */
  devices: Set<string>;
  links: Lease['links'];
  last: Endpoint | undefined;
}

export function givePlace(room: Room, { member, wish, by, devices, links, last }: PlaceRequest): Place {
  const { network, wanted } = wish;
  const aliases = (wanted.Aliases ?? []).filter((alias) => alias !== '');
  const names = hasNames(network) ? dnsNames(member, aliases) : [];
  const lease = takeLease(room, network, {
    id: member.id,
    names,
    dns: [...(member.dns ?? [])],
    links,
    by,
    address: wanted.IPAMConfig?.IPv4Address,
    address6: wanted.IPAMConfig?.IPv6Address,
    last: [last?.address, last?.address6].flatMap((address) => address?.split('/')[0] ?? []),
  });
  const [v4, v6] = [poolOf(network, 4), poolOf(network, 6)];
  const prefix = (subnet: string) => parseSubnet(subnet).prefix;
  const endpoint: Endpoint = {
    network: network.name,
    networkId: network.id,
    id: randomHex(32),
    aliases: wanted.Aliases ?? [],
    mac: wanted.MacAddress?.replaceAll('-', ':').toLowerCase() || macOf(lease.address ?? lease.address6 ?? ''),
    interface: deviceOf(wanted) ?? freeDevice(devicePrefix(network.options), devices),
    names,
    ...(v4 && lease.address ? { address: `${lease.address}/${prefix(v4.subnet)}` } : {}),
    ...(v6 && lease.address6 ? { address6: `${lease.address6}/${prefix(v6.subnet)}` } : {}),
    // An internal network leads nowhere.
    ...(v4 && !network.internal ? { gateway: v4.gateway } : {}),
    ...(v6 && !network.internal ? { gateway6: v6.gateway } : {}),
  };
  return { ...wish, endpoint, lease, bridge: bridgeOf(network) };
}

function freeDevice(prefix: string, taken: Set<string>): string {
  let number = 0;
  while (taken.has(`${prefix}${number}`)) number += 1;
  taken.add(`${prefix}${number}`);
  return `${prefix}${number}`;
}

const poolsOf = (network: NetworkRecord) =>
  [poolOf(network, 4), poolOf(network, 6)].filter((pool) => pool !== undefined);

/** A network's bridge, as the room knows it. */
export function bridgeOf(network: NetworkRecord): BridgeState {
  const pools = poolsOf(network);
  return {
    network: network.name,
    interface: network.interface,
    gateways: pools.map(({ gateway }) => gateway),
    hasNames: hasNames(network),
    hasV6: poolOf(network, 6) !== undefined,
    isInternal: network.internal,
    isOpen: !isIsolated(network.options),
  };
}

/** Without a server of ours the host's are asked. */
export function serversFor(places: readonly Place[]): string[] {
  return findNameServer() === undefined ? [] : nameServersOf(places.map(({ bridge }) => bridge));
}

/** Where published ports lead to. */
export interface Published {
  /** By the version, without prefix lengths: on the networks of the default routes, by which the answers go. */
  addresses: Partial<Record<Version, string>>;
  /** What the container reaches without a gateway, with prefix lengths: clients with such addresses it can't answer. */
  near: string[];
}

/** As with Docker, published ports lead to the networks of the default routes. */
export function publishedOf(places: readonly Place[]): Published | undefined {
  const { v4, v6 } = gatewaysOf(candidatesOf(places));
  const addresses: Published['addresses'] = {};
  if (v4?.address) addresses[4] = bare(v4.address);
  if (v6?.address6) addresses[6] = bare(v6.address6);
  if (Object.keys(addresses).length === 0) return undefined;
  return {
    addresses,
    near: places.flatMap(({ endpoint: { address, address6 } }) => [address ?? [], address6 ?? []].flat()),
  };
}

const bare = (address: string) => address.split('/')[0] ?? '';

/** Who else is there, and who knows the newcomer by an alias. */
export function surroundings(
  { state }: Room,
  member: Member,
  places: readonly Place[],
): { linked: Linked[]; others: Lease[] } {
  const networks = new Set(places.map(({ network }) => network.name));
  const others = state.leases.filter(({ id, network }) => id !== member.id && networks.has(network));
  const linked = others.flatMap(({ id, network, links }) =>
    links
      .filter(({ target }) => isMeant({ id: member.id, names: [member.name] }, target))
      .map(({ alias }) => ({ id, network, alias })),
  );
  return { others, linked };
}

/** What all the places need in the container's namespace. */
export function wiringOf(places: readonly Place[]): Wiring {
  const { v4, v6 } = gatewaysOf(candidatesOf(places));
  const gateways = [v4?.gateway, v6?.gateway6].filter((gateway) => gateway !== undefined);
  return { links: places.map(linkOf), gateways, names: namesOf(places) };
}

/** The first server of /etc/resolv.conf, and the container's place on its network. */
function namesOf(places: readonly Place[]): Wiring['names'] {
  const server = serversFor(places).find((address) => ipVersion(address) === 4);
  const place = places.find(({ bridge }) => server !== undefined && bridge.gateways.includes(server));
  const { interface: device, address } = place?.endpoint ?? {};
  if (server === undefined || device === undefined || address === undefined) return undefined;
  return { server, interface: device, address: bare(address) };
}

const candidatesOf = (places: readonly Place[]) =>
  places.map(({ endpoint, wanted, bridge }) => ({
    endpoint,
    priority: wanted.GwPriority ?? 0,
    isInternal: bridge.isInternal,
  }));

export function linkOf({ endpoint, network, wanted }: Place): Link {
  const { id = '', mac = '', address, address6, interface: device = '' } = endpoint;
  return {
    interface: device,
    // The kernel takes a namespace down some time after its container: the other end must not have the next one's name.
    peer: `veth${id.slice(0, 11)}`,
    bridge: network.interface,
    mtu: mtuOf(network.options) ?? MTU,
    addresses: [address, address6, ...localAddressesOf(wanted)].filter((one) => one !== undefined),
    mac,
    isAlone: !letsTalk(network.options),
    sysctls: sysctlsOf(wanted, device),
  };
}

/** The bridge of a place, to be made. */
export function newBridge({ network }: Place): Bridge {
  const pools = poolsOf(network);
  return {
    interface: network.interface,
    addresses: pools.map(({ gateway, subnet }) => `${gateway}/${parseSubnet(subnet).prefix}`),
    mac: macOf(pools[0]?.gateway ?? ''),
    mtu: mtuOf(network.options) ?? MTU,
  };
}
