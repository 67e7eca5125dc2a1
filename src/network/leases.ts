/**
 * Who has which address, and what runs for the user's network namespace: $RUNTIME/netns/state.json, replaced whole under
 * a lock on its folder. A reboot voids it, and so does the end of the mount namespace in which the user's network
 * namespace was mounted.
 */
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { WherryError } from '#base/error.ts';
import { folderOf } from '#network/folder.ts';
import { contains, isReserved, nextAddress, normalAddress, parseSubnet, type Version } from '#network/ipam.ts';
import { USER } from '#network/link.ts';
import type { Outside } from '#network/outside.ts';
import { DEFAULT_NETWORK, type NetworkRecord, poolOf } from '#network/records.ts';
import type { Store } from '#store/store.ts';
import { type Lock, lock, makeDirectory, readJson, replace } from '#sys/file.ts';
import { isNamespace, releaseNamespace } from '#sys/netns.ts';
import { isSameProcess, signalProcess } from '#sys/process.ts';

/** A process that can't be mistaken for another one. */
export interface Known {
  pid: number;
  start: number;
}

/** One container's place on one network. */
export interface Lease {
  /** The container's. */
  id: string;
  network: string;
  /** Without the prefix length. */
  address?: string;
  address6?: string;
  /** What it is called on this network; none on the default one. */
  names: string[];
  /** Its own name servers (--dns). */
  dns: string[];
  /** --link: other names for other containers, which stand in its hosts file. */
  links: ContainerLink[];
  /** Who starts the container: until it runs, that one's life is the lease's. */
  by: Known;
}

interface ContainerLink {
  /** The other one's name or id, as it was given. */
  target: string;
  alias: string;
}

/** A bridge that is there, with what its rules and its names depend on. */
export interface BridgeState {
  network: string;
  interface: string;
  gateways: string[];
  hasNames: boolean;
  hasV6: boolean;
  isInternal: boolean;
  isOpen: boolean;
}

/** By the version: do published ports show the clients' addresses, can this kernel do that? Absent: not tried yet. */
export type ClientSight = Partial<Record<Version, boolean>>;

export interface NetworkState {
  bootId: string;
  bridges: BridgeState[];
  leases: Lease[];
  outside?: Outside;
  clients?: ClientSight;
  /** The servers of names, by their folders. */
  servers?: Record<string, Known>;
  /** Names that lead to several containers are answered in turns: queries of which versions are led to several servers? */
  turns?: 'ip' | 'both' | 'impossible';
  /** The process that takes the namespace down some time after the last container left. */
  lingerer?: Known;
}

/** The folder of namespaces with its lock held, and what is known about them. */
export interface Room extends Disposable {
  readonly folder: string;
  readonly state: NetworkState;
  /** False: the user's namespace has to be made. */
  readonly isAlive: boolean;
  /** Only before leaving. */
  save(): void;
  /** Lets others in; a second time does nothing. */
  leave(): void;
}

/** Enters the folder alone. What an earlier boot or an earlier holder left there is cleared away. */
export async function enterRoom(store: Store): Promise<Room> {
  const folder = folderOf(store);
  makeDirectory(folder);
  const held: Lock = await lock(folder);
  try {
    const path = join(folder, 'state.json');
    const kept = readState(path);
    const isAlive = kept?.bootId === store.bootId && isNamespace(join(folder, USER));
    if (!isAlive) await clear(folder, kept, store.bootId);
    const state = isAlive ? kept : { bootId: store.bootId, bridges: [], leases: [] };
    let isHeld = true;
    const leave = () => {
      if (isHeld) held[Symbol.dispose]();
      isHeld = false;
    };
    const save = () => replace(path, JSON.stringify(state));
    return { folder, state, isAlive, save, leave, [Symbol.dispose]: leave };
  } catch (error) {
    held[Symbol.dispose]();
    throw error;
  }
}

/** What is known of it by now; empty before there was a network. */
export function clientSight(store: Store): ClientSight {
  const state = readState(join(folderOf(store), 'state.json'));
  return state?.bootId === store.bootId ? (state.clients ?? {}) : {};
}

/** A state that a power cut left half written is as good as none. */
function readState(path: string): NetworkState | undefined {
  try {
    return readJson<NetworkState>(path);
  } catch {
    return undefined;
  }
}

async function clear(folder: string, kept: NetworkState | undefined, bootId: string): Promise<void> {
  if (kept?.bootId === bootId) {
    for (const process of [kept.outside, ...Object.values(kept.servers ?? {})]) await stop(process);
  }
  for (const name of readdirSync(folder)) await releaseNamespace(join(folder, name));
}

const SIGTERM = 15;

/** Ends it, if it is still that process. */
async function stop(process: Known | undefined): Promise<void> {
  if (process !== undefined) await signalProcess(process.pid, process.start, SIGTERM);
}

/** What is wanted of a lease. */
export interface LeaseRequest extends Omit<Lease, 'network' | 'address' | 'address6'> {
  /** Asked for by the user. */
  address?: string | undefined;
  address6?: string | undefined;
  /** What the container had last: given again where it is free. */
  last?: readonly string[];
}

/**
 * A place on a network: the one that the container has, else with the addresses that it asks for or had last, or with the
 * lowest free ones. The caller saves. Throws kind `conflict` where an address is taken or none is left.
 */
export function takeLease({ state }: Room, network: NetworkRecord, request: LeaseRequest): Lease {
  const { address: wanted, address6: wanted6, last = [], ...kept } = request;
  const own = state.leases.find((lease) => lease.id === request.id && lease.network === network.name);
  state.leases = state.leases.filter((lease) => lease !== own);
  const others = state.leases.filter((lease) => lease.network === network.name);
  const had = [own?.address, own?.address6, ...last].filter((address) => address !== undefined);
  const address = chooseAddress(network, 4, { wanted, had, taken: others.map((lease) => lease.address) });
  const address6 = chooseAddress(network, 6, { wanted: wanted6, had, taken: others.map((lease) => lease.address6) });
  const lease = {
    ...kept,
    network: network.name,
    ...(address === undefined ? {} : { address }),
    ...(address6 === undefined ? {} : { address6 }),
  };
  state.leases.push(lease);
  return lease;
}

interface Choice {
  wanted: string | undefined;
  had: readonly string[];
  taken: readonly (string | undefined)[];
}

function chooseAddress(network: NetworkRecord, version: Version, choice: Choice): string | undefined {
  const pool = poolOf(network, version);
  if (pool === undefined) return undefined;
  const subnet = parseSubnet(pool.subnet);
  const taken = new Set([pool.gateway, ...Object.values(pool.aux ?? {}).map(normalAddress)]);
  for (const address of choice.taken) if (address !== undefined) taken.add(address);
  if (choice.wanted) {
    const wanted = normalAddress(choice.wanted);
    if (!taken.has(wanted) && !isReserved(subnet, wanted)) return wanted;
    throw new WherryError('conflict', 'Address already in use', {
      hint: `Ask for another address of ${pool.subnet}, or for none`,
      exitCode: 125,
    });
  }
  const again = choice.had.find((address) => contains(subnet, address) && !taken.has(address));
  if (again !== undefined) return again;
  return nextAddress(
    { subnet, ...(pool.range === undefined ? {} : { range: parseSubnet(pool.range) }) },
    taken,
    `${network.name} (${network.id})`,
  );
}

/** A container is told of a newcomer by this alias no more; links of --link are on networks without names. */
export async function forgetLink(store: Store, id: string, alias: string): Promise<void> {
  using room = await enterRoom(store);
  for (const lease of room.state.leases) {
    if (lease.id !== id || lease.network !== DEFAULT_NETWORK) continue;
    lease.links = lease.links.filter((link) => link.alias !== alias);
  }
  room.save();
}

/** A build's steps are on networks, and are no containers: they live as long as the command. */
const isStep = (id: string) => id.startsWith(STEP);
export const STEP = 'build-';

/** Takes back what containers have that are gone without having left. lives: has this container a process, or will it? */
export async function pruneLeases(
  store: Store,
  { folder, state }: Room,
  lives: (id: string) => boolean,
): Promise<void> {
  const isGone = ({ id, by }: Lease) => {
    if (!existsSync(join(folder, id))) return true;
    if (!isStep(id) && !existsSync(store.path('containers', id))) return true;
    return !isSameProcess(by.pid, by.start) && !lives(id);
  };
  const gone = new Set(state.leases.filter(isGone).map(({ id }) => id));
  if (gone.size === 0) return;
  state.leases = state.leases.filter(({ id }) => !gone.has(id));
  for (const id of gone) await releaseNamespace(join(folder, id));
}
