/** A container's start meets its network: the namespace, the addresses, the ports, and what /etc says of them. */
import { existsSync } from 'node:fs';
import type { Endpoint, PortMap } from '#base/api.ts';
import type { ContainerRecord } from '#container/record.ts';
import type { Found } from '#container/surroundings.ts';
import type { Store } from '#store/store.ts';
import { replace } from '#sys/file.ts';

export interface Connection {
  /** The container's network namespace; absent where the runtime makes or finds it (none, host, container:ID). */
  netns?: string;
  /** The one that published ports are forwarded from. */
  userNetns?: string;
  endpoints: Record<string, Endpoint>;
  /** What is published, with the host's ports chosen. */
  ports: PortMap;
  /** The same, for the monitor. */
  publish: string[];
  /** Settles when all of it is there; only then may the container start, or be given up. */
  made: Promise<void>;
}

const UNCONNECTED: Connection = { endpoints: {}, ports: {}, publish: [], made: Promise.resolve() };
const SHARED = 'container:';

/** Joins the networks that the record names, in a network namespace of the container's own, which is being made then. */
export async function connectContainer(store: Store, record: ContainerRecord): Promise<Connection> {
  const { NetworkMode: mode, PortBindings, PublishAllPorts } = record.hostConfig;
  if (mode === 'none' || mode === 'host' || mode.startsWith(SHARED)) return UNCONNECTED;
  const [{ joinNetworks }, { choosePorts, publishLines }] = await Promise.all([
    import('#network/network.ts'),
    import('#network/ports.ts'),
  ]);
  const ports = await choosePorts(PortBindings, record.config.ExposedPorts, PublishAllPorts);
  const named = Object.keys(record.networks).length > 0;
  const { netns, userNetns, endpoints, made } = await joinNetworks(store, {
    id: record.id,
    name: record.name,
    hostname: record.config.Hostname,
    networks: named ? record.networks : { [mode === 'default' ? 'bridge' : mode]: {} },
  });
  const first = Object.values(endpoints)[0]?.address;
  return { netns, userNetns, endpoints, ports, made, publish: first === undefined ? [] : publishLines(ports, first) };
}

/** What is bound over the files of the same names in the container's /etc. */
export interface EtcFiles {
  hosts?: string;
  hostname?: string;
  resolv?: string;
}

/** Writes the files, and gives their paths. A container in another's network has that one's. */
export async function writeEtcFiles(
  store: Store,
  record: ContainerRecord,
  { connection, found }: { connection: Connection; found: Found },
): Promise<EtcFiles> {
  const { hostConfig } = record;
  const mode = hostConfig.NetworkMode;
  if (mode.startsWith(SHARED)) return filesOf(store, mode.slice(SHARED.length));
  const { hostsFile, resolvConf } = await import('#network/files.ts');
  const hostname = record.config.Hostname || found.hostname;
  const contents = {
    hosts: hostsFile({
      mode,
      hostname,
      domainname: record.config.Domainname || found.domainname,
      addresses: Object.values(connection.endpoints).flatMap(({ address }) => address ?? []),
      extraHosts: hostConfig.ExtraHosts,
    }),
    hostname: `${hostname}\n`,
    'resolv.conf': resolvConf({
      mode,
      dns: hostConfig.Dns,
      search: hostConfig.DnsSearch,
      options: hostConfig.DnsOptions,
    }),
  };
  for (const [name, content] of Object.entries(contents)) {
    replace(store.path('containers', record.id, name), content, { mode: 0o644 });
  }
  return filesOf(store, record.id);
}

function filesOf(store: Store, id: string): EtcFiles {
  const at = (name: string) => store.path('containers', id, name);
  return existsSync(at('hosts')) ? { hosts: at('hosts'), hostname: at('hostname'), resolv: at('resolv.conf') } : {};
}
