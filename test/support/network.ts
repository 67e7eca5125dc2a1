/** Networks as tests want them: whole records of which only a part matters. */
import type { BridgeState, Lease } from '#network/leases.ts';
import { blankRecord, type NetworkRecord } from '#network/records.ts';

/** A network with one IPv4 subnet that the user has asked for. */
export function networkRecord(change: Partial<NetworkRecord> = {}): NetworkRecord {
  const pools = [{ subnet: '10.1.2.0/29', gateway: '10.1.2.1', asked: 'gateway' as const }];
  return { ...blankRecord(change.name ?? 'web', 'bridge'), pools, interface: 'br-web', ...change };
}

/** A bridge of a network with names and one IPv4 subnet. */
export function bridgeState(change: Partial<BridgeState> = {}): BridgeState {
  return {
    network: 'web',
    interface: 'br-web',
    gateways: ['10.1.2.1'],
    hasNames: true,
    hasV6: false,
    isInternal: false,
    isOpen: false,
    ...change,
  };
}

/** The place of a container that this very process starts. */
export function lease(change: Partial<Lease> = {}): Lease {
  const id = change.id ?? 'c'.repeat(64);
  return {
    id,
    network: 'web',
    names: ['one', id.slice(0, 12)],
    dns: [],
    links: [],
    by: { pid: 0, start: 0 },
    ...change,
  };
}
