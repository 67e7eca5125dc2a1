/**
 * Containers on networks. All bridges of a user live in one network namespace, which is made when it is first needed,
 * connected to the outside by one process, and taken down a little after the last container has left.
 */
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Endpoint, EndpointRequest } from '#base/api.ts';
import { WherryError } from '#base/error.ts';
import { macOf } from '#network/ipam.ts';
import { enterRoom, folderOf, type Room, takeLease } from '#network/leases.ts';
import { linger } from '#network/linger.ts';
import { type Link, makeBridges, makeLinks, makeUserNamespace, USER } from '#network/link.ts';
import { startOutside } from '#network/outside.ts';
import { DEFAULT_NETWORK, type NetworkRecord, needNetwork } from '#network/records.ts';
import type { Store } from '#store/store.ts';
import { releaseNamespace } from '#sys/netns.ts';
import { isSameProcess } from '#sys/process.ts';
import { randomHex } from '#sys/random.ts';

export interface JoinRequest {
  /** The container's. */
  id: string;
  name: string;
  hostname: string;
  /** By the network's name; at least one. The first one has the default route. */
  networks: Record<string, EndpointRequest>;
}

export interface Joined {
  /** The path of the container's network namespace, for config.json. */
  netns: string;
  /** The path of the user's network namespace, from where the monitor forwards published ports. */
  userNetns: string;
  /** By the network's name, in the order of eth0, eth1 … */
  endpoints: Record<string, Endpoint>;
  /**
   * Settles when the namespace and its links are there. Other programs make them, which takes 8 ms (the first time 30):
   * do meanwhile what needs the addresses only. Rejects with kind `unsupported` or `unavailable`.
   */
  made: Promise<void>;
}

/**
 * Gives a container its addresses, and has a network namespace made with one link a network; the user's namespace, its
 * bridges and its way out, too, where they are not there. Whatever fails, nothing of the container stays behind.
 *
 * Throws kind `not-found` for an unknown network, `invalid` for an endpoint that can't be, `conflict` when no address is
 * left.
 */
export async function joinNetworks(store: Store, request: JoinRequest): Promise<Joined> {
  const wishes: Wish[] = [];
  for (const [name, wanted] of Object.entries(request.networks)) {
    checkEndpoint(name, wanted);
    wishes.push({ network: await needNetwork(store, name), wanted });
  }
  const leave = async (error: unknown) => {
    await leaveNetworks(store, request.id);
    throw error;
  };
  const joined = await joinRoom(store, request, wishes).catch(leave);
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

async function joinRoom(store: Store, request: JoinRequest, wishes: readonly Wish[]): Promise<Joined> {
  const room = await enterRoom(store);
  try {
    const netns = join(room.folder, request.id);
    await releaseNamespace(netns);
    writeFileSync(netns, '', { mode: 0o600 });
    const endpoints = wishes.map((wish) => makeEndpoint(store, room, request.id, wish));
    room.save();
    return {
      netns,
      userNetns: join(room.folder, USER),
      endpoints: Object.fromEntries(endpoints.map((endpoint) => [endpoint.network, endpoint])),
      made: make(store, room, request, { endpoints, records: wishes.map(({ network }) => network) }),
    };
  } catch (error) {
    room.leave();
    throw error;
  }
}

/** Has the links made, and leaves the room as soon as others may come in. */
async function make(
  store: Store,
  room: Room,
  { id, name }: JoinRequest,
  { endpoints, records }: { endpoints: readonly Given[]; records: readonly NetworkRecord[] },
): Promise<void> {
  const links = endpoints.map((endpoint, index) => linkOf(endpoint, index, records[index]?.interface ?? ''));
  const connect = () => makeLinks(room.folder, id, links, name);
  if (isReady(room, records)) {
    // The addresses are ours and all else is there.
    room.leave();
    await connect();
  } else {
    using _held = room;
    await prepare(store, room, records, connect);
  }
}

/** Throws kind `invalid` in Docker's words for what its default network refuses. */
function checkEndpoint(network: string, { IPAMConfig, MacAddress, Aliases }: EndpointRequest): void {
  const refuse = (message: string) => new WherryError('invalid', message, { exitCode: 125 });
  if (MacAddress !== undefined && MacAddress !== '' && !/^([0-9a-f]{2}[:-]){5}[0-9a-f]{2}$/i.test(MacAddress)) {
    throw refuse(`${MacAddress} is not a valid mac address`);
  }
  if (network !== DEFAULT_NETWORK && network !== 'default') return;
  if (IPAMConfig?.IPv4Address || IPAMConfig?.IPv6Address) {
    const why = 'user specified IP address is supported on user defined networks only';
    throw refuse(`invalid config for network ${network}: invalid endpoint settings: ${why}`);
  }
  if (Aliases?.length) throw refuse('network-scoped aliases are only supported for user-defined networks');
}

type Given = Required<Endpoint>;

function makeEndpoint(store: Store, room: Room, id: string, { network, wanted }: Wish): Given {
  const address = takeLease(store, room, network, id);
  return {
    network: network.name,
    networkId: network.id,
    id: randomHex(32),
    aliases: wanted.Aliases ?? [],
    address: `${address}/${network.subnet.split('/')[1]}`,
    gateway: network.gateway,
    mac: wanted.MacAddress?.replaceAll('-', ':').toLowerCase() || macOf(address),
  };
}

function linkOf({ id, address, mac, gateway }: Given, index: number, bridge: string): Link {
  // The kernel takes a namespace down some time after its container: the other end must not have the next one's name.
  const peer = `veth${id.slice(0, 11)}`;
  return { interface: `eth${index}`, peer, bridge, address, mac, ...(index === 0 && { gateway }) };
}

function isReady({ state, isAlive }: Room, records: readonly NetworkRecord[]): boolean {
  const { outside, bridges } = state;
  if (!isAlive || outside === undefined || !isSameProcess(outside.pid, outside.start)) return false;
  return records.every((network) => bridges.includes(network.interface));
}

/** Makes what is missing of the user's namespace; the way out, which takes longest, beside all else. */
async function prepare(
  store: Store,
  room: Room,
  records: readonly NetworkRecord[],
  connect: () => Promise<void>,
): Promise<void> {
  const { folder, state } = room;
  if (!room.isAlive) {
    writeFileSync(join(folder, USER), '', { mode: 0o600 });
    await makeUserNamespace(folder);
  }
  const links = async () => {
    const missing = records.filter((network) => !state.bridges.includes(network.interface));
    if (missing.length > 0) {
      await makeBridges(
        folder,
        missing.map((network) => ({ ...network, mac: macOf(network.gateway) })),
      );
    }
    state.bridges.push(...missing.map((network) => network.interface));
    await connect();
  };
  const done = await Promise.allSettled([mendOutside(store, room), links()]);
  // What did come up is remembered also when the rest did not.
  room.save();
  for (const one of done) if (one.status === 'rejected') throw one.reason;
}

async function mendOutside(store: Store, { folder, state }: Room): Promise<void> {
  if (state.outside !== undefined && isSameProcess(state.outside.pid, state.outside.start)) return;
  delete state.outside;
  const started = await startOutside(folder, { root: store.host.namespace === 'root' });
  if (started !== undefined) state.outside = started;
}

/**
 * Takes a container off its networks: its namespace goes (as soon as no process is in it), its addresses are free.
 * A container that is on none is fine. When the last one has left, the user's namespace follows 10 seconds later.
 */
export async function leaveNetworks(store: Store, id: string): Promise<void> {
  const netns = join(folderOf(store), id);
  if (!existsSync(netns)) return;
  using room = await enterRoom(store);
  await releaseNamespace(netns);
  const { state } = room;
  state.leases = state.leases.filter((lease) => lease.id !== id);
  if (state.leases.length === 0 && room.isAlive) linger(room);
  room.save();
}
