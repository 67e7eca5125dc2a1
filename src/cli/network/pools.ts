/** --subnet, --ip-range, --gateway and --aux-address are sorted to each other as Docker's client does it. Pure. */
import { WherryError } from '#base/error.ts';
import type { PoolRequest } from '#network/create.ts';
import { contains, parseSubnet } from '#network/ipam.ts';

export interface PoolFlags {
  subnets: readonly string[];
  ranges: readonly string[];
  gateways: readonly string[];
  aux: Readonly<Record<string, string>>;
}

const invalid = (message: string) => new WherryError('invalid', message);

/** Throws kind `invalid` in the words of Docker 28.5 (docker/cli, createIPAMConfig). */
export function readPools({ subnets, ranges, gateways, aux }: PoolFlags): PoolRequest[] {
  if (subnets.length < ranges.length || subnets.length < gateways.length) {
    throw invalid('every ip-range or gateway must have a corresponding subnet');
  }
  const pools: PoolRequest[] = [];
  for (const subnet of subnets) {
    if (pools.some((pool) => holds(subnet, pool.subnet) || holds(pool.subnet, subnet))) {
      throw invalid('multiple overlapping subnet configuration is not supported');
    }
    pools.push({ subnet });
  }
  for (const range of ranges) {
    if (subnets.length > 0) read(range, '');
    const pool = poolFor(pools, range, `no matching subnet for range ${range}`);
    if (pool.range !== undefined) {
      const both = `(${range}, ${pool.range})`;
      throw invalid(`cannot configure multiple ranges ${both} on the same subnet (${pool.subnet})`);
    }
    pool.range = range;
  }
  for (const gateway of gateways) {
    const pool = poolFor(pools, gateway, `no matching subnet for gateway ${gateway}`);
    if (pool.gateway !== undefined) {
      const both = `(${gateway}, ${pool.gateway})`;
      throw invalid(`cannot configure multiple gateways ${both} for the same subnet (${pool.subnet})`);
    }
    pool.gateway = gateway;
  }
  for (const [name, address] of Object.entries(aux)) {
    const pool = poolFor(pools, address, `no matching subnet for aux-address ${address}`);
    pool.aux = { ...pool.aux, [name]: address };
  }
  return pools;
}

function poolFor(pools: readonly PoolRequest[], text: string, complaint: string): PoolRequest {
  const pool = pools.find(({ subnet }) => holds(subnet, text));
  if (pool === undefined) throw invalid(complaint);
  return pool;
}

/** Is the address, or the first one of the block, in the subnet? The daemon looks at how large a block is. */
function holds(subnet: string, text: string): boolean {
  const block = read(subnet, 'invalid subnet: ');
  return contains(block, text.split('/')[0] ?? '');
}

function read(text: string, prefix: string) {
  try {
    return parseSubnet(text);
  } catch (error) {
    if (error instanceof WherryError) throw invalid(`${prefix}${error.message}`);
    throw error;
  }
}
