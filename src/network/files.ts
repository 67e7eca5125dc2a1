/** /etc/hosts and /etc/resolv.conf of a container, with what Docker 28.5 writes in them. */
import { readFileSync } from 'node:fs';
import { networkInterfaces } from 'node:os';
import { join } from 'node:path';
import { ipVersion } from '#base/address.ts';
import { parseRoutes } from '#network/ipam.ts';
import { DNS_ADDRESS } from '#network/outside.ts';
import { readText } from '#sys/file.ts';

export interface HostsInput {
  /** HostConfig.NetworkMode. */
  mode: string;
  hostname: string;
  domainname: string;
  /** The container's own, with or without prefix lengths; none without a network. */
  addresses: readonly string[];
  /** HostConfig.ExtraHosts: `name:address`; the address may be `host-gateway`. */
  extraHosts: readonly string[] | null;
}

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
export function hostsFile({ mode, hostname, domainname, addresses, extraHosts }: HostsInput, root = '/'): string {
  const extra = (extraHosts ?? []).map((entry) => {
    const [, name = '', address = ''] = /^([^:]*):(.*)$/.exec(entry) ?? [];
    return `${address === 'host-gateway' ? hostAddress() : address.replace(/^\[(.*)\]$/, '$1')}\t${name}\n`;
  });
  if (mode === 'host') {
    const ofHost = extra.length === 0 ? readText(join(root, 'etc/hosts')) : undefined;
    return ofHost ?? [LOCAL, ...extra].join('');
  }
  // A host name may hold its domain, or the domain stands apart: both names are written in either case.
  const full = domainname === '' ? hostname : `${hostname}.${domainname}`;
  const names = full.includes('.') ? `${full} ${full.slice(0, full.indexOf('.'))}` : full;
  const own = addresses.map((address) => `${address.split('/')[0]}\t${names}\n`);
  return [LOCAL, ...extra, ...own].join('');
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
  /** HostConfig.NetworkMode. */
  mode: string;
  /** --dns, --dns-search, --dns-option. */
  dns: readonly string[];
  search: readonly string[];
  options: readonly string[];
}

interface Resolver {
  nameservers: string[];
  search: string[];
  options: string[];
  other: string[];
}

/** systemd-resolved's stub, and its list of the servers behind it. */
const STUB = '127.0.0.53';
const BEHIND_STUB = 'run/systemd/resolve/resolv.conf';

/** Docker's last resort. */
const PUBLIC_SERVERS = ['8.8.8.8', '8.8.4.4'];

/**
 * The text of /etc/resolv.conf: the host's, with what was asked for in place of it. A resolver on the host's loopback is
 * reached by an address that the way out forwards; without IPv6 in the container IPv6 servers are left out.
 * @param root where the host's files are, for tests
 */
export function resolvConf({ mode, dns, search, options }: ResolvInput, root = '/'): string {
  const found = hostResolver(mode === 'host', root);
  const nameservers = dns.length > 0 ? [...dns] : mode === 'host' ? found.nameservers : reachable(found.nameservers);
  const domains = search.length > 0 ? search.filter((domain) => domain !== '.') : found.search;
  const settings = options.length > 0 ? options : found.options;
  const lines = [
    ...nameservers.map((address) => `nameserver ${address}`),
    ...(domains.length > 0 ? [`search ${domains.join(' ')}`] : []),
    ...(settings.length > 0 ? [`options ${settings.join(' ')}`] : []),
    ...found.other,
  ];
  return lines.map((line) => `${line}\n`).join('');
}

function hostResolver(isShared: boolean, root: string): Resolver {
  const found = parseResolver(readText(join(root, 'etc/resolv.conf')) ?? '');
  if (isShared || found.nameservers.length !== 1 || found.nameservers[0] !== STUB) return found;
  const behind = readText(join(root, BEHIND_STUB));
  return behind === undefined ? found : parseResolver(behind);
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

function reachable(nameservers: readonly string[]): string[] {
  const usable = nameservers
    .filter((address) => ipVersion(address) === 4)
    .map((address) => (address.startsWith('127.') ? DNS_ADDRESS : address));
  return usable.length === 0 ? PUBLIC_SERVERS : [...new Set(usable)];
}
