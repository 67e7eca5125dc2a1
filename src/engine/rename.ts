/** rename: the container's new name, and who else knows it by its name. */
import type { ContainerRecord, NetworkState } from '#container/record.ts';
import { renameContainer as rename } from '#container/rename.ts';
import type { Store } from '#store/store.ts';
import { readJson, replace } from '#sys/file.ts';

/** Renames a container; on its networks it is found by the new name at once. Throws in Docker's words. */
export async function renameContainer(store: Store, name: string, newName: string): Promise<void> {
  await rename(store, name, newName, (record) => tellNetworks(store, record));
}

/** What its networks know of it is in memory of nobody but their name servers. */
async function tellNetworks(store: Store, { id, name, config }: ContainerRecord): Promise<void> {
  const path = store.path('containers', id, 'network.json');
  const state = readJson<NetworkState>(path);
  if (state === undefined || Object.keys(state.endpoints).length === 0) return;
  const { renameOnNetworks } = await import('#network/change.ts');
  const names = await renameOnNetworks(store, { id, name, hostname: config.Hostname });
  for (const [network, known] of Object.entries(names)) {
    const endpoint = state.endpoints[network];
    if (endpoint !== undefined) endpoint.names = known;
  }
  replace(path, JSON.stringify(state));
}
