/** --network and the flags about one network, as the request has them. */
import type { EndpointRequest } from '#base/api.ts';
import { WherryError } from '#base/error.ts';
import { isUserDefined } from '#base/network-mode.ts';
import type { Flags, Values } from '#cli/command.ts';
import { type NetworkFlag, network } from '#cli/network-value.ts';
import { link } from '#cli/run-values.ts';
import { list, text } from '#cli/values.ts';

export const NETWORK_FLAGS = {
  ip: { as: text, summary: 'IPv4 address (e.g., 172.30.100.104)' },
  ip6: { as: text, summary: 'IPv6 address (e.g., 2001:db8::33)' },
  link: { as: link, summary: 'Add link to another container' },
  'link-local-ip': { as: list, summary: 'Container IPv4/IPv6 link-local addresses' },
  'mac-address': { as: text, summary: 'Container MAC address (e.g., 92:d0:c6:0a:29:33)' },
  net: { as: network, summary: 'Connect a container to a network', hidden: true },
  'net-alias': { as: list, summary: 'Add network-scoped alias for the container', hidden: true },
  network: { as: network, summary: 'Connect a container to a network' },
  'network-alias': { as: list, summary: 'Add network-scoped alias for the container' },
} as const satisfies Flags;

export type NetworkValues = Values<typeof NETWORK_FLAGS>;

const invalid = (message: string) => new WherryError('invalid', message);

export interface Networking {
  /** HostConfig.NetworkMode. */
  mode: string;
  networks: Record<string, EndpointRequest>;
  /** HostConfig.Links: of the default network; those of others are in `networks`. */
  links: string[] | null;
}

/**
 * The network mode and what is wanted on each network. Flags about one network are for the first of them.
 * Throws kind `invalid` in Docker's words.
 */
export function readNetworks(values: NetworkValues): Networking {
  const { macAddress } = values;
  if (macAddress && !isMac(macAddress)) throw invalid(`${macAddress} is not a valid mac address`);
  const flags = [...values.network, ...values.net];
  const [first = { target: 'default', aliases: [] }, ...others] = flags;
  const networks: Record<string, EndpointRequest> = {};
  for (const flag of [withFlags(first, values), ...others]) {
    if (Object.hasOwn(networks, flag.target)) throw invalid(`network "${flag.target}" is specified multiple times`);
    networks[flag.target] = readEndpoint(flag);
  }
  if (new Set(flags.map(({ target }) => isUserDefined(target))).size > 1) {
    throw invalid('conflicting options: cannot attach both user-defined and non-user-defined network-modes');
  }
  const isOwn = isUserDefined(first.target);
  if (isOwn && values.link.length > 0) Object.assign(networks[first.target] ?? {}, { Links: values.link });
  return { mode: first.target, networks, links: isOwn || values.link.length === 0 ? null : values.link };
}

/** What the flags say of the first network; not both a flag and a field may say it. */
function withFlags(flag: NetworkFlag, values: NetworkValues): NetworkFlag {
  const aliases = [...values.networkAlias, ...values.netAlias];
  const conflict = (what: string) => invalid(`conflicting options: cannot specify both ${what}`);
  if (flag.aliases.length > 0 && aliases.length > 0) throw conflict('--network-alias and per-network alias');
  if (flag.ipv4 && values.ip) throw conflict('--ip and per-network IPv4 address');
  if (flag.ipv6 && values.ip6) throw conflict('--ip6 and per-network IPv6 address');
  if (flag.mac && values.macAddress) throw conflict('--mac-address and per-network MAC address');
  if (flag.linkLocal?.length && values.linkLocalIp.length > 0) {
    throw conflict('--link-local-ip and per-network link-local IP addresses');
  }
  const local = [...(flag.linkLocal ?? []), ...values.linkLocalIp];
  return {
    ...flag,
    aliases: [...flag.aliases, ...aliases],
    ...(values.ip ? { ipv4: values.ip } : {}),
    ...(values.ip6 ? { ipv6: values.ip6 } : {}),
    ...(values.macAddress ? { mac: values.macAddress } : {}),
    ...(local.length > 0 ? { linkLocal: local } : {}),
  };
}

function readEndpoint(flag: NetworkFlag): EndpointRequest {
  const { target, aliases, mac } = flag;
  if (target.trim() === '') throw invalid('no name set for network');
  if (!isUserDefined(target) && aliases.length > 0) {
    throw invalid('network-scoped aliases are only supported for user-defined networks');
  }
  if (mac && !isMac(mac)) throw invalid(`${mac} is not a valid mac address`);
  return {
    ...(aliases.length > 0 ? { Aliases: aliases } : {}),
    ...addressesOf(flag),
    ...(mac ? { MacAddress: mac.trim() } : {}),
    ...(flag.options === undefined ? {} : { DriverOpts: flag.options }),
    ...(flag.priority === undefined ? {} : { GwPriority: flag.priority }),
  };
}

function addressesOf({ ipv4, ipv6, linkLocal }: NetworkFlag): Pick<EndpointRequest, 'IPAMConfig'> {
  const config = {
    ...(ipv4 ? { IPv4Address: ipv4 } : {}),
    ...(ipv6 ? { IPv6Address: ipv6 } : {}),
    ...(linkLocal?.length ? { LinkLocalIPs: linkLocal } : {}),
  };
  return Object.keys(config).length === 0 ? {} : { IPAMConfig: config };
}

const isMac = (address: string) => /^[0-9a-f]{2}(?:([:-])[0-9a-f]{2})(?:\1[0-9a-f]{2}){4}$/i.test(address.trim());
