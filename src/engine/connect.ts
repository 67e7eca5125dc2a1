/** A container's start meets its network: the namespace, the addresses, the ports, and what /etc says of them. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import type { Endpoint, PortMap } from '#base/api.ts';
import { hasCode } from '#base/error.ts';
import { parseNetworkMode } from '#base/network-mode.ts';
import { shortId } from '#base/text.ts';
import type { ContainerRecord, NetworkState } from '#container/record.ts';
import { isRunning, readState } from '#container/state.ts';
import type { Found } from '#container/surroundings.ts';
import { entryFor, type Links, legacyLinks, networkLinks } from '#engine/links.ts';
import type { HostsEntry } from '#network/files.ts';
import type { ClientSight } from '#network/leases.ts';
import type { Joined } from '#network/network.ts';
import type { Linked } from '#network/places.ts';
import type { Store } from '#store/store.ts';
import { readJson, replace } from '#sys/file.ts';
import { randomHex } from '#sys/random.ts';

export interface Connection {
  /** The container's network namespace; absent where the runtime makes or finds it (none, host, container:ID). */
  netns?: string;
  /** The one that published ports are forwarded from. */
  userNetns?: string;
  endpoints: Record<string, Endpoint>;
  /** What is published, with the host's ports chosen. */
  ports: PortMap;
  /** The same, for the monitor. */
  publish: string[];
  /** Subnets that the container reaches by itself. */
  near: string[];
  /** Name servers that know containers by their names; none: the host's. */
  nameServers: string[];
  /** Where the host's own resolver is to be had, when that is another place than usual. */
  forwarder?: string;
  /** Others by names of this container's own. */
  links: Links;
  /** Settles when all of it is there; only then may the container start, or be given up. See Joined. */
  made: Promise<ClientSight>;
}

const UNCONNECTED: Connection = {
  endpoints: {},
  ports: {},
  publish: [],
  near: [],
  nameServers: [],
  links: { hosts: [], env: [] },
  made: Promise.resolve({}),
};

/**
 * Joins the networks that the record names, in a network namespace of the container's own, which is being made then.
 * namespace: one that is there already and belongs to the container's own user namespace.
 */
export async function connectContainer(store: Store, record: ContainerRecord, namespace?: string): Promise<Connection> {
  const mode = parseNetworkMode(record.hostConfig.NetworkMode);
  if (mode.kind === 'container') return UNCONNECTED;
  if (mode.kind === 'path') return { ...UNCONNECTED, netns: mode.path };
  if (mode.kind === 'pasta' || mode.kind === 'slirp4netns') return connectAlone(store, record, mode, namespace);
  const isAsked = Object.keys(record.networks).length > 0;
  if (mode.kind !== 'own' && !isAsked) return alone(store, mode.kind);
  return joinAll(store, record, namespace);
}

/** No network, or the host's: it is shown all the same. */
async function alone(store: Store, network: 'none' | 'host'): Promise<Connection> {
  const { findNetwork } = await import('#network/records.ts');
  const { id: networkId } = await findNetwork(store, network);
  return { ...UNCONNECTED, endpoints: { [network]: { network, networkId, id: randomHex(32), aliases: [] } } };
}

async function joinAll(store: Store, record: ContainerRecord, namespace: string | undefined): Promise<Connection> {
  const [{ joinNetworks }, { choosePorts, publishLines }] = await Promise.all([
    import('#network/network.ts'),
    import('#network/ports.ts'),
  ]);
  const { hostConfig, config, networks } = record;
  const legacy = hostConfig.Links?.length ? legacyLinks(store, record) : UNCONNECTED.links;
  const bindings = await bindingsFor(store, record);
  const chosen = await choosePorts(bindings, config.ExposedPorts, hostConfig.PublishAllPorts);
  const last = readJson<NetworkState>(store.path('containers', record.id, 'network.json'));
  const joined = await joinNetworks(store, {
    ...memberOf(record),
    networks,
    links: hostConfig.Links ?? [],
    lives: (id) => isRunning(readState(store, id)),
    ...(last === undefined ? {} : { last: last.endpoints }),
    ...(namespace === undefined ? {} : { namespace }),
  });
  tellLinked(store, record, joined);
  const { netns, userNetns, endpoints, nameServers, made, published } = joined;
  // As with Docker, a container that no way leads to has no ports.
  const ports = published === undefined ? {} : chosen;
  return {
    netns,
    userNetns,
    endpoints,
    nameServers,
    ports,
    made,
    publish: published === undefined ? [] : publishLines(ports, published.addresses),
    near: published?.near ?? [],
    links: { hosts: [...legacy.hosts, ...networkLinks(networks, joined.others)], env: legacy.env },
  };
}

/** Ports that name no address are published where the first of the networks says, when one does. */
async function bindingsFor(store: Store, { hostConfig, networks }: ContainerRecord): Promise<PortMap> {
  const { PortBindings: bindings } = hostConfig;
  const isOpen = Object.values(bindings).some((list) => list?.some(({ HostIp }) => HostIp === ''));
  if (!isOpen) return bindings;
  const [{ findNetwork }, { publishAddress }] = await Promise.all([
    import('#network/records.ts'),
    import('#network/options.ts'),
  ]);
  const [name = ''] = Object.keys(networks);
  const address = name === '' ? '' : publishAddress((await findNetwork(store, name)).options);
  if (address === '') return bindings;
  const settle = (list: PortMap[string]) => list?.map((one) => ({ ...one, HostIp: one.HostIp || address })) ?? null;
  return Object.fromEntries(Object.entries(bindings).map(([port, list]) => [port, settle(list)]));
}

/** Who the container is for its networks. */
export function memberOf({ id, name, config, hostConfig }: ContainerRecord) {
  return { id, name, hostname: config.Hostname || shortId(id), dns: hostConfig.Dns };
}

/** The container's own pasta or slirp4netns. */
async function connectAlone(
  store: Store,
  record: ContainerRecord,
  mode: { kind: 'pasta' | 'slirp4netns'; options: string[] },
  namespace: string | undefined,
): Promise<Connection> {
  const [{ joinAlone }, { choosePorts, publishLines }] = await Promise.all([
    import('#network/alone.ts'),
    import('#network/ports.ts'),
  ]);
  const { PortBindings, PublishAllPorts } = record.hostConfig;
  const ports = await choosePorts(PortBindings, record.config.ExposedPorts, PublishAllPorts);
  const { id, name } = record;
  if (mode.kind === 'pasta') await checkPorts(record, ports);
  const { netns, endpoint, forwarder, forwards } = await joinAlone(store, {
    id,
    name,
    mode,
    ports,
    ...(namespace === undefined ? {} : { namespace }),
  });
  return {
    ...UNCONNECTED,
    netns,
    userNetns: netns,
    endpoints: { [mode.kind]: endpoint },
    ...(forwarder === undefined ? {} : { forwarder }),
    ports,
    publish:
      endpoint.address === undefined || forwards
        ? []
        : publishLines(ports, { 4: endpoint.address.split('/')[0] ?? '' }),
  };
}

/** pasta starts also where a port can't be had. */
async function checkPorts(record: ContainerRecord, ports: PortMap): Promise<void> {
  const { findRefused } = await import('#network/ports.ts');
  const refused = await findRefused(ports);
  if (refused === undefined) return;
  const { portRefusal } = await import('#container/refusal.ts');
  throw portRefusal(refused, record);
}

/** Those who have a link to the container learn its address. */
export function tellLinked(
  store: Store,
  record: ContainerRecord,
  { linked, endpoints }: Pick<Joined, 'linked' | 'endpoints'>,
): void {
  for (const link of linked) {
    const entry = entryFor(record, link, endpoints);
    if (entry !== undefined) changeHosts(store, link, { names: [link.alias], entries: [entry] });
  }
}

/** Published ports go where the default route is by now, as with Docker. */
export async function leadPorts(
  store: Store,
  { id }: ContainerRecord,
  { ports }: NetworkState,
  { published = { addresses: {}, near: [] } }: Pick<Joined, 'published'>,
): Promise<void> {
  if (!Object.values(ports).some((bindings) => bindings?.length)) return;
  const { tellInside } = await import('#container/forward.ts');
  await tellInside(store, id, published);
}

/** Changes the hosts file of a container that runs: the file itself, as that is what the container has before it. */
export function changeHosts(
  store: Store,
  { id }: Pick<Linked, 'id'>,
  change: { addresses?: string[]; names?: string[]; entries: readonly HostsEntry[] },
): void {
  const path = store.path('containers', id, 'hosts');
  const lines = (text: string) => text.split('\n').filter((line) => line !== '');
  const { addresses = [], names = [], entries } = change;
  try {
    const kept = lines(readFileSync(path, 'utf8')).filter((line) => {
      const [address = '', first = ''] = line.split(/\s+/);
      return !addresses.includes(address) && !names.includes(first);
    });
    const added = entries.map((entry) => `${entry.address}\t${entry.names.join(' ')}`);
    writeFileSync(path, [...kept, ...added, ''].join('\n'));
  } catch (error) {
    // It went meanwhile.
    if (!hasCode(error, 'ENOENT')) throw error;
  }
}

/** What is bound over the files of the same names in the container's /etc. */
export interface EtcFiles {
  hosts?: string;
  hostname?: string;
  resolv?: string;
}

/** Writes the files, and gives their paths. A container in another's network has that one's. */
export async function writeEtcFiles(
  store: Store,
  record: ContainerRecord,
  { connection, found }: { connection: Connection; found: Found },
): Promise<EtcFiles> {
  const { hostConfig } = record;
  const mode = parseNetworkMode(hostConfig.NetworkMode);
  if (mode.kind === 'container') return filesOf(store, mode.name);
  const { hostsFile, resolvConf } = await import('#network/files.ts');
  const hostname = record.config.Hostname || found.hostname;
  const { endpoints, links, nameServers, forwarder } = connection;
  const contents = {
    hosts: hostsFile({
      mode: mode.kind,
      hostname,
      domainname: record.config.Domainname || found.domainname,
      addresses: Object.values(endpoints).flatMap(({ address, address6 }) => [address ?? [], address6 ?? []].flat()),
      extraHosts: hostConfig.ExtraHosts,
      links: links.hosts,
      reachesHost: Object.values(endpoints).some(({ gateway, gateway6 }) => gateway ?? gateway6),
    }),
    hostname: `${hostname}\n`,
    'resolv.conf': resolvConf({
      mode: mode.kind,
      dns: hostConfig.Dns,
      search: hostConfig.DnsSearch,
      options: hostConfig.DnsOptions,
      own: nameServers,
      ...(forwarder === undefined ? {} : { forwarder }),
    }),
  };
  for (const [name, content] of Object.entries(contents)) {
    replace(store.path('containers', record.id, name), content, { mode: 0o644 });
  }
  return filesOf(store, record.id);
}

function filesOf(store: Store, id: string): EtcFiles {
  const at = (name: string) => store.path('containers', id, name);
  return existsSync(at('hosts')) ? { hosts: at('hosts'), hostname: at('hostname'), resolv: at('resolv.conf') } : {};
}
