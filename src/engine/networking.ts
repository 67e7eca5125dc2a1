/** Networks meet containers: a request's networks are checked, and containers are connected and disconnected. */
import type { CreateRequest, Endpoint, EndpointRequest } from '#base/api.ts';
import { WherryError } from '#base/error.ts';
import { isUserDefined, parseNetworkMode } from '#base/network-mode.ts';
import { shortId } from '#base/text.ts';
import { findContainer, listContainers, readRecord, replaceRecord } from '#container/names.ts';
import type { ContainerRecord, NetworkState, State } from '#container/record.ts';
import { isRunning, readState } from '#container/state.ts';
import { changeHosts, leadPorts, memberOf, tellLinked } from '#engine/connect.ts';
import { networkLinks, settleLinks } from '#engine/links.ts';
import { noteNetwork } from '#engine/taken.ts';
import { checkEndpoint } from '#network/endpoints.ts';
import { ownNames } from '#network/files.ts';
import { findNetwork, hasNames, isPredefined, type NetworkRecord } from '#network/records.ts';
import type { Store } from '#store/store.ts';
import { lock, readJson, replace } from '#sys/file.ts';

/**
 * What a request says of networks, as the daemon would take it: ids become names, links ids. What is unknown is said at
 * the start, as with Docker. asked: the networks of the request as it came. @returns what the user should know
 */
export async function settleNetworking(
  store: Store,
  request: CreateRequest,
  asked: CreateRequest['networks'],
): Promise<string[]> {
  const { hostConfig, networks } = request;
  // What is no network of its own keeps nothing of what was asked for; some of that can't be asked.
  for (const [name, wanted] of Object.entries(asked)) {
    if (!Object.hasOwn(networks, name) && name !== 'default') checkFor(name, await knownNetwork(store, name), wanted);
  }
  // As Docker's daemon: on a network of the user's only the endpoint's own links count.
  if (isUserDefined(hostConfig.NetworkMode)) hostConfig.Links = null;
  if (hostConfig.Links?.length) hostConfig.Links = settleLinks(store, hostConfig.Links);
  const settled: Record<string, EndpointRequest> = {};
  const found: NetworkRecord[] = [];
  for (const [name, wanted] of Object.entries(networks)) {
    const network = await knownNetwork(store, name);
    if (network !== undefined) found.push(network);
    checkFor(name, network, wanted);
    settled[network?.name ?? name] = wanted;
  }
  request.networks = settled;
  return warningsFor(found);
}

function checkFor(name: string, network: NetworkRecord | undefined, wanted: EndpointRequest): void {
  try {
    checkEndpoint(name, network, wanted);
  } catch (error) {
    if (!(error instanceof WherryError) || !error.message.startsWith('invalid endpoint')) throw error;
    throw new WherryError(error.kind, `invalid config for network ${name}: ${error.message}`, { cause: error });
  }
}

async function knownNetwork(store: Store, name: string): Promise<NetworkRecord | undefined> {
  try {
    return await findNetwork(store, name);
  } catch (error) {
    if (error instanceof WherryError && error.kind === 'not-found') return undefined;
    throw error;
  }
}

async function warningsFor(networks: readonly NetworkRecord[]): Promise<string[]> {
  const named = networks.filter(hasNames);
  if (named.length === 0) return [];
  const { findNameServer } = await import('#network/dns.ts');
  if (findNameServer() !== undefined) return [];
  const names = named.map(({ name }) => name).join(', ');
  return [`Containers on ${names} don't find each other by name: aardvark-dns is not installed`];
}

const refuse = (message: string) => new WherryError('denied', message);

/** Joins a container to one more network, whether it runs or not. Throws in Docker's words. */
export async function connectToNetwork(
  store: Store,
  name: string,
  container: string,
  wanted: EndpointRequest,
): Promise<void> {
  const network = await findNetwork(store, name);
  const { id } = findContainer(store, container);
  using _held = await lock(store.path('containers', id));
  const record = reread(store, id, container);
  checkEndpoint(network.name, network, wanted);
  checkConnect(network, record);
  const state = readState(store, id);
  if (isRunning(state)) await connectRunning(store, record, { network, wanted, state });
  replaceRecord(store, { ...record, networks: { ...record.networks, [network.name]: wanted } });
}

/** The record under the container's lock: somebody may have changed or removed it before. */
function reread(store: Store, id: string, name: string): ContainerRecord {
  const record = readRecord(store, id);
  if (record === undefined) throw new WherryError('not-found', `No such container: ${name}`);
  return record;
}

function checkConnect({ name, driver }: NetworkRecord, record: ContainerRecord): void {
  const mode = parseNetworkMode(record.hostConfig.NetworkMode);
  if (mode.kind !== 'own' && mode.kind !== 'none') {
    throw refuse(
      'container sharing network namespace with another container or host cannot be connected to any other network',
    );
  }
  if (driver === 'host') {
    throw refuse('cannot connect container to host network - container must be created in host network mode');
  }
  const isNone = mode.kind === 'none' && Object.keys(record.networks).length === 0;
  if (driver === 'null' || isNone) {
    throw refuse('container cannot be connected to multiple networks with one of the networks in private (none) mode');
  }
  if (!Object.hasOwn(record.networks, name)) return;
  throw refuse(`endpoint with name ${record.name} already exists in network ${name}`);
}

interface Joining {
  network: NetworkRecord;
  wanted: EndpointRequest;
  state: State;
}

async function connectRunning(
  store: Store,
  record: ContainerRecord,
  { network, wanted, state }: Joining,
): Promise<void> {
  const { connectNetwork } = await import('#network/change.ts');
  const known = networkState(store, record.id);
  const changed = await connectNetwork(store, {
    ...memberOf(record),
    network: network.name,
    wanted,
    present: presentOf(record, known),
    namespace: `/proc/${state.pid}/ns/net`,
  });
  const endpoint = changed.endpoints[network.name];
  const links = networkLinks({ [network.name]: wanted }, changed.others);
  await rewriteFiles(store, record, { before: known, changed, entries: [...ownEntries(record, endpoint), ...links] });
  tellLinked(store, record, changed);
  await leadPorts(store, record, known, changed);
  if (endpoint !== undefined) noteNetwork(store, record.id, 'connect', endpoint);
}

const networkState = (store: Store, id: string): NetworkState =>
  readJson<NetworkState>(store.path('containers', id, 'network.json')) ?? { netns: null, endpoints: {}, ports: {} };

/** Where the container is by now, and what it had asked for there. */
function presentOf({ networks }: ContainerRecord, { endpoints }: NetworkState) {
  return Object.values(endpoints)
    .filter(({ network }) => network !== 'none')
    .map((endpoint) => ({ endpoint, wanted: networks[endpoint.network] ?? {} }));
}

const addressesOf = (endpoint: Endpoint | undefined): string[] =>
  [endpoint?.address, endpoint?.address6].flatMap((address) => address?.split('/')[0] ?? []);

function ownEntries({ config, id }: ContainerRecord, endpoint: Endpoint | undefined) {
  const names = ownNames(config.Hostname || shortId(id), config.Domainname);
  return addressesOf(endpoint).map((address) => ({ address, names }));
}

interface Rewriting {
  before: NetworkState;
  changed: { endpoints: Record<string, Endpoint>; nameServers: string[] };
  /** Lines that come into the hosts file. */
  entries: readonly { address: string; names: readonly string[] }[];
  /** Addresses whose lines go. */
  gone?: string[];
}

/** What is known of the running container, and its /etc: the files themselves, as they are bound there. */
async function rewriteFiles(
  store: Store,
  record: ContainerRecord,
  { before, changed, entries, gone = [] }: Rewriting,
): Promise<void> {
  const at = (name: string) => store.path('containers', record.id, name);
  replace(at('network.json'), JSON.stringify({ ...before, endpoints: changed.endpoints }));
  changeHosts(store, record, { addresses: gone, entries });
  const { resolvConf } = await import('#network/files.ts');
  const { Dns: dns, DnsSearch: search, DnsOptions: options } = record.hostConfig;
  const text = resolvConf({ mode: 'own', dns, search, options, own: changed.nameServers });
  const { writeFileSync } = await import('node:fs');
  writeFileSync(at('resolv.conf'), text);
}

/** Takes a container off a network. force: also where the network or the container is gone. Throws in Docker's words. */
export async function disconnectFromNetwork(
  store: Store,
  name: string,
  container: string,
  { force = false }: { force?: boolean } = {},
): Promise<void> {
  const network = await findNetwork(store, name);
  const { id } = findForDisconnect(store, container, force);
  using _held = await lock(store.path('containers', id));
  const record = reread(store, id, container);
  const mode = parseNetworkMode(record.hostConfig.NetworkMode);
  if (network.driver === 'host' && mode.kind === 'host') {
    throw refuse('cannot disconnect container from host network - container was created in host network mode');
  }
  const known = networkState(store, id);
  const isAlone = network.driver === 'null' && mode.kind === 'none' && Object.hasOwn(known.endpoints, 'none');
  if (!isAlone && !Object.hasOwn(record.networks, network.name)) {
    throw refuse(`container ${id} is not connected to network ${network.name}`);
  }
  if (isRunning(readState(store, id))) await disconnectRunning(store, record, known, network.name);
  const { [network.name]: _gone, ...networks } = record.networks;
  // A container that had no network joins others when it has left that.
  const hostConfig = isAlone ? { ...record.hostConfig, NetworkMode: 'bridge' } : record.hostConfig;
  replaceRecord(store, { ...record, hostConfig, networks });
}

function findForDisconnect(store: Store, container: string, force: boolean): ContainerRecord {
  try {
    return findContainer(store, container);
  } catch (error) {
    if (!force || !(error instanceof WherryError) || error.kind !== 'not-found') throw error;
    throw refuse(`endpoint ${container} not found`);
  }
}

async function disconnectRunning(
  store: Store,
  record: ContainerRecord,
  known: NetworkState,
  name: string,
): Promise<void> {
  const endpoint = known.endpoints[name];
  if (endpoint === undefined) return;
  if (name === 'none') {
    replace(store.path('containers', record.id, 'network.json'), JSON.stringify({ ...known, endpoints: {} }));
  } else {
    const { disconnectNetwork } = await import('#network/change.ts');
    const present = presentOf(record, known);
    const changed = await disconnectNetwork(store, { ...memberOf(record), network: name, present });
    await rewriteFiles(store, record, { before: known, changed, entries: [], gone: addressesOf(endpoint) });
    await leadPorts(store, record, known, changed);
  }
  noteNetwork(store, record.id, 'disconnect', endpoint);
}

/** A container on a network, as far as the network shows it. */
export interface Attached {
  record: ContainerRecord;
  endpoint: Endpoint;
}

/** The running containers of networks, by the networks' names. */
export function attachedContainers(store: Store): Map<string, Attached[]> {
  const found = new Map<string, Attached[]>();
  for (const record of listContainers(store)) {
    if (!isRunning(readState(store, record.id))) continue;
    for (const endpoint of Object.values(networkState(store, record.id).endpoints)) {
      found.set(endpoint.network, [...(found.get(endpoint.network) ?? []), { record, endpoint }]);
    }
  }
  return found;
}

/** A network as inspect shows it, with its running containers. Throws kind `not-found`. */
export async function inspectNetwork(store: Store, name: string): Promise<object> {
  const network = await findNetwork(store, name);
  const { describeNetwork } = await import('#network/view.ts');
  const present = attachedContainers(store).get(network.name) ?? [];
  return describeNetwork(
    network,
    present.map(({ record, endpoint }) => ({ id: record.id, name: record.name, endpoint })),
  );
}

/** Removes a network that no running container is on. Throws kind `not-found`, `denied` in Docker's words. */
export async function deleteNetwork(store: Store, name: string): Promise<void> {
  const network = await findNetwork(store, name);
  if (isPredefined(network.name)) throw refuse(`${network.name} is a pre-defined network and cannot be removed`);
  const users = attachedContainers(store).get(network.name) ?? [];
  if (users.length > 0) {
    const list = users.map(({ record, endpoint }) => `name:"${record.name}" id:"${(endpoint.id ?? '').slice(0, 12)}"`);
    throw new WherryError(
      'denied',
      `error while removing network: network ${network.name} has active endpoints (${list.join(', ')})`,
      { hint: `Stop these containers, or take them off: wherry network disconnect ${network.name} CONTAINER` },
    );
  }
  if (await forgetNetwork(store, network)) return;
  throw new WherryError('denied', `error while removing network: network ${network.name} has active endpoints`, {
    hint: 'A container is just being started on it; try again',
  });
}

/** Removes a network and its bridge; false where it was gone, or where somebody has come to it meanwhile. */
export async function forgetNetwork(store: Store, network: NetworkRecord): Promise<boolean> {
  const { dropNetwork } = await import('#network/change.ts');
  return dropNetwork(store, network, (id) => isRunning(readState(store, id)));
}
