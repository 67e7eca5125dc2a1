/** --network, --mac-address and -p as the request has them. */
import type { EndpointRequest } from '#base/api.ts';
import { WherryError } from '#base/error.ts';
import type { NetworkFlag } from '#cli/run-values.ts';

const invalid = (message: string) => new WherryError('invalid', message);

const BUILT_IN = /^(default|bridge|host|none|container:.*)$/;

/**
 * The network mode and what is wanted on each network. mac: --mac-address, for the first of them.
 * Throws kind `invalid` in Docker's words.
 */
export function readNetworks(
  flags: readonly NetworkFlag[],
  mac: string | undefined,
): { mode: string; networks: Record<string, EndpointRequest> } {
  if (mac !== undefined && !isMac(mac)) throw invalid(`${mac} is not a valid mac address`);
  const wanted = flags.length === 0 ? [{ target: 'default', aliases: [] }] : flags;
  const networks: Record<string, EndpointRequest> = {};
  for (const [index, flag] of wanted.entries()) {
    if (Object.hasOwn(networks, flag.target)) throw invalid(`network "${flag.target}" is specified multiple times`);
    networks[flag.target] = readEndpoint(flag, index === 0 ? mac : undefined);
  }
  const kinds = new Set(flags.map(({ target }) => BUILT_IN.test(target)));
  if (kinds.size > 1) {
    throw invalid('conflicting options: cannot attach both user-defined and non-user-defined network-modes');
  }
  return { mode: wanted[0]?.target ?? 'default', networks };
}

function readEndpoint(flag: NetworkFlag, mac: string | undefined): EndpointRequest {
  const { target, aliases } = flag;
  if (flag.mac !== undefined && mac !== undefined) {
    throw invalid('conflicting options: cannot specify both --mac-address and per-network MAC address');
  }
  if (target.trim() === '') throw invalid('no name set for network');
  if (BUILT_IN.test(target) && aliases.length > 0) {
    throw invalid('network-scoped aliases are only supported for user-defined networks');
  }
  const address = flag.mac ?? mac;
  if (address === undefined) return aliasesAndAddresses(flag);
  if (!isMac(address)) throw invalid(`${address} is not a valid mac address`);
  if (target.startsWith('container:')) throw invalid('conflicting options: mac-address and the network mode');
  return { ...aliasesAndAddresses(flag), MacAddress: address.trim() };
}

function aliasesAndAddresses({ aliases, ipv4, ipv6 }: NetworkFlag): EndpointRequest {
  const config = {
    ...(ipv4 === undefined ? {} : { IPv4Address: ipv4 }),
    ...(ipv6 === undefined ? {} : { IPv6Address: ipv6 }),
  };
  return {
    ...(aliases.length === 0 ? {} : { Aliases: aliases }),
    ...(Object.keys(config).length === 0 ? {} : { IPAMConfig: config }),
  };
}

const isMac = (text: string) => /^[0-9a-f]{2}(?:([:-])[0-9a-f]{2})(?:\1[0-9a-f]{2}){4}$/i.test(text.trim());
