/**
 * Who has which address, and what runs for the user's network namespace: $RUNTIME/netns/state.json, replaced whole under
 * a lock on its folder. A reboot voids it, and so does the end of the mount namespace in which the user's network
 * namespace was mounted.
 */
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { nextAddress, parseSubnet } from '#network/ipam.ts';
import { USER } from '#network/link.ts';
import type { Outside } from '#network/outside.ts';
import type { NetworkRecord } from '#network/records.ts';
import type { Store } from '#store/store.ts';
import { type Lock, lock, makeDirectory, readJson, replace } from '#sys/file.ts';
import { isNamespace, releaseNamespace } from '#sys/netns.ts';
import { signalProcess } from '#sys/process.ts';

interface Lease {
  /** The container's. */
  id: string;
  network: string;
  /** Without the prefix length. */
  address: string;
}

interface NetworkState {
  bootId: string;
  /** Interfaces of the bridges that are there. */
  bridges: string[];
  leases: Lease[];
  outside?: Outside;
  /** The process that takes the namespace down some time after the last container left. */
  lingerer?: { pid: number; start: number };
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

export const folderOf = (store: Store): string => join(store.runtime, 'netns');

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

/** A state that a power cut left half written is as good as none. */
function readState(path: string): NetworkState | undefined {
  try {
    return readJson<NetworkState>(path);
  } catch {
    return undefined;
  }
}

async function clear(folder: string, kept: NetworkState | undefined, bootId: string): Promise<void> {
  if (kept?.bootId === bootId) await stopOutside(kept);
  for (const name of readdirSync(folder)) await releaseNamespace(join(folder, name));
}

const SIGTERM = 15;

/** Ends what serves the tap, if it is still that process. */
async function stopOutside(state: NetworkState): Promise<void> {
  if (state.outside !== undefined) await signalProcess(state.outside.pid, state.outside.start, SIGTERM);
  delete state.outside;
}

/**
 * An address for a container: the one it has, else the lowest free one. Addresses of containers that are gone without
 * having left are taken back first. The caller saves. Throws kind `conflict` when the subnet is full.
 */
export function takeLease(store: Store, { folder, state }: Room, network: NetworkRecord, id: string): string {
  const own = state.leases.find((lease) => lease.id === id && lease.network === network.name);
  if (own !== undefined) return own.address;
  state.leases = state.leases.filter(
    (lease) => existsSync(join(folder, lease.id)) && existsSync(store.path('containers', lease.id)),
  );
  const taken = new Set(state.leases.filter((lease) => lease.network === network.name).map(({ address }) => address));
  const address = nextAddress(parseSubnet(network.subnet), taken.add(network.gateway), network.name);
  state.leases.push({ id, network: network.name, address });
  return address;
}
