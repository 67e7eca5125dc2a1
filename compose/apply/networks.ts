/** A project's networks: made where they are missing, taken over where compose made them, removed at its end. */
import { restated, WherryError } from '#base/error.ts';
import { given } from '#base/given.ts';
import { act, type Scope, teller } from '#compose/apply/scope.ts';
import { networkHash } from '#compose/model/hash.ts';
import { COMPOSE_VERSION, LABEL } from '#compose/model/labels.ts';
import type { Network, Project } from '#compose/model/project.ts';
import { attachedContainers, deleteNetwork } from '#engine/networking.ts';
import type { Store } from '#engine/open.ts';
import { createNetwork, type NetworkRequest } from '#network/create.ts';
import { findNetwork, listAllNetworks, type NetworkRecord } from '#network/records.ts';

/** The network that has exactly this name (or id). */
async function exactNetwork(store: Store, name: string): Promise<NetworkRecord | undefined> {
  try {
    const found = await findNetwork(store, name);
    return found.name === name || found.id === name ? found : undefined;
  } catch (error) {
    if (error instanceof WherryError && (error.kind === 'not-found' || error.kind === 'invalid')) return undefined;
    throw error;
  }
}

/** The names of the project's networks, not counting those that it only uses. */
export async function projectNetworks(
  store: Store,
  project: string,
): Promise<{ key: string; record: NetworkRecord }[]> {
  const all = await listAllNetworks(store);
  return all
    .filter(({ labels }) => labels[LABEL.project] === project)
    .map((record) => ({ key: record.labels[LABEL.network] ?? record.name, record }));
}

/** stop: called with the key of a network that has to be made anew, so that nobody runs on it. */
export interface NetworkOptions {
  stop: (key: string) => Promise<void>;
}

/** Makes what is missing. Throws kind `invalid` for an external one that is not there, in compose's words. */
export async function ensureNetworks(scope: Scope, project: Project, options: NetworkOptions): Promise<void> {
  for (const [key, network] of Object.entries(project.networks ?? {})) {
    await ensureNetwork(scope, project, { key, network }, options);
  }
}

async function ensureNetwork(
  scope: Scope,
  project: Project,
  { key, network }: { key: string; network: Network },
  { stop }: NetworkOptions,
): Promise<void> {
  const { store, warn } = scope;
  const name = network.name ?? key;
  const found = await exactNetwork(store, name);
  if (network.external) {
    if (found !== undefined) return;
    throw new WherryError('invalid', `network ${name} declared as external, but could not be found`, {
      hint: `Make it: wherry network create ${name}`,
    });
  }
  const hash = networkHash({ ...network, name });
  if (found !== undefined) {
    checkOwner(project, { key, name, labels: found.labels }, warn);
    const known = found.labels[LABEL.hash];
    if (known === undefined || known === '' || known === hash) return;
    await stop(key);
    await act(scope, () => deleteNetwork(store, name));
    teller(scope, `Network ${name}`).done('Removed');
  }
  await makeNetwork(scope, requestFor(project, network, { key, name, hash }));
}

interface Owned {
  key: string;
  name: string;
  labels: Record<string, string>;
}

function checkOwner(project: Project, { key, name, labels }: Owned, warn: (text: string) => void): void {
  const external = 'Set `external: true` to use an existing network';
  if (!Object.hasOwn(labels, LABEL.project)) {
    warn(`a network with name ${name} exists but was not created by compose.\n${external}`);
  } else if (labels[LABEL.project] !== project.name) {
    warn(`a network with name ${name} exists but was not created for project "${project.name}".\n${external}`);
  }
  const has = labels[LABEL.network] ?? '';
  if (has === key) return;
  const why = `was found but has incorrect label ${LABEL.network} set to "${has}" (expected: "${key}")`;
  throw new WherryError('invalid', `network ${name} ${why}`, { hint: external });
}

function requestFor(
  project: Project,
  network: Network,
  { key, name, hash }: { key: string; name: string; hash: string },
): NetworkRequest {
  const { driver, driver_opts, ipam, internal, attachable, labels, enable_ipv4, enable_ipv6 } = network;
  return {
    name,
    labels: {
      ...labels,
      [LABEL.hash]: hash,
      [LABEL.network]: key,
      [LABEL.project]: project.name,
      [LABEL.version]: COMPOSE_VERSION,
    },
    pools: (ipam?.config ?? []).map(({ subnet, ip_range, gateway, aux_addresses }) => ({
      subnet: subnet ?? '',
      ...given({ range: ip_range, gateway, aux: aux_addresses }),
    })),
    ...given({
      driver,
      ipamDriver: ipam?.driver,
      ipamOptions: ipam?.options,
      options: driver_opts,
      internal,
      attachable,
      ipv4: enable_ipv4,
      ipv6: enable_ipv6,
    }),
  };
}

async function makeNetwork(scope: Scope, request: NetworkRequest): Promise<void> {
  const tell = teller(scope, `Network ${request.name}`);
  tell.working('Creating');
  try {
    await act(scope, () => createNetwork(scope.store, request));
  } catch (error) {
    // Another `up` of the project has just made it.
    if (error instanceof WherryError && error.kind === 'conflict' && (await exactNetwork(scope.store, request.name))) {
      tell.done('Created');
      return;
    }
    tell.error('Error');
    if (!(error instanceof WherryError)) throw error;
    const message = `failed to create network ${request.name}: Error response from daemon: ${error.message}`;
    throw restated(error, { kind: 'invalid', message });
  }
  tell.done('Created');
}

/** Removes a project's network, if it is there and nobody runs on it. true: there was something to remove. */
export async function removeNetwork(
  scope: Scope,
  { key, name, project }: { key: string; name: string; project: string },
) {
  const { store } = scope;
  const own = (await projectNetworks(store, project)).filter((network) => network.key === key);
  if (own.length === 0) return;
  const tell = teller(scope, `Network ${name}`);
  tell.working('Removing');
  const found = own.find(({ record }) => record.name === name);
  if (found === undefined) return tell.warning('No resource found to remove');
  const isUsed = (attachedContainers(store).get(found.record.name) ?? []).length > 0;
  if (isUsed && scope.pretended === undefined) return tell.warning('Resource is still in use');
  try {
    await act(scope, () => deleteNetwork(store, name));
  } catch (error) {
    if (error instanceof WherryError && error.kind === 'not-found') return tell.warning('No resource found to remove');
    tell.error('Error');
    if (!(error instanceof WherryError)) throw error;
    const text = `failed to remove network ${name}: Error response from daemon: ${error.message}`;
    throw new WherryError('invalid', text, { cause: error });
  }
  tell.done('Removed');
}
