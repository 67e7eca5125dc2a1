/** What a start takes and an end gives back of volumes and networks, noted as events. */
import { existsSync, rmSync } from 'node:fs';
import type { Endpoint } from '#base/api.ts';
import { eventFile, writeEventFile } from '#container/event.ts';
import type { ContainerRecord, NetworkState } from '#container/record.ts';
import { recordEvent } from '#store/events.ts';
import type { Store } from '#store/store.ts';
import { readJson } from '#sys/file.ts';

type Mounting = Pick<ContainerRecord, 'id' | 'mounts'>;

/** The container is about to start: from now on its monitor tells of it. Under its lock. */
export function noteTaken(store: Store, record: ContainerRecord): void {
  writeEventFile(store, record);
  for (const { Name = '', Destination, Driver = 'local', Propagation, RW } of volumesOf(record)) {
    const attributes = {
      container: record.id,
      destination: Destination,
      driver: Driver,
      propagation: Propagation,
      'read/write': String(RW),
    };
    recordEvent(store, { type: 'volume', action: 'mount', id: Name, attributes });
  }
  noteNetworks(store, record.id, 'connect');
}

/** Its mounts and its networks are given back. Once only: whoever else cleans up finds it told. Under its lock. */
export function noteGivenBack(store: Store, record: Mounting): void {
  const file = eventFile(store, record.id);
  if (!existsSync(file)) return;
  rmSync(file, { force: true });
  noteNetworks(store, record.id, 'disconnect');
  for (const { Name = '', Driver = 'local' } of volumesOf(record)) {
    const attributes = { container: record.id, driver: Driver };
    recordEvent(store, { type: 'volume', action: 'unmount', id: Name, attributes });
  }
}

const volumesOf = ({ mounts }: Mounting) => mounts.filter((point) => point.Type === 'volume');

function noteNetworks(store: Store, id: string, action: 'connect' | 'disconnect'): void {
  const state = readJson<NetworkState>(store.path('containers', id, 'network.json'));
  for (const endpoint of Object.values(state?.endpoints ?? {})) noteNetwork(store, id, action, endpoint);
}

/** Of the networks that are none. */
const DRIVERS: Readonly<Record<string, string>> = { none: 'null', host: 'host' };

/** One network of a container, also of one that runs (network connect). */
export function noteNetwork(
  store: Store,
  container: string,
  action: 'connect' | 'disconnect',
  { network, networkId = '' }: Pick<Endpoint, 'network' | 'networkId'>,
): void {
  const attributes = { container, name: network, type: DRIVERS[network] ?? 'bridge' };
  recordEvent(store, { type: 'network', action, id: networkId, attributes });
}
