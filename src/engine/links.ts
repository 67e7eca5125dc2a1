/** --link: other containers by names of this container's own, in its hosts file and, as ever, in its environment. */
import type { Endpoint } from '#base/api.ts';
import { WherryError } from '#base/error.ts';
import { shortId } from '#base/text.ts';
import { findContainer } from '#container/names.ts';
import type { ContainerRecord } from '#container/record.ts';
import { isRunning, readState } from '#container/state.ts';
import { lookAt } from '#container/view.ts';
import { isMeant } from '#network/dns.ts';
import { readLink } from '#network/endpoints.ts';
import type { HostsEntry } from '#network/files.ts';
import type { Lease } from '#network/leases.ts';
import { DEFAULT_NETWORK } from '#network/records.ts';
import type { Store } from '#store/store.ts';

/** What links stand for at a start. */
export interface Links {
  hosts: HostsEntry[];
  env: string[];
}

/**
 * --link of a container that is made: `CONTAINER:ALIAS` becomes `ID:ALIAS`, so that a renamed one is still known.
 * Throws kind `not-found` or `invalid` in Docker's words.
 */
export function settleLinks(store: Store, links: readonly string[]): string[] {
  return links.map((text) => {
    const { target, alias } = readLink(text);
    return `${ownerOf(store, target).id}:${alias}`;
  });
}

function ownerOf(store: Store, target: string): ContainerRecord {
  if (target === '') throw new WherryError('invalid', 'could not get container for : invalid name or ID supplied: ""');
  try {
    return findContainer(store, target);
  } catch (error) {
    if (!(error instanceof WherryError)) throw error;
    throw new WherryError(error.kind, `could not get container for ${target}: ${error.message}`, { cause: error });
  }
}

/** Links of the default network (HostConfig.Links). Throws in Docker's words where another one is not there to be linked. */
export function legacyLinks(store: Store, { name, hostConfig }: ContainerRecord): Links {
  const links: Links = { hosts: [], env: [] };
  for (const { target, alias } of (hostConfig.Links ?? []).map(readLink)) {
    const other = ownerOf(store, target);
    if (!isRunning(readState(store, other.id))) {
      throw new WherryError('conflict', `Cannot link to a non running container: /${other.name} AS /${name}/${alias}`);
    }
    const endpoint = lookAt(store, other).network()?.endpoints[DEFAULT_NETWORK];
    const [address] = (endpoint?.address ?? '').split('/');
    if (!address) throw new WherryError('denied', `container ${other.id} not attached to default bridge network`);
    links.hosts.push({ address, names: linkNames(alias, other) });
    links.env.push(...environment(other, { alias, address, name: `/${name}/${alias}` }));
  }
  return links;
}

/** The alias first, then what the container is called anyway. */
function linkNames(alias: string, { id, name }: Pick<ContainerRecord, 'id' | 'name'>): string[] {
  return [...new Set([alias, shortId(id), name])];
}

/** Links of networks of the user's (EndpointSettings.Links): who is not there yet is written down when it comes. */
export function networkLinks(networks: ContainerRecord['networks'], others: readonly Lease[]): HostsEntry[] {
  return Object.entries(networks).flatMap(([network, { Links = [] }]) =>
    Links.map(readLink).flatMap(({ target, alias }) => {
      const other = others.find((lease) => lease.network === network && isMeant(lease, target));
      const address = other?.address ?? other?.address6;
      return address === undefined ? [] : [{ address, names: [alias] }];
    }),
  );
}

/** Who has a link to a newcomer, and what its hosts file says of it from now on. */
export function entryFor(
  newcomer: Pick<ContainerRecord, 'id' | 'name'>,
  { alias, network }: { alias: string; network: string },
  endpoints: Readonly<Record<string, Endpoint>>,
): HostsEntry | undefined {
  const { address, address6 } = endpoints[network] ?? {};
  const [own] = (address ?? address6 ?? '').split('/');
  if (!own) return undefined;
  return { address: own, names: network === DEFAULT_NETWORK ? linkNames(alias, newcomer) : [alias] };
}

interface Target {
  alias: string;
  address: string;
  /** `/web/db` */
  name: string;
}

/** What Docker puts into the environment of a container for each that it is linked to (moby, daemon/links). */
function environment({ config }: ContainerRecord, { alias, address, name }: Target): string[] {
  const prefix = alias.toUpperCase().replaceAll('-', '_');
  const ports = Object.keys(config.ExposedPorts ?? {})
    .map(readPort)
    .toSorted((a, b) => (a.protocol === b.protocol ? a.number - b.number : a.protocol === 'tcp' ? -1 : 1));
  const url = ({ number, protocol }: Port) => `${protocol}://${address}:${number}`;
  const of = (port: Port) => `${prefix}_PORT_${port.number}_${port.protocol.toUpperCase()}`;
  const ofHome = (entry: string) => /^(HOME|PATH)=/.test(entry);
  return [
    ...ports.slice(0, 1).map((port) => `${prefix}_PORT=${url(port)}`),
    ...ports.flatMap((port) => [
      `${of(port)}=${url(port)}`,
      `${of(port)}_ADDR=${address}`,
      `${of(port)}_PORT=${port.number}`,
      `${of(port)}_PROTO=${port.protocol}`,
    ]),
    ...runsOf(ports).flatMap(([first, last]) => [
      `${of(first)}_START=${url(first)}`,
      `${of(first)}_PORT_START=${first.number}`,
      `${of(first)}_END=${url(last)}`,
      `${of(first)}_PORT_END=${last.number}`,
    ]),
    `${prefix}_NAME=${name}`,
    ...config.Env.filter((entry) => !ofHome(entry)).map((entry) => `${prefix}_ENV_${entry}`),
  ];
}

interface Port {
  number: number;
  protocol: string;
}

function readPort(text: string): Port {
  const [number, protocol = 'tcp'] = text.split('/');
  return { number: Number(number), protocol };
}

/** Neighbouring ports: the first and the last of each run of several. */
function runsOf(ports: readonly Port[]): [Port, Port][] {
  const runs: [Port, Port][] = [];
  for (const port of ports) {
    const last = runs.at(-1);
    if (last?.[1].number === port.number - 1 && last[1].protocol === port.protocol) last[1] = port;
    else runs.push([port, port]);
  }
  return runs.filter(([first, last]) => first !== last);
}
