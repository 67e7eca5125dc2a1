/** Subnets and addresses, IPv4. Pure: what is taken is handed in. */
import { WherryError } from '#base/error.ts';

/** A block of addresses; its first address as a 32-bit number. */
export interface Subnet {
  base: number;
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

function toNumber(address: string): number {
  return address.split('.').reduce((sum, part) => sum * 256 + Number(part), 0);
}

function toAddress(number: number): string {
  return [24, 16, 8, 0].map((shift) => (number >>> shift) & 255).join('.');
}

const sizeOf = (prefix: number) => 2 ** (32 - prefix);

/** Reads `172.17.0.0/16`; bits below the prefix are cleared. Throws kind `invalid`. */
export function parseSubnet(text: string): Subnet {
  const match = /^(\d+\.\d+\.\d+\.\d+)\/(\d+)$/.exec(text);
  const [, address = '', prefixText = ''] = match ?? [];
  const prefix = Number(prefixText);
  if (match === null || prefix > 32 || address.split('.').some((part) => Number(part) > 255)) {
    throw new WherryError('invalid', `invalid CIDR address: ${text}`);
  }
  const number = toNumber(address);
  return { base: number - (number % sizeOf(prefix)), prefix };
}

export function formatSubnet({ base, prefix }: Subnet): string {
  return `${toAddress(base)}/${prefix}`;
}

export function overlaps(a: Subnet, b: Subnet): boolean {
  return a.base < b.base + sizeOf(b.prefix) && b.base < a.base + sizeOf(a.prefix);
}

/** The first block of Docker's pools that meets none of these. Throws kind `conflict` in Docker's words. */
export function choosePool(used: readonly Subnet[]): Subnet {
  for (const [text, prefix] of POOLS) {
    const pool = parseSubnet(text);
    for (let base = pool.base; base < pool.base + sizeOf(pool.prefix); base += sizeOf(prefix)) {
      const block = { base, prefix };
      if (!used.some((other) => overlaps(block, other))) return block;
    }
  }
  throw new WherryError('conflict', 'all predefined address pools have been fully subnetted', {
    hint: 'Remove networks that nothing uses, or free a route of the host in 172.17.0.0-172.31.255.255',
  });
}

/** The subnet's first host address: Docker's gateway where none is given. */
export const gatewayOf = ({ base }: Subnet): string => toAddress(base + 1);

/**
 * The lowest free host address, as Docker's allocator gives it.
 * Throws kind `conflict` in Docker's words when there is none.
 */
export function nextAddress(subnet: Subnet, taken: ReadonlySet<string>, network: string): string {
  const last = subnet.base + sizeOf(subnet.prefix) - 2;
  for (let number = subnet.base + 1; number <= last; number += 1) {
    const address = toAddress(number);
    if (!taken.has(address)) return address;
  }
  throw new WherryError('conflict', `no available IPv4 addresses on this network's address pools: ${network}`, {
    hint: 'Stop or remove containers of this network',
  });
}

/** A locally administered MAC that follows from the address: whoever gets the address next has the same neighbours. */
export function macOf(address: string): string {
  const bytes = address.split('.').map((part) => Number(part).toString(16).padStart(2, '0'));
  return ['02', '42', ...bytes].join(':');
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
    return [{ interface: name, subnet: { base: swapped(destination), prefix } }];
  });
}

function swapped(hex: string): number {
  return Buffer.from(hex.padStart(8, '0'), 'hex').readUInt32LE(0);
}
