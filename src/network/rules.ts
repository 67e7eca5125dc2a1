/**
 * What may pass in the user's network namespace, for nft: each network reaches itself and the world, the internal ones
 * only themselves, and nobody another one's gateway. Pure.
 */
import { ipVersion } from '#base/address.ts';
import type { BridgeState } from '#network/leases.ts';

/** The way out of the user's namespace: the interface that pasta or slirp4netns serves. */
export const TAP = 'tap0';

/** The mark of what containers answer to a monitor's socket that has a client's address: it is routed to ourselves. */
export const ANSWER = 0x7768;

const names = (bridges: readonly BridgeState[]) => bridges.map((bridge) => `"${bridge.interface}"`).join(', ');

/**
 * The whole table: it replaces the one that is there, in one step. Connections that go on are known to the kernel and
 * stay.
 *
 * pasta of 2023 refuses a connection by a bare RST, which clients that wait for a SYN drop (RFC 9293, 3.10.7.3): they
 * would hang instead of being refused, so the missing ACK bit is set.
 *
 * showsClients: published ports show the clients' own addresses, for which the kernel needs nft's socket match.
 */
export function rules(bridges: readonly BridgeState[], showsClients: boolean): string {
  const leading = bridges.filter(({ isInternal }) => !isInternal);
  const open = bridges.filter(({ isOpen }) => isOpen);
  const hasV6 = bridges.some((bridge) => bridge.hasV6);
  return `table inet wherry
delete table inet wherry
table inet wherry {
  chain prerouting {
    type filter hook prerouting priority raw
    iifname "${TAP}" tcp flags == rst tcp ackseq != 0 tcp flags set rst | ack
  }
${showsClients ? ANSWERS : ''}
  chain input {
    type filter hook input priority filter
    ct state established,related accept
    ${showsClients ? `meta mark ${ANSWER} accept` : ''}
${bridges.flatMap(inputRules).join('\n')}
  }
  chain forward {
    type filter hook forward priority filter; policy drop
    ct state established,related accept
${bridges.map(({ interface: name }) => `    iifname "${name}" oifname "${name}" accept`).join('\n')}
${open.length > 1 ? `    iifname { ${names(open)} } oifname { ${names(open)} } accept` : ''}
${leading.length > 0 ? `    iifname { ${names(leading)} } oifname "${TAP}" accept` : ''}
  }
}
${masquerade('ip')}
${hasV6 ? masquerade('ip6') : ''}
`;
}

const ANSWERS = `  chain answers {
    type filter hook prerouting priority mangle
    iifname != "${TAP}" meta l4proto { tcp, udp } socket transparent 1 meta mark set ${ANSWER}
  }`;

/** Of a bridge's own addresses: the name server, and ping. Nothing of other bridges, and nothing of the tap. */
function inputRules({ interface: name, gateways }: BridgeState): string[] {
  const [v4, v6] = [4, 6].map((version) => gateways.filter((address) => ipVersion(address) === version));
  return [
    ...(v4 ?? []).map((address) => `    iifname "${name}" ip daddr ${address} accept`),
    ...(v6 ?? []).map((address) => `    iifname "${name}" ip6 daddr { ${address}, fe80::/10, ff00::/8 } accept`),
    `    iifname "${name}" drop`,
  ];
}

/** What leaves by the tap is hidden behind its address. */
const masquerade = (family: 'ip' | 'ip6') => `table ${family} wherry
delete table ${family} wherry
table ${family} wherry {
  chain postrouting {
    type nat hook postrouting priority srcnat
    oifname "${TAP}" masquerade
  }
}`;

/** Where Docker's containers ask for names: what is configured for Docker says so, too. */
export const DOCKERS_SERVER = '127.0.0.11';

/** Made first, it can be deleted whether it was there or not. */
export const LEAD_NO_QUERIES = `table ip wherry_names
delete table ip wherry_names
`;

/** In a container's namespace: queries for Docker's server come to ours. */
export const leadQueries = (server: string): string => `${LEAD_NO_QUERIES}table ip wherry_names {
  chain output {
    type nat hook output priority -100
    ip daddr ${DOCKERS_SERVER} udp dport 53 dnat to ${server}:53
    ip daddr ${DOCKERS_SERVER} tcp dport 53 dnat to ${server}:53
  }
}
`;

/** Leads queries for names that come to one of our own addresses to a server by chance: at port 53, or at another one. */
export function turnRules(ports: readonly number[], hasV6: boolean): string {
  const choice = ports.map((port, turn) => `${turn} : ${port}`).join(', ');
  const table = (family: 'ip' | 'ip6') => `table ${family} wherry_names
delete table ${family} wherry_names
table ${family} wherry_names {
  chain prerouting {
    type nat hook prerouting priority dstnat
    iifname != "${TAP}" fib daddr type local meta l4proto { tcp, udp } th dport 53 redirect to : numgen random mod ${ports.length} map { ${choice} }
  }
}`;
  return `${table('ip')}
${hasV6 ? table('ip6') : ''}
`;
}
