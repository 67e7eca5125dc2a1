/**
 * Containers on networks. All bridges of a user live in one network namespace, which is made when it is first needed,
 * connected to the outside by one process, and taken down a little after the last container has left.
 */
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Endpoint, EndpointRequest } from '#base/api.ts';
import { restated, WherryError } from '#base/error.ts';
import { isServed, publishNames, startServers } from '#network/dns.ts';
import { folderOf, hasNamespace } from '#network/folder.ts';
import { type BridgeState, type ClientSight, enterRoom, type Lease, pruneLeases, type Room } from '#network/leases.ts';
import { linger } from '#network/linger.ts';
import { changeLinks, makeBridges, makeLinks, makeUserNamespace, removeBridge, USER } from '#network/link.ts';
import { startOutside } from '#network/outside.ts';
import {
  givePlaces,
  type Linked,
  newBridge,
  type Place,
  type PlacesRequest,
  type Published,
  publishedOf,
  readWish,
  serversFor,
  surroundings,
  type Wish,
  wiringOf,
} from '#network/places.ts';
import type { Store } from '#store/store.ts';
import { releaseNamespace } from '#sys/netns.ts';
import { isSameProcess } from '#sys/process.ts';
import { pinNamespace } from '#sys/userns-make.ts';

/** Who joins, and what. */
export interface JoinRequest extends PlacesRequest {
  /** By the network's name, in the order of eth0, eth1 …; at least one. */
  networks: Record<string, EndpointRequest>;
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
  /** Where published ports lead to; none where all its networks are internal. */
  published: Published | undefined;
  /** Who has links to this container by now; their hosts files are to be told. */
  linked: Linked[];
  /** The places of other containers on these networks. */
  others: Lease[];
  /**
   * Settles when the namespace and its links are there. Other programs make them, which takes 8 ms (the first time 30):
   * do meanwhile what needs the addresses only. Tells whether published ports can show clients' addresses. Rejects with kind `unsupported` or `unavailable`.
   */
  made: Promise<ClientSight>;
}

/**
 * Gives a container its addresses, and has a network namespace made with one link a network; the user's namespace, its
 * bridges and its way out, too, where they are not there. Whatever fails, nothing of the container stays behind.
 *
 * Throws kind `not-found` for an unknown network, `invalid` for an endpoint that can't be, `conflict` when no address is
 * left.
 */
export async function joinNetworks(store: Store, request: JoinRequest): Promise<Joined> {
  const leave = async (error: unknown): Promise<never> => {
    await leaveNetworks(store, request.id);
    throw error;
  };
  const joined = await joinRoom(store, request).catch(leave);
  const made = joined.made.catch(leave);
  // Who is not waiting yet when it rejects will be.
  made.catch(() => undefined);
  return { ...joined, made };
}

async function joinRoom(store: Store, request: JoinRequest): Promise<Joined> {
  const room = await enterRoom(store);
  try {
    // In the room no network is removed.
    const wishes: Wish[] = [];
    for (const [name, wanted] of Object.entries(request.networks)) {
      wishes.push(await readWish(store, name, wanted, REFUSED));
    }
    const netns = join(room.folder, request.id);
    await releaseNamespace(netns);
    await pruneLeases(store, room, request.lives ?? (() => true));
    writeFileSync(netns, '', { mode: 0o600 });
    const places = inDockersWords(() => givePlaces(room, request, wishes));
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

const REFUSED = 'failed to set up container networking: ';

function inDockersWords<T>(give: () => T): T {
  try {
    return give();
  } catch (error) {
    if (!(error instanceof WherryError)) throw error;
    throw restated(error, { message: `${REFUSED}${error.message}`, exitCode: 125 });
  }
}

/** Has the links made, and leaves the room as soon as others may come in. */
async function make(store: Store, room: Room, request: JoinRequest, places: readonly Place[]): Promise<ClientSight> {
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
  return room.state.clients ?? {};
}

/** As its network has it: the default one's record may have been lost, and made anew with another subnet. */
const isThere = ({ state }: Room, { bridge }: Place) =>
  state.bridges.some(
    ({ interface: name, gateways }) => name === bridge.interface && gateways.join() === bridge.gateways.join(),
  );

function isReady(room: Room, places: readonly Place[]): boolean {
  const { outside } = room.state;
  if (!room.isAlive || outside === undefined || !isSameProcess(outside.pid, outside.start)) return false;
  return places.every((place) => isThere(room, place)) && isServed(room.state);
}

/** Makes what is missing of the user's namespace; the way out, which takes longest, beside all else. */
export async function prepare(
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
    const isMade = ({ interface: name }: BridgeState) => missing.some(({ bridge }) => bridge.interface === name);
    const kept = state.bridges.filter((bridge) => !isMade(bridge));
    for (const { interface: former } of state.bridges.filter(isMade)) {
      await removeBridge(folder, former, { all: kept, sight: state.clients });
    }
    const all = [...kept, ...missing.map(({ bridge }) => bridge)];
    if (missing.length > 0) {
      state.clients = await makeBridges(folder, missing.map(newBridge), { all, sight: state.clients });
    }
    state.bridges = all;
    await publishNames(store, room);
    await Promise.all([startServers(store, room), connect()]);
  };
  const done = await Promise.allSettled([mendOutside(store, room), links()]);
  // What did come up is remembered also when the rest did not.
  room.save();
  for (const one of done) if (one.status === 'rejected') throw one.reason;
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
