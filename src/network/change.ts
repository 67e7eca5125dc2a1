/** What changes on networks while containers run: one more or one less, another name, a network that goes. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { Endpoint, EndpointRequest } from '#base/api.ts';
import { publishNames } from '#network/dns.ts';
import { readLink } from '#network/endpoints.ts';
import { folderOf, hasNamespace } from '#network/folder.ts';
import { enterRoom, type Lease, pruneLeases, type Room } from '#network/leases.ts';
import { changeLinks, removeBridge } from '#network/link.ts';
import { type Joined, prepare } from '#network/network.ts';
import {
  bridgeOf,
  givePlace,
  linkOf,
  type Member,
  ourselves,
  type Place,
  publishedOf,
  readWish,
  serversFor,
  surroundings,
  wiringOf,
} from '#network/places.ts';
import { type NetworkRecord, needNetwork, removeNetwork } from '#network/records.ts';
import type { Store } from '#store/store.ts';
import { pinNamespace } from '#sys/userns-make.ts';

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
export interface Changed extends Pick<Joined, 'nameServers' | 'linked' | 'others' | 'published'> {
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
    published: publishedOf(places),
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
  await removeBridge(room.folder, network.interface, { all: left, sight: state.clients });
  room.save();
  return true;
}
