/** NetworkSettings of inspect: Docker's JSON, in the order of its keys. */
import type { Endpoint } from '#base/api.ts';
import { dnsNames, isUserDefined } from '#base/network-mode.ts';
import { networkNames, portMap, type Seen } from '#container/view.ts';
import type { Store } from '#store/store.ts';
import { readJson } from '#sys/file.ts';

export function networkSettingsOf(store: Store, seen: Seen): object {
  const { record } = seen;
  const network = seen.network();
  const { MacAddress, EndpointID, ...own } = addressesOf(network?.endpoints.bridge);
  return {
    Bridge: '',
    SandboxID: network === undefined ? '' : record.id,
    SandboxKey: network?.netns ?? '',
    Ports: portMap(seen),
    HairpinMode: false,
    LinkLocalIPv6Address: '',
    LinkLocalIPv6PrefixLen: 0,
    SecondaryIPAddresses: null,
    SecondaryIPv6Addresses: null,
    EndpointID,
    Gateway: own.Gateway,
    GlobalIPv6Address: own.GlobalIPv6Address,
    GlobalIPv6PrefixLen: own.GlobalIPv6PrefixLen,
    IPAddress: own.IPAddress,
    IPPrefixLen: own.IPPrefixLen,
    IPv6Gateway: own.IPv6Gateway,
    MacAddress,
    Networks: Object.fromEntries(networkNames(record).map((name) => [name, endpointOf(store, seen, name)])),
  };
}

/** The parts of an endpoint that Docker shows for the default network a second time, above. */
function addressesOf(endpoint: Endpoint | undefined) {
  const [address = '', prefix = '0'] = (endpoint?.address ?? '').split('/');
  const [address6 = '', prefix6 = '0'] = (endpoint?.address6 ?? '').split('/');
  return {
    MacAddress: endpoint?.mac ?? '',
    EndpointID: endpoint?.id ?? '',
    Gateway: endpoint?.gateway ?? '',
    IPAddress: address,
    IPPrefixLen: Number(prefix),
    IPv6Gateway: endpoint?.gateway6 ?? '',
    GlobalIPv6Address: address6,
    GlobalIPv6PrefixLen: Number(prefix6),
  };
}

function endpointOf(store: Store, { record, network }: Seen, name: string): object {
  // Docker looks for the network at the first start.
  const state = network();
  const endpoint = state?.endpoints[name];
  const wish = record.networks[name] ?? {};
  const { MacAddress, EndpointID, ...addresses } = addressesOf(endpoint);
  return {
    IPAMConfig: wish.IPAMConfig ?? null,
    Links: wish.Links ?? null,
    Aliases: wish.Aliases ?? null,
    MacAddress: MacAddress || (wish.MacAddress ?? ''),
    DriverOpts: wish.DriverOpts ?? null,
    GwPriority: wish.GwPriority ?? 0,
    NetworkID: endpoint?.networkId ?? (state === undefined ? '' : networkId(store, name)),
    EndpointID,
    ...addresses,
    DNSNames: state === undefined ? null : namesOf(record, name),
  };
}

function namesOf({ name, id, config, networks }: Seen['record'], network: string): string[] | null {
  if (!isUserDefined(network)) return null;
  return dnsNames({ name, id, hostname: config.Hostname }, networks[network]?.Aliases ?? []);
}

function networkId(store: Store, name: string): string {
  if (!/^[a-zA-Z0-9_][a-zA-Z0-9_.-]*$/.test(name)) return '';
  return readJson<{ id: string }>(store.path('networks', `${name}.json`))?.id ?? '';
}
