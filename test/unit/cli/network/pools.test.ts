import { expect, test } from 'vitest';
import { type PoolFlags, readPools } from '#cli/network/pools.ts';

const flags = (part: Partial<PoolFlags>): PoolFlags => ({ subnets: [], ranges: [], gateways: [], aux: {}, ...part });

test('ranges, gateways and addresses find their subnets', () => {
  const pools = readPools({
    subnets: ['10.1.0.0/16', 'fd00::/64'],
    ranges: ['10.1.5.0/24'],
    gateways: ['fd00::9', '10.1.0.9'],
    aux: { a: '10.1.0.5', b: 'fd00::5', c: '10.1.0.6' },
  });
  expect(pools).toEqual([
    { subnet: '10.1.0.0/16', range: '10.1.5.0/24', gateway: '10.1.0.9', aux: { a: '10.1.0.5', c: '10.1.0.6' } },
    { subnet: 'fd00::/64', gateway: 'fd00::9', aux: { b: 'fd00::5' } },
  ]);
});

// What the client of Docker 28.5 says.
test.each<[Partial<PoolFlags>, string]>([
  [{ gateways: ['10.85.0.1'] }, 'every ip-range or gateway must have a corresponding subnet'],
  [{ ranges: ['10.85.0.0/24'] }, 'every ip-range or gateway must have a corresponding subnet'],
  [{ subnets: ['10.84.0.0/16'], gateways: ['10.85.0.1'] }, 'no matching subnet for gateway 10.85.0.1'],
  [{ subnets: ['10.84.0.0/16'], gateways: ['nonsense'] }, 'no matching subnet for gateway nonsense'],
  [{ subnets: ['10.84.0.0/16'], ranges: ['10.85.0.0/24'] }, 'no matching subnet for range 10.85.0.0/24'],
  [{ subnets: ['10.84.0.0/16'], aux: { a: '10.85.0.0' } }, 'no matching subnet for aux-address 10.85.0.0'],
  [{ subnets: ['10.84.0.0/16'], aux: { nonsense: '' } }, 'no matching subnet for aux-address '],
  [{ subnets: ['10.84.0.0/16', '10.84.5.0/24'] }, 'multiple overlapping subnet configuration is not supported'],
  [{ subnets: ['nonsense'], gateways: ['10.84.0.1'] }, 'invalid subnet: invalid CIDR address: nonsense'],
  [
    { subnets: ['10.84.0.0/16', 'fd00::/64'], gateways: ['10.84.0.1', '10.84.0.2'] },
    'cannot configure multiple gateways (10.84.0.2, 10.84.0.1) for the same subnet (10.84.0.0/16)',
  ],
])('refuses %j', (part, message) => {
  expect(() => readPools(flags(part))).toThrow(message);
});

test('what is no subnet at all is left to the daemon to say', () => {
  expect(readPools(flags({ subnets: ['nonsense'] }))).toEqual([{ subnet: 'nonsense' }]);
});
