/** /etc/hosts and /etc/resolv.conf of a container, with what Docker 28.5 writes in them. */
import { readFileSync } from 'node:fs';
import { networkInterfaces } from 'node:os';
import { join } from 'node:path';
import { ipVersion } from '#base/address.ts';
import type { NetworkMode } from '#base/network-mode.ts';
import { parseRoutes } from '#network/ipam.ts';
import { DNS_ADDRESS } from '#network/outside.ts';
import { readText } from '#sys/file.ts';

export interface HostsInput {
  /** What HostConfig.NetworkMode is (base/network-mode.ts). */
  mode: NetworkMode['kind'];
  hostname: string;
  domainname: string;
  /** The container's own, with or without prefix lengths; none without a network. */
  addresses: readonly string[];
  /** HostConfig.ExtraHosts: `name:address`; the address may be `host-gateway`. */
  extraHosts: readonly string[] | null;
  /** --link: others by the names that this container alone has for them. */
  links?: readonly HostsEntry[];
  /** Has it a way to the host? Then the host has a name. */
  reachesHost?: boolean;
}

export interface HostsEntry {
  address: string;
  names: readonly string[];
}

/** What the host is called in containers by podman, and by Docker's Desktop. */
const HOST_NAMES = ['host.containers.internal', 'host.docker.internal'];

const LOCAL = `127.0.0.1\tlocalhost
::1\tlocalhost ip6-localhost ip6-loopback
fe00::\tip6-localnet
ff00::\tip6-mcastprefix
ff02::1\tip6-allnodes
ff02::2\tip6-allrouters
`;

/**
 * The text of /etc/hosts. A container on the host's network sees the host's file, unless it asks for names of its own.
 * @param root where the host's files are, for tests
 */
export function hostsFile(input: HostsInput, root = '/'): string {
  const { mode, hostname, domainname, addresses, extraHosts, links = [], reachesHost = false } = input;
  const asked = (extraHosts ?? []).map((entry) => {
    const [, name = '', address = ''] = /^([^:]*):(.*)$/.exec(entry) ?? [];
    return { name, address: address === 'host-gateway' ? hostAddress() : address.replace(/^\[(.*)\]$/, '$1') };
  });
  const extra = asked.map(({ name, address }) => `${address}\t${name}\n`);
  if (mode === 'host') {
    const ofHost = extra.length === 0 ? readText(join(root, 'etc/hosts')) : undefined;
    return ofHost ?? [LOCAL, ...extra].join('');
  }
  const names = ownNames(hostname, domainname).join(' ');
  const own = addresses.map((address) => `${address.split('/')[0]}\t${names}\n`);
  const others = links.map((link) => `${link.address}\t${link.names.join(' ')}\n`);
  const hostNames = HOST_NAMES.filter((name) => !asked.some((entry) => entry.name === name));
  const host = reachesHost && hostNames.length > 0 ? hostLine(addresses, hostNames) : [];
  return [LOCAL, ...host, ...extra, ...others, ...own].join('');
}

/** With pasta alone a container has the host's own address, and calls itself by it. */
function hostLine(own: readonly string[], names: readonly string[]): string[] {
  const address = hostAddress();
  return own.some((one) => one.split('/')[0] === address) ? [] : [`${address}\t${names.join(' ')}\n`];
}

/** The names that stand behind a container's own addresses: a host name may hold its domain, or it stands apart. */
export function ownNames(hostname: string, domainname: string): string[] {
  const full = domainname === '' ? hostname : `${hostname}.${domainname}`;
  return full.includes('.') ? [full, full.slice(0, full.indexOf('.'))] : [full];
}

/**
 * What `host-gateway` stands for: the host's own address on the way to the world, where its services that listen on all
 * addresses answer containers. (Docker's, the bridge's address, is not the host's here.)
 */
export function hostAddress(): string {
  const routes = parseRoutes(readFileSync('/proc/net/route', 'latin1'));
  const interfaces = networkInterfaces();
  const first = routes.find(({ subnet }) => subnet.prefix === 0)?.interface ?? '';
  const candidates = [
    ...(interfaces[first] ?? []),
    ...Object.values(interfaces).flatMap((addresses) => addresses ?? []),
  ];
  return candidates.find(({ family, internal }) => family === 'IPv4' && !internal)?.address ?? '127.0.0.1';
}

export interface ResolvInput {
  mode: NetworkMode['kind'];
  /** --dns, --dns-search, --dns-option. */
  dns: readonly string[];
  search: readonly string[];
  options: readonly string[];
  /** Servers that know containers' names: they ask those of `dns`, or the host's. */
  own?: readonly string[];
  /** What stands for a resolver on the host's loopback. */
  forwarder?: string;
}

interface Resolver {
  nameservers: string[];
  search: string[];
  options: string[];
  other: string[];
}

/** systemd-resolved's stub, and its list of the servers behind it, with the settings for who asks those. */
const STUB = '127.0.0.53';
const BEHIND_STUB = 'run/systemd/resolve/resolv.conf';

/** Docker's last resort. */
const PUBLIC_SERVERS = ['8.8.8.8', '8.8.4.4'];

/**
 * The text of /etc/resolv.conf: the host's, with what was asked for in place of it. A resolver on the host's loopback is
 * reached by an address that the way out forwards; without IPv6 in the container IPv6 servers are left out.
 * @param root where the host's files are, for tests
 */
export function resolvConf(input: ResolvInput, root = '/'): string {
  const { mode, dns, search, options, own = [], forwarder } = input;
  const isShared = mode === 'host' || mode === 'path';
  const found = hostResolver(isShared, root);
  const asked = dns.length > 0 ? dns : isShared ? found.nameservers : reachable(found.nameservers, forwarder);
  const nameservers = own.length > 0 ? own : asked;
  const domains = search.length > 0 ? search.filter((domain) => domain !== '.') : found.search;
  const settings = options.length > 0 ? options : own.length > 0 ? withoutDots(found.options) : found.options;
  const lines = [
    ...nameservers.map((address) => `nameserver ${address}`),
    ...(domains.length > 0 ? [`search ${domains.join(' ')}`] : []),
    ...(settings.length > 0 ? [`options ${settings.join(' ')}`] : []),
    ...found.other,
  ];
  return lines.map((line) => `${line}\n`).join('');
}

/** As Docker where its own server answers: a container's name is asked for as it is, before any domain is tried. */
const withoutDots = (options: readonly string[]) => [
  ...options.filter((option) => !option.startsWith('ndots:')),
  'ndots:0',
];

/**
 * Where the host asks systemd-resolved's stub, so do containers, by the address that leads there: Docker takes the servers
 * behind it, which are old ones after a change of the network, none yet at boot, and know nothing of a VPN's domains.
 */
function hostResolver(isShared: boolean, root: string): Resolver {
  const found = parseResolver(readText(join(root, 'etc/resolv.conf')) ?? '');
  if (isShared || found.nameservers.length !== 1 || found.nameservers[0] !== STUB) return found;
  const behind = readText(join(root, BEHIND_STUB));
  return behind === undefined ? found : { ...parseResolver(behind), nameservers: found.nameservers };
}

/** resolv.conf(5): the last search counts, options add up, `domain` is an old word for search. */
function parseResolver(text: string): Resolver {
  const found: Resolver = { nameservers: [], search: [], options: [], other: [] };
  for (const line of text.split('\n').map((one) => one.trim())) {
    if (line === '' || /^[#;]/.test(line)) continue;
    const [word = '', ...values] = line.split(/\s+/);
    if (word === 'nameserver') found.nameservers.push(...values.slice(0, 1).filter((one) => ipVersion(one) !== 0));
    else if (word === 'search' || word === 'domain') found.search = values;
    else if (word === 'options') found.options.push(...values);
    else found.other.push(line);
  }
  return found;
}

function reachable(nameservers: readonly string[], forwarder = DNS_ADDRESS): string[] {
  const usable = nameservers
    .filter((address) => ipVersion(address) === 4)
    .map((address) => (address.startsWith('127.') ? forwarder : address));
  return usable.length === 0 ? PUBLIC_SERVERS : [...new Set(usable)];
}

/** Where the user's network namespace asks for names of the world. */
export function upstreamServers(root = '/'): string[] {
  return reachable(hostResolver(false, root).nameservers);
}
