/** A container's place on a network as it is asked for: Docker's rules, and which of several has the way out. Pure. */

import { ipVersion } from '#base/address.ts';
import type { Endpoint, EndpointRequest } from '#base/api.ts';
import { WherryError } from '#base/error.ts';
import { isUserDefined } from '#base/network-mode.ts';
import { contains, parseSubnet, type Version } from '#network/ipam.ts';
import { ENDPOINT_OPTION } from '#network/options.ts';
import { isInPool, type NetworkRecord } from '#network/records.ts';

/**
 * Throws kind `invalid` with everything that is wrong, as Docker's daemon lists it (validateEndpointSettings).
 * network: absent where there is none of this name (yet).
 */
export function checkEndpoint(name: string, network: NetworkRecord | undefined, request: EndpointRequest): void {
  const { MacAddress: mac } = request;
  if (mac && !/^([0-9a-f]{2}[:-]){5}[0-9a-f]{2}$/i.test(mac)) {
    throw new WherryError('invalid', `invalid config for network ${name}: invalid MAC address ${mac}`, {
      exitCode: 125,
    });
  }
  const wrong = endpointMistakes(name, network, request);
  if (wrong.length === 0) return;
  const list = wrong.length === 1 ? wrong[0] : wrong.map((one) => `* ${one}`).join('\n');
  throw new WherryError('invalid', `invalid endpoint settings:\n${list}`, { exitCode: 125 });
}

/** What may be asked for on the user's own networks alone. */
function predefinedMistakes({ Aliases, IPAMConfig }: EndpointRequest): string[] {
  const asksAddress = IPAMConfig?.IPv4Address || IPAMConfig?.IPv6Address;
  return [
    ...(Aliases?.length ? ['network-scoped alias is supported only for containers in user defined networks'] : []),
    ...(asksAddress ? ['user specified IP address is supported on user defined networks only'] : []),
  ];
}

function endpointMistakes(name: string, network: NetworkRecord | undefined, request: EndpointRequest): string[] {
  const { IPv4Address: v4 = '', IPv6Address: v6 = '', LinkLocalIPs: local = [] } = request.IPAMConfig ?? {};
  return [
    ...(isUserDefined(name) ? [] : predefinedMistakes(request)),
    ...(v4 && ipVersion(v4) !== 4 ? [`invalid IPv4 address: ${v4}`] : []),
    ...(v6 && ipVersion(v6) !== 6 ? [`invalid IPv6 address: ${v6}`] : []),
    ...local
      .filter((address) => ipVersion(address) === 0)
      .map((address) => `invalid link-local IP address: ${address}`),
    ...(v4 && network ? placeMistakes(network, 4, v4) : []),
    ...(v6 && network ? placeMistakes(network, 6, v6) : []),
    ...sysctlMistakes(request.DriverOpts?.[ENDPOINT_OPTION.sysctls] ?? ''),
  ];
}

function placeMistakes({ pools }: NetworkRecord, version: Version, address: string): string[] {
  const asked = pools.filter((pool) => pool.asked !== undefined && parseSubnet(pool.subnet).version === version);
  if (asked.length === 0) {
    return ['user specified IP address is supported only when connecting to networks with user configured subnets'];
  }
  if (asked.some((pool) => isInPool(pool, address))) return [];
  return [`no configured subnet or ip-range contain the IP address ${address}`];
}

const SYSCTL = /^net\.(ipv4|ipv6|mpls)\.([\w-]+)\.IFNAME\.([\w-]+)=(.*)$/;

function sysctlMistakes(text: string): string[] {
  const shape = `represent 'net.X.Y.ethN.Z=V' as 'net.X.Y.IFNAME.Z=V', 'X' must be 'ipv4', 'ipv6' or 'mpls'`;
  return split(text)
    .filter((one) => !SYSCTL.test(one))
    .map((one) => `unrecognised network interface sysctl '${one}'; ${shape}`);
}

const split = (text: string) => text.split(',').filter((one) => one !== '');

/** Paths below /proc/sys and what is to be written there, of a valid request. */
export function sysctlsOf({ DriverOpts = {} }: EndpointRequest, device: string): [path: string, value: string][] {
  return split(DriverOpts[ENDPOINT_OPTION.sysctls] ?? '').map((one) => {
    const [, family, table, name, value = ''] = SYSCTL.exec(one) ?? [];
    return [`net/${family}/${table}/${device}/${name}`, value];
  });
}

const LINK_LOCAL = ['169.254.0.0/16', 'fe80::/10'].map(parseSubnet);

/**
 * The addresses of --link-local-ip, with prefix lengths. Throws kind `denied` for one of another range (RFC 3927, RFC
 * 4291), when the container joins, as Docker does. doing: what its message begins with.
 */
export function localAddressesOf({ IPAMConfig }: EndpointRequest, doing = ''): string[] {
  return (IPAMConfig?.LinkLocalIPs ?? []).map((address) => {
    const range = LINK_LOCAL.find((subnet) => contains(subnet, address));
    if (range !== undefined) return `${address}/${range.version === 6 ? 64 : 16}`;
    throw new WherryError('denied', `${doing}invalid link local IP address: ${address}`, {
      hint: 'Such addresses begin with 169.254. or fe80:',
    });
  });
}

/** The interface's name that was asked for. Throws kind `denied` for one that no device can have. */
export function deviceOf({ DriverOpts = {} }: EndpointRequest): string | undefined {
  const name = DriverOpts[ENDPOINT_OPTION.name];
  if (!name) return undefined;
  if (name.length <= 15 && /^[\w.-]+$/.test(name) && !/^\.{1,2}$|^lo$/.test(name)) return name;
  const why = name.length > 15 ? 'numerical result out of range' : 'invalid argument';
  throw new WherryError('denied', `error renaming interface to "${name}": ${why}`, {
    hint: 'The name of an interface has at most 15 letters, digits, dots, dashes and underscores',
    exitCode: 125,
  });
}

/** A place that may have the way out. */
export interface Candidate {
  endpoint: Endpoint;
  /** GwPriority. */
  priority: number;
  isInternal: boolean;
}

/**
 * Whose gateways the default routes have: of the network with the highest priority, then of one with both versions, then of
 * the first by name (libnetwork, Endpoint.Less). Networks that lead nowhere have none.
 */
export function gatewaysOf(candidates: readonly Candidate[]): { v4?: Endpoint; v6?: Endpoint } {
  const leading = candidates.filter(({ isInternal }) => !isInternal).toSorted(byRank);
  const v4 = leading.find(({ endpoint }) => endpoint.gateway)?.endpoint;
  const v6 = leading.find(({ endpoint }) => endpoint.gateway6)?.endpoint;
  return { ...(v4 && { v4 }), ...(v6 && { v6 }) };
}

function byRank(a: Candidate, b: Candidate): number {
  const both = ({ endpoint }: Candidate) => Number(Boolean(endpoint.gateway && endpoint.gateway6));
  return b.priority - a.priority || both(b) - both(a) || (a.endpoint.network < b.endpoint.network ? -1 : 1);
}

/** `CONTAINER:ALIAS`; the alias is the name by itself. */
export function readLink(text: string): { target: string; alias: string } {
  const [target = '', alias = target] = text.replace(/^\//, '').split(':');
  return { target, alias: alias || target };
}
