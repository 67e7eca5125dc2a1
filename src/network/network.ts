/**
 * Containers on networks. All bridges of a user live in one network namespace, which is made when it is first needed,
 * connected to the outside by one process, and taken down a little after the last container has left.
 */
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Endpoint, EndpointRequest } from '#base/api.ts';
import { dnsNames } from '#base/network-mode.ts';
import { findNameServer, isMeant, isServed, nameServersOf, publishNames, startServers } from '#network/dns.ts';
import { checkEndpoint, deviceOf, gatewaysOf, localAddressesOf, readLink, sysctlsOf } from '#network/endpoints.ts';
import { folderOf, hasNamespace } from '#network/folder.ts';
import { macOf, parseSubnet } from '#network/ipam.ts';
import {
  type BridgeState,
  enterRoom,
  type Known,
  type Lease,
  pruneLeases,
  type Room,
  takeLease,
} from '#network/leases.ts';
import { linger } from '#network/linger.ts';
import {
  changeLinks,
  type Link,
  MTU,
  makeBridges,
  makeLinks,
  makeUserNamespace,
  removeBridge,
  USER,
  type Wiring,
} from '#network/link.ts';
import { devicePrefix, isIsolated, letsTalk, mtuOf } from '#network/options.ts';
import { startOutside } from '#network/outside.ts';
import { hasNames, type NetworkRecord, needNetwork, poolOf, removeNetwork } from '#network/records.ts';
import type { Store } from '#store/store.ts';
import { releaseNamespace } from '#sys/netns.ts';
import { isSameProcess, startTime } from '#sys/process.ts';
import { randomHex } from '#sys/random.ts';
import { pinNamespace } from '#sys/userns-make.ts';

/** Who joins. */
export interface Member {
  /** The container's. */
  id: string;
  name: string;
  hostname: string;
  /** Its own name servers. */
  dns?: readonly string[];
}

export interface JoinRequest extends Member {
  /** By the network's name, in the order of eth0, eth1 …; at least one. */
  networks: Record<string, EndpointRequest>;
  /** --link on the default network. */
  links?: readonly string[];
  /** Where it was last, by the network's name. */
  last?: Readonly<Record<string, Endpoint>>;
  /** Has this container a process, or will it have one? By itself all are taken for living. */
  lives?: (id: string) => boolean;
  /** A network namespace that is there; else a new one is made. */
  namespace?: string;
}

export interface Joined {
  /** The path of the container's network namespace, for config.json. */
  netns: string;
  /** The path of the user's network namespace, from where the monitor forwards published ports. */
  userNetns: string;
  /** By the network's name, in the order of eth0, eth1 … */
  endpoints: Record<string, Endpoint>;
  /** The servers that know containers' names; none where the host's are asked. */
  nameServers: string[];
  /** The address that published ports lead to; none where all its networks are internal. */
  published: string | undefined;
  /** Who has links to this container by now; their hosts files are to be told. */
  linked: Linked[];
  /** The places of other containers on these networks. */
  others: Lease[];
  /**
   * Settles when the namespace and its links are there. Other programs make them, which takes 8 ms (the first time 30):
   * do meanwhile what needs the addresses only. Rejects with kind `unsupported` or `unavailable`.
   */
  made: Promise<void>;
}

/** A container that knows another one by an alias. */
export interface Linked {
  id: string;
  alias: string;
  /** The network on which the link is. */
  network: string;
}

/**
 * Gives a container its addresses, and has a network namespace made with one link a network; the user's namespace, its
 * bridges and its way out, too, where they are not there. Whatever fails, nothing of the container stays behind.
 *
 * Throws kind `not-found` for an unknown network, `invalid` for an endpoint that can't be, `conflict` when no address is
 * left.
 */
export async function joinNetworks(store: Store, request: JoinRequest): Promise<Joined> {
  const leave = async (error: unknown) => {
    await leaveNetworks(store, request.id);
    throw error;
  };
  const joined = await joinRoom(store, request).catch(leave);
  const made = joined.made.catch(leave);
  // Who is not waiting yet when it rejects will be.
  made.catch(() => undefined);
  return { ...joined, made };
}

/** A network, and what is asked of the container's place in it. */
interface Wish {
  network: NetworkRecord;
  wanted: EndpointRequest;
}

async function readWish(store: Store, name: string, wanted: EndpointRequest, doing = ''): Promise<Wish> {
  const network = await needNetwork(store, name);
  checkEndpoint(network.name, network, wanted);
  localAddressesOf(wanted, doing);
  return { network, wanted };
}

/** One network of a container, with all that is known of it. */
interface Place extends Wish {
  endpoint: Endpoint;
  lease: Lease;
  bridge: BridgeState;
}

async function joinRoom(store: Store, request: JoinRequest): Promise<Joined> {
  const room = await enterRoom(store);
  try {
    // In the room no network is removed.
    const wishes: Wish[] = [];
    for (const [name, wanted] of Object.entries(request.networks)) {
      wishes.push(await readWish(store, name, wanted, 'failed to set up container networking: '));
    }
    const netns = join(room.folder, request.id);
    await releaseNamespace(netns);
    await pruneLeases(store, room, request.lives ?? (() => true));
    writeFileSync(netns, '', { mode: 0o600 });
    const places = givePlaces(room, request, wishes);
    room.save();
    return {
      netns,
      userNetns: join(room.folder, USER),
      endpoints: Object.fromEntries(places.map(({ endpoint }) => [endpoint.network, endpoint])),
      nameServers: serversFor(places),
      published: publishedOf(places),
      ...surroundings(room, request, places),
      made: make(store, room, request, places),
    };
  } catch (error) {
    room.leave();
    throw error;
  }
}

function givePlaces(room: Room, request: JoinRequest, wishes: readonly Wish[]): Place[] {
  const by = ourselves();
  const devices = new Set(wishes.flatMap(({ wanted }) => deviceOf(wanted) ?? []));
  return wishes.map((wish) => {
    const { network, wanted } = wish;
    const links = [...(wanted.Links ?? []), ...(hasNames(network) ? [] : (request.links ?? []))].map(readLink);
    return givePlace(room, { member: request, wish, by, devices, links, last: request.last?.[network.name] });
  });
}

function ourselves(): Known {
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

function givePlace(room: Room, { member, wish, by, devices, links, last }: PlaceRequest): Place {
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

function bridgeOf(network: NetworkRecord): BridgeState {
  const pools = [poolOf(network, 4), poolOf(network, 6)].filter((pool) => pool !== undefined);
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
function serversFor(places: readonly Place[]): string[] {
  return findNameServer() === undefined ? [] : nameServersOf(places.map(({ bridge }) => bridge));
}

function publishedOf(places: readonly Place[]): string | undefined {
  const leading = places.filter(({ network }) => !network.internal).map(({ endpoint }) => endpoint);
  return leading.find(({ address }) => address)?.address ?? leading.find(({ address6 }) => address6)?.address6;
}

/** Who else is there, and who knows the newcomer by an alias. */
function surroundings({ state }: Room, member: Member, places: readonly Place[]): Pick<Joined, 'linked' | 'others'> {
  const networks = new Set(places.map(({ network }) => network.name));
  const others = state.leases.filter(({ id, network }) => id !== member.id && networks.has(network));
  const linked = others.flatMap(({ id, network, links }) =>
    links
      .filter(({ target }) => isMeant({ id: member.id, names: [member.name] }, target))
      .map(({ alias }) => ({ id, network, alias })),
  );
  return { others, linked };
}

function wiringOf(places: readonly Place[]): Wiring {
  const candidates = places.map(({ endpoint, wanted, bridge }) => ({
    endpoint,
    priority: wanted.GwPriority ?? 0,
    isInternal: bridge.isInternal,
  }));
  return { links: places.map(linkOf), gateways: gatewaysOf(candidates) };
}

function linkOf({ endpoint, network, wanted }: Place): Link {
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

/** Has the links made, and leaves the room as soon as others may come in. */
async function make(store: Store, room: Room, request: JoinRequest, places: readonly Place[]): Promise<void> {
  const { id, name, namespace } = request;
  const connect = async () => {
    if (namespace === undefined) return makeLinks(room.folder, id, wiringOf(places), name);
    await pinNamespace(namespace, join(room.folder, id));
    return changeLinks(room.folder, id, wiringOf(places), name);
  };
  if (isReady(room, places)) {
    await publishNames(store, room);
    // The addresses are ours and all else is there.
    room.leave();
    await connect();
  } else {
    using _held = room;
    await prepare(store, room, places, connect);
  }
}

const isThere = ({ state }: Room, { bridge }: Place) =>
  state.bridges.some(({ interface: name }) => name === bridge.interface);

function isReady(room: Room, places: readonly Place[]): boolean {
  const { outside } = room.state;
  if (!room.isAlive || outside === undefined || !isSameProcess(outside.pid, outside.start)) return false;
  return places.every((place) => isThere(room, place)) && isServed(room.state);
}

/** Makes what is missing of the user's namespace; the way out, which takes longest, beside all else. */
async function prepare(
  store: Store,
  room: Room,
  places: readonly Place[],
  connect: () => Promise<void>,
): Promise<void> {
  const { folder, state } = room;
  if (!room.isAlive) {
    writeFileSync(join(folder, USER), '', { mode: 0o600 });
    await makeUserNamespace(folder);
  }
  const links = async () => {
    const missing = places.filter((place) => !isThere(room, place));
    const all = [...state.bridges, ...missing.map(({ bridge }) => bridge)];
    if (missing.length > 0) await makeBridges(folder, missing.map(newBridge), all);
    state.bridges = all;
    await publishNames(store, room);
    await Promise.all([startServers(store, room), connect()]);
  };
  const done = await Promise.allSettled([mendOutside(store, room), links()]);
  // What did come up is remembered also when the rest did not.
  room.save();
  for (const one of done) if (one.status === 'rejected') throw one.reason;
}

function newBridge({ network }: Place) {
  const pools = [poolOf(network, 4), poolOf(network, 6)].filter((pool) => pool !== undefined);
  return {
    interface: network.interface,
    addresses: pools.map(({ gateway, subnet }) => `${gateway}/${parseSubnet(subnet).prefix}`),
    mac: macOf(pools[0]?.gateway ?? ''),
    mtu: mtuOf(network.options) ?? MTU,
  };
}

async function mendOutside(store: Store, { folder, state }: Room): Promise<void> {
  if (state.outside !== undefined && isSameProcess(state.outside.pid, state.outside.start)) return;
  delete state.outside;
  const start = () => startOutside(folder, { root: store.host.namespace === 'root' });
  const started = await start().catch(async (error) => {
    const { endUnnoted } = await import('#network/unnoted.ts');
    if (await endUnnoted(folder)) return start();
    throw error;
  });
  if (started !== undefined) state.outside = started;
}

/**
 * Takes a container off its networks: its namespace goes (as soon as no process is in it), its addresses are free.
 * A container that is on none is fine. When the last one has left, the user's namespace follows 10 seconds later.
 */
export async function leaveNetworks(store: Store, id: string): Promise<void> {
  if (!hasNamespace(store, id)) return;
  const netns = join(folderOf(store), id);
  if (existsSync(`${netns}.server`)) await (await import('#network/alone.ts')).leaveAlone(netns);
  using room = await enterRoom(store);
  await releaseNamespace(netns);
  const { state } = room;
  state.leases = state.leases.filter((lease) => lease.id !== id);
  if (room.isAlive) await publishNames(store, room);
  if (state.leases.length === 0 && room.isAlive) linger(room);
  room.save();
}

/** A container that runs joins one more network. */
export interface ConnectRequest extends Member {
  network: string;
  wanted: EndpointRequest;
  /** Where it is by now, with what it had asked for there. */
  present: readonly { endpoint: Endpoint; wanted: EndpointRequest }[];
  /** Its network namespace: one that the runtime has made has no file of ours yet. */
  namespace: string;
}

/** What a change did: the places that the container has now, and what its files are to say. */
export interface Changed extends Pick<Joined, 'nameServers' | 'linked' | 'others'> {
  endpoints: Record<string, Endpoint>;
}

/** Connects a running container to one more network. Throws as joinNetworks(). */
export async function connectNetwork(store: Store, request: ConnectRequest): Promise<Changed> {
  using room = await enterRoom(store);
  const wish = await readWish(store, request.network, request.wanted);
  const present = await readPresent(store, request.present);
  const place = givePlace(room, {
    member: request,
    wish,
    by: ourselves(),
    devices: new Set([...present.flatMap(({ endpoint }) => endpoint.interface ?? [])]),
    links: (request.wanted.Links ?? []).map(readLink),
    last: undefined,
  });
  const places = [...present, place];
  try {
    room.save();
    if (!existsSync(join(room.folder, request.id)))
      await pinNamespace(request.namespace, join(room.folder, request.id));
    const wiring = { ...wiringOf(places), links: [linkOf(place)] };
    await prepare(store, room, [place], () => changeLinks(room.folder, request.id, wiring, request.name));
  } catch (error) {
    room.state.leases = room.state.leases.filter((lease) => lease !== place.lease);
    room.save();
    throw error;
  }
  return changed(room, request, places);
}

/** Takes a running container off one of its networks. */
export async function disconnectNetwork(
  store: Store,
  request: Omit<ConnectRequest, 'wanted' | 'namespace'>,
): Promise<Changed> {
  const present = await readPresent(store, request.present);
  const left = present.filter(({ endpoint }) => endpoint.network !== request.network);
  const gone = present.filter((place) => !left.includes(place)).flatMap(({ endpoint }) => endpoint.interface ?? []);
  using room = await enterRoom(store);
  const wiring = { ...wiringOf(left), links: [], gone };
  await changeLinks(room.folder, request.id, wiring, request.name);
  room.state.leases = room.state.leases.filter(({ id, network }) => id !== request.id || network !== request.network);
  await publishNames(store, room);
  room.save();
  return changed(room, request, left);
}

function changed(room: Room, member: Member, places: readonly Place[]): Changed {
  return {
    endpoints: Object.fromEntries(places.map(({ endpoint }) => [endpoint.network, endpoint])),
    nameServers: serversFor(places),
    ...surroundings(room, member, places),
  };
}

async function readPresent(store: Store, present: ConnectRequest['present']): Promise<Place[]> {
  const places: Place[] = [];
  for (const { endpoint, wanted } of present) {
    const network = await needNetwork(store, endpoint.network);
    // Only links that are made now need their lease.
    const lease: Lease = { id: '', network: network.name, names: [], dns: [], links: [], by: { pid: 0, start: 0 } };
    places.push({ network, wanted, endpoint, lease, bridge: bridgeOf(network) });
  }
  return places;
}

/** A container is called otherwise from now on, on all networks that know names. */
export async function renameOnNetworks(store: Store, member: Member): Promise<Record<string, string[]>> {
  if (!hasNamespace(store, member.id)) return {};
  using room = await enterRoom(store);
  const names: Record<string, string[]> = {};
  for (const lease of room.state.leases) {
    if (lease.id !== member.id || lease.names.length === 0) continue;
    lease.names = [member.name, ...lease.names.slice(1)];
    names[lease.network] = lease.names;
  }
  await publishNames(store, room);
  room.save();
  return names;
}

/**
 * Removes a network that no container is on, with its bridge. False where it is gone already, or a container has a place on
 * it. lives: see JoinRequest.
 */
export async function dropNetwork(
  store: Store,
  network: NetworkRecord,
  lives: (id: string) => boolean,
): Promise<boolean> {
  if (!existsSync(folderOf(store))) return removeNetwork(store, network);
  using room = await enterRoom(store);
  const { state } = room;
  await pruneLeases(store, room, lives);
  if (state.leases.some((lease) => lease.network === network.name)) return false;
  if (!(await removeNetwork(store, network))) return false;
  const left = state.bridges.filter(({ interface: name }) => name !== network.interface);
  if (!room.isAlive || left.length === state.bridges.length) return true;
  state.bridges = left;
  await publishNames(store, room);
  await removeBridge(room.folder, network.interface, left);
  room.save();
  return true;
}
