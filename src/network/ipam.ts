/** Subnets and addresses of both families. Pure: what is taken is handed in. */
import { ipVersion } from '#base/address.ts';
import { WherryError } from '#base/error.ts';

export type Version = 4 | 6;

/** A block of addresses by its first one. */
export interface Subnet {
  version: Version;
  base: bigint;
  prefix: number;
}

/** Docker's default address pools (dockerd's default-address-pools), in its order, each cut into blocks. */
const POOLS: readonly [pool: string, size: number][] = [
  ['172.17.0.0/16', 16],
  ['172.18.0.0/16', 16],
  ['172.19.0.0/16', 16],
  ['172.20.0.0/14', 16],
  ['172.24.0.0/14', 16],
  ['172.28.0.0/14', 16],
  ['192.168.0.0/16', 20],
];

const BITS: Record<Version, number> = { 4: 32, 6: 128 };

/** The number that an address is; undefined for what is no address. Zones are not read. */
export function parseAddress(text: string): { version: Version; number: bigint } | undefined {
  const version = text.includes('%') ? 0 : ipVersion(text);
  if (version === 0) return undefined;
  const groups = version === 4 ? text.split('.').map(Number) : groupsOf(text);
  const width = version === 4 ? 8n : 16n;
  return { version, number: groups.reduce((sum, group) => (sum << width) | BigInt(group), 0n) };
}

/** The eight groups of a valid IPv6 address (RFC 4291, 2.2). */
function groupsOf(text: string): number[] {
  const plain = text.replace(/(\d+)\.(\d+)\.(\d+)\.(\d+)$/, (_all, ...bytes: string[]) => {
    const [a = 0, b = 0, c = 0, d = 0] = bytes.slice(0, 4).map(Number);
    return `${(a * 256 + b).toString(16)}:${(c * 256 + d).toString(16)}`;
  });
  const [left = '', right] = plain.split('::');
  const read = (part: string) => part.split(':').filter(Boolean);
  const [before, after] = [read(left), read(right ?? '')];
  const zeros = right === undefined ? 0 : 8 - before.length - after.length;
  return [...before, ...Array.from({ length: zeros }, () => '0'), ...after].map((group) => Number.parseInt(group, 16));
}

/** An address as it is written: dotted, or by RFC 5952 (the longest run of zeros, the first of several, becomes ::). */
export function formatAddress(version: Version, number: bigint): string {
  if (version === 4) return [24n, 16n, 8n, 0n].map((shift) => (number >> shift) & 255n).join('.');
  const groups = Array.from({ length: 8 }, (_, at) => ((number >> BigInt(112 - 16 * at)) & 0xffffn).toString(16));
  const runs = [...` ${groups.join(' ')} `.matchAll(/ (?:0 )+/g)].map(([run]) => run.trim());
  const longest = runs.reduce((best, run) => (run.length > best.length ? run : best), '');
  if (!longest.includes(' ')) return groups.join(':');
  const [before = '', after = ''] = splitOnce(` ${groups.join(' ')} `, ` ${longest} `);
  return `${before.trim().replaceAll(' ', ':')}::${after.trim().replaceAll(' ', ':')}`;
}

function splitOnce(text: string, by: string): [string, string] {
  const at = text.indexOf(by);
  return [text.slice(0, at), text.slice(at + by.length)];
}

/** An address in its usual form; as it came where it is none. */
export function normalAddress(text: string): string {
  const found = parseAddress(text);
  return found === undefined ? text : formatAddress(found.version, found.number);
}

const sizeOf = ({ version, prefix }: Subnet): bigint => 1n << BigInt(BITS[version] - prefix);

/** Reads `172.17.0.0/16` or `fd00::/64`; bits below the prefix are cleared. Throws kind `invalid`. */
export function parseSubnet(text: string): Subnet {
  const [, address = '', bits = ''] = /^([^/]+)\/(\d{1,3})$/.exec(text) ?? [];
  const found = parseAddress(address);
  const prefix = Number(bits);
  if (found === undefined || prefix > BITS[found.version]) {
    throw new WherryError('invalid', `invalid CIDR address: ${text}`);
  }
  const { version, number } = found;
  const size = sizeOf({ version, base: 0n, prefix });
  return { version, base: number - (number % size), prefix };
}

export function formatSubnet({ version, base, prefix }: Subnet): string {
  return `${formatAddress(version, base)}/${prefix}`;
}

export function overlaps(a: Subnet, b: Subnet): boolean {
  return a.version === b.version && a.base < b.base + sizeOf(b) && b.base < a.base + sizeOf(a);
}

/** Is this address (or this block) in the subnet? */
export function contains(subnet: Subnet, text: string): boolean {
  const [address = '', prefix] = text.split('/');
  const found = parseAddress(address);
  if (found?.version !== subnet.version) return false;
  if (found.number < subnet.base || found.number >= subnet.base + sizeOf(subnet)) return false;
  return prefix === undefined || Number(prefix) >= subnet.prefix;
}

/** The first block of Docker's pools that meets none of these. Throws kind `conflict` in Docker's words. */
export function choosePool(used: readonly Subnet[]): Subnet {
  for (const [text, prefix] of POOLS) {
    const pool = parseSubnet(text);
    const found = firstFree(pool, prefix, used);
    if (found !== undefined) return found;
  }
  throw new WherryError('conflict', 'all predefined address pools have been fully subnetted', {
    hint: 'Remove networks that nothing uses, or give a subnet (--subnet)',
  });
}

/** The first /64 of a unique local /48 (RFC 4193) that meets none of these. Throws kind `conflict`. */
export function chooseLocalPool(local: Subnet, used: readonly Subnet[]): Subnet {
  const found = firstFree(local, 64, used);
  if (found !== undefined) return found;
  throw new WherryError('conflict', 'all predefined address pools have been fully subnetted');
}

function firstFree(pool: Subnet, prefix: number, used: readonly Subnet[]): Subnet | undefined {
  const block = { ...pool, prefix };
  for (let base = pool.base; base < pool.base + sizeOf(pool); base += sizeOf(block)) {
    if (!used.some((other) => overlaps({ ...block, base }, other))) return { ...block, base };
  }
  return undefined;
}

/** The first address that a host may have: Docker's gateway where none is given. */
export function gatewayOf(subnet: Subnet, range: Subnet = subnet): string {
  return formatAddress(subnet.version, range.base === subnet.base ? range.base + 1n : range.base);
}

/** Addresses that no host has: the subnet's first and, of IPv4, its last. */
export function isReserved(subnet: Subnet, address: string): boolean {
  const number = parseAddress(address)?.number;
  if (sizeOf(subnet) <= 2n) return false;
  return number === subnet.base || (subnet.version === 4 && number === subnet.base + sizeOf(subnet) - 1n);
}

/**
 * The lowest free host address of the subnet, or of its range, as Docker's allocator gives it.
 * Throws kind `conflict` in Docker's words when there is none.
 */
export function nextAddress(
  { subnet, range = subnet }: { subnet: Subnet; range?: Subnet },
  taken: ReadonlySet<string>,
  network: string,
): string {
  for (let number = range.base; number < range.base + sizeOf(range); number += 1n) {
    const address = formatAddress(subnet.version, number);
    if (!taken.has(address) && !isReserved(subnet, address)) return address;
  }
  throw new WherryError(
    'conflict',
    `no available IPv${subnet.version} addresses on this network's address pools: ${network}`,
    { hint: 'Stop or remove containers of this network' },
  );
}

/** A locally administered MAC that follows from the address: whoever gets the address next has the same neighbours. */
export function macOf(address: string): string {
  const number = (parseAddress(address)?.number ?? 0n) & 0xffff_ffffn;
  const bytes = [24n, 16n, 8n, 0n].map((shift) => ((number >> shift) & 255n).toString(16).padStart(2, '0'));
  return ['02', '42', ...bytes].join(':');
}

/** The link-local address that a hardware address stands for (RFC 4291, appendix A). */
export function linkLocalOf(mac: string): string {
  const [a = 0, b = 0, c = 0, d = 0, e = 0, f = 0] = mac.split(/[:-]/).map((byte) => Number.parseInt(byte, 16));
  const bytes = [a ^ 2, b, c, 0xff, 0xfe, d, e, f];
  const low = bytes.reduce((sum, byte) => (sum << 8n) | BigInt(byte), 0n);
  return formatAddress(6, (0xfe80n << 112n) | low);
}

/** One line of the host's routing table. */
export interface Route {
  interface: string;
  /** Prefix 0 is the default route. */
  subnet: Subnet;
}

const RTF_UP = 1;

/** Reads /proc/net/route (proc(5)): hexadecimal numbers in the byte order of the machine, little-endian on all of ours. */
export function parseRoutes(text: string): Route[] {
  const lines = text.split('\n').slice(1).filter(Boolean);
  return lines.flatMap((line) => {
    const [name = '', destination = '', , flags = '', , , , mask = ''] = line.split('\t');
    if ((Number.parseInt(flags, 16) & RTF_UP) === 0) return [];
    const prefix = [...swapped(mask).toString(2)].filter((bit) => bit === '1').length;
    return [{ interface: name, subnet: { version: 4 as const, base: BigInt(swapped(destination)), prefix } }];
  });
}

function swapped(hex: string): number {
  return Buffer.from(hex.padStart(8, '0'), 'hex').readUInt32LE(0);
}

const RTF_REJECT = 0x200;

/** Reads /proc/net/ipv6_route: destination, its length, source, its length, next hop, metric, two counters, flags, device. */
export function parseRoutes6(text: string): Route[] {
  return text.split('\n').flatMap((line) => {
    const [destination = '', length = '', , , , , , , flags = '', name = ''] = line.trim().split(/\s+/);
    const bits = Number.parseInt(flags, 16);
    if (name === '' || name === 'lo' || (bits & RTF_UP) === 0 || (bits & RTF_REJECT) !== 0) return [];
    const subnet = { version: 6 as const, base: BigInt(`0x${destination}`), prefix: Number.parseInt(length, 16) };
    return [{ interface: name, subnet }];
  });
}
