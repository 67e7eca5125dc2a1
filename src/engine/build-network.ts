/** The network of one RUN, and what its /etc says of it. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseNetworkMode } from '#base/network-mode.ts';
import type { ContainerRecord } from '#container/record.ts';
import { isRunning, readState } from '#container/state.ts';
import type { Store } from '#store/store.ts';

export interface StepNetwork extends AsyncDisposable {
  /** Absent: the runtime makes one without a way out, or it is the host's. */
  netns?: string;
  files: { hosts: string; resolv: string };
  /** Settles when the links are there: only then may the step start. */
  made: Promise<unknown>;
}

/** Joins what `run` joins by itself, or nothing. place: where its files go. */
export async function joinStep(store: Store, record: ContainerRecord, place: string): Promise<StepNetwork> {
  const { hostConfig, id, name, config, networks } = record;
  const mode = parseNetworkMode(hostConfig.NetworkMode);
  const { hostsFile, resolvConf } = await import('#network/files.ts');
  const joined =
    mode.kind === 'own' ? await joinAll(store, { id, name, hostname: config.Hostname, networks }) : undefined;
  const endpoints = Object.values(joined?.endpoints ?? {});
  const files = { hosts: join(place, 'hosts'), resolv: join(place, 'resolv.conf') };
  const hosts = hostsFile({
    mode: mode.kind,
    hostname: config.Hostname,
    domainname: '',
    addresses: endpoints.flatMap(({ address, address6 }) => [address ?? [], address6 ?? []].flat()),
    extraHosts: hostConfig.ExtraHosts,
    reachesHost: endpoints.some(({ gateway, gateway6 }) => gateway ?? gateway6),
  });
  const own = joined?.nameServers ?? [];
  writeFileSync(files.hosts, hosts, { mode: 0o644 });
  writeFileSync(files.resolv, resolvConf({ mode: mode.kind, dns: [], search: [], options: [], own }), { mode: 0o644 });
  return {
    ...(joined === undefined ? {} : { netns: joined.netns }),
    files,
    made: joined?.made.then(() => undefined) ?? Promise.resolve(),
    [Symbol.asyncDispose]: async () => {
      if (joined === undefined) return;
      await joined.made.catch(() => undefined);
      const { leaveNetworks } = await import('#network/network.ts');
      await leaveNetworks(store, id);
    },
  };
}

interface Who {
  id: string;
  name: string;
  hostname: string;
  networks: ContainerRecord['networks'];
}

async function joinAll(store: Store, who: Who) {
  const { joinNetworks } = await import('#network/network.ts');
  return joinNetworks(store, { ...who, dns: [], links: [], lives: (id) => isRunning(readState(store, id)) });
}
