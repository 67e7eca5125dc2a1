/** Networks as inspect and ls show them: Docker's JSON and rows (Engine API 1.51, NetworkInspect). */
import type { Endpoint } from '#base/api.ts';
import { WherryError } from '#base/error.ts';
import { type Accepted, asDaemon, type Filters, parseFilters } from '#base/filter.ts';
import { shortId } from '#base/text.ts';
import { OPTION } from '#network/options.ts';
import { DEFAULT_NETWORK, isPredefined, type NetworkRecord, type Pool } from '#network/records.ts';

/** A running container on the network. */
export interface Present {
  id: string;
  name: string;
  endpoint: Endpoint;
}

/** As `network inspect` shows it. */
export function describeNetwork(network: NetworkRecord, present: readonly Present[]): object {
  const { name, id, created, driver, pools } = network;
  const isBridge = driver === 'bridge';
  const isOwn = !isPredefined(name);
  return {
    Name: name,
    Id: id,
    Created: created,
    Scope: 'local',
    Driver: driver,
    EnableIPv4: network.ipv4,
    EnableIPv6: network.ipv6,
    IPAM: {
      Driver: 'default',
      Options: isOwn ? sorted(network.ipamOptions) : null,
      Config: isBridge ? pools.map(describePool) : null,
    },
    Internal: network.internal,
    Attachable: network.attachable,
    Ingress: false,
    ConfigFrom: { Network: '' },
    ConfigOnly: false,
    Containers: Object.fromEntries(present.toSorted((a, b) => (a.id < b.id ? -1 : 1)).map(describePresent)),
    Options: sorted(name === DEFAULT_NETWORK ? defaultOptions(network) : network.options),
    Labels: sorted(network.labels),
  };
}

/** Go writes maps so. */
function sorted(map: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(map).sort(([a], [b]) => (a < b ? -1 : 1)));
}

function describePool({ subnet, range, gateway, aux, asked }: Pool): object {
  return {
    Subnet: subnet,
    ...(range === undefined ? {} : { IPRange: range }),
    // As with Docker: what the user left to us is not shown beside what the user asked for.
    ...(asked === 'subnet' ? {} : { Gateway: gateway }),
    ...(aux === undefined ? {} : { AuxiliaryAddresses: sorted(aux) }),
  };
}

function describePresent({ id, name, endpoint }: Present): [string, object] {
  const { id: EndpointID = '', mac: MacAddress = '', address = '', address6 = '' } = endpoint;
  return [id, { Name: name, EndpointID, MacAddress, IPv4Address: address, IPv6Address: address6 }];
}

/** What Docker's daemon says of the network that it made by itself. */
const defaultOptions = (network: NetworkRecord): Record<string, string> => ({
  'com.docker.network.bridge.default_bridge': 'true',
  [OPTION.talk]: 'true',
  [OPTION.masquerade]: 'true',
  [OPTION.publish]: '0.0.0.0',
  [OPTION.bridge]: network.interface,
  [OPTION.mtu]: '65520',
});

const ACCEPTED: Accepted = {
  dangling: undefined,
  driver: undefined,
  id: undefined,
  label: undefined,
  name: undefined,
  scope: undefined,
  type: undefined,
};

/**
 * What the filters leave, by name. used: has the network this name a running container?
 * Throws kind `unavailable` in Docker's words for a filter that can't be.
 */
export function selectNetworks(
  networks: readonly NetworkRecord[],
  pairs: readonly string[],
  used: (name: string) => boolean,
): NetworkRecord[] {
  const filters = asDaemon(() => parseFilters(pairs, ACCEPTED));
  const dangling = readDangling(filters);
  const types = readTypes(filters);
  return networks
    .filter(
      (network) =>
        filters.exact('driver', network.driver) &&
        filters.pattern('id', network.id) &&
        filters.pattern('name', network.name) &&
        filters.labels('label', network.labels) &&
        filters.exact('scope', 'local') &&
        (types.length === 0 || types.includes(isPredefined(network.name) ? 'builtin' : 'custom')) &&
        (dangling === undefined || (!isPredefined(network.name) && dangling !== used(network.name))),
    )
    .sort((a, b) => naturally(a.name, b.name));
}

/** `net2` before `net10` (Docker sorts so). */
function naturally(a: string, b: string): number {
  const pieces = (name: string) => name.split(/(\d+)/);
  const [one, other] = [pieces(a), pieces(b)];
  for (const [at, piece] of one.entries()) {
    const against = other[at] ?? '';
    if (piece === against) continue;
    const difference = /^\d+$/.test(piece) && /^\d+$/.test(against) ? Number(piece) - Number(against) : 0;
    return difference || (piece < against ? -1 : 1);
  }
  return -1;
}

function readDangling(filters: Filters): boolean | undefined {
  if (!filters.has('dangling')) return undefined;
  const [value = '', ...more] = filters.values('dangling');
  const word = /^(1|true)$/i.test(value) ? true : /^(0|false)$/i.test(value) ? false : undefined;
  if (more.length > 0) throw new WherryError('unavailable', 'got more than one value for filter key "dangling"');
  if (word !== undefined) return word;
  throw new WherryError(
    'unavailable',
    `invalid value for filter 'dangling', must be "true" (or "1"), or "false" (or "0")`,
  );
}

function readTypes(filters: Filters): readonly string[] {
  const types = filters.values('type');
  const wrong = types.find((type) => type !== 'custom' && type !== 'builtin');
  if (wrong !== undefined) throw new WherryError('unavailable', `invalid filter: 'type'='${wrong}'`);
  return types;
}

/** A row with Docker's fields. */
export function networkRow(network: NetworkRecord, { truncate }: { truncate: boolean }) {
  const { labels } = network;
  const row = {
    CreatedAt: `${network.created.replace('T', ' ').replace('Z', '')} +0000 UTC`,
    Driver: network.driver,
    ID: truncate ? shortId(network.id) : network.id,
    IPv4: String(network.ipv4),
    IPv6: String(network.ipv6),
    Internal: String(network.internal),
    Labels: Object.keys(labels)
      .sort()
      .map((key) => `${key}=${labels[key]}`)
      .join(','),
    Name: network.name,
    Scope: 'local',
  };
  // {{.Label "key"}}: a method, no field.
  return Object.defineProperty(row, 'Label', { value: (key: string) => labels[key] ?? '', enumerable: false });
}
