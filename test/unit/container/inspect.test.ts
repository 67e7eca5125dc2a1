import { writeFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { inspectContainer } from '#container/inspect.ts';
import { lookAt } from '#container/view.ts';
import { addContainer, recordOf, stateOf } from '#test/support/container.ts';
import { temporaryStore } from '#test/support/store.ts';

/** docker inspect, 28.5: the keys of a container with everything set, in its order. */
const KEYS = `Id Created Path Args State Image ResolvConfPath HostnamePath HostsPath LogPath Name RestartCount Driver
  Platform MountLabel ProcessLabel AppArmorProfile ExecIDs HostConfig GraphDriver SizeRw SizeRootFs Mounts Config
  NetworkSettings`;
const HOST_KEYS = `Binds ContainerIDFile LogConfig NetworkMode PortBindings RestartPolicy AutoRemove VolumeDriver
  VolumesFrom ConsoleSize Annotations CapAdd CapDrop CgroupnsMode Dns DnsOptions DnsSearch ExtraHosts GroupAdd IpcMode
  Cgroup Links OomScoreAdj PidMode Privileged PublishAllPorts ReadonlyRootfs SecurityOpt Tmpfs UTSMode UsernsMode
  ShmSize Sysctls Runtime Isolation CpuShares Memory NanoCpus CgroupParent BlkioWeight BlkioWeightDevice
  BlkioDeviceReadBps BlkioDeviceWriteBps BlkioDeviceReadIOps BlkioDeviceWriteIOps CpuPeriod CpuQuota CpuRealtimePeriod
  CpuRealtimeRuntime CpusetCpus CpusetMems Devices DeviceCgroupRules DeviceRequests MemoryReservation MemorySwap
  MemorySwappiness OomKillDisable PidsLimit Ulimits CpuCount CpuPercent IOMaximumIOps IOMaximumBandwidth MaskedPaths
  ReadonlyPaths Init`;
const CONFIG_KEYS = `Hostname Domainname User AttachStdin AttachStdout AttachStderr Tty OpenStdin StdinOnce Env Cmd
  Healthcheck Image Volumes WorkingDir Entrypoint OnBuild Labels StopSignal StopTimeout`;
const NETWORK_KEYS = `Bridge SandboxID SandboxKey Ports HairpinMode LinkLocalIPv6Address LinkLocalIPv6PrefixLen
  SecondaryIPAddresses SecondaryIPv6Addresses EndpointID Gateway GlobalIPv6Address GlobalIPv6PrefixLen IPAddress
  IPPrefixLen IPv6Gateway MacAddress Networks`;
const ENDPOINT_KEYS = `IPAMConfig Links Aliases MacAddress DriverOpts GwPriority NetworkID EndpointID Gateway IPAddress
  IPPrefixLen IPv6Gateway GlobalIPv6Address GlobalIPv6PrefixLen DNSNames`;

interface Inspected {
  [key: string]: unknown;
  State: Record<string, unknown>;
  HostConfig: Record<string, unknown>;
  Config: Record<string, unknown>;
  NetworkSettings: Record<string, unknown> & { Networks: Record<string, Record<string, unknown>> };
}

const words = (text: string) => text.split(/\s+/);

test('a container has the keys of Docker, in their order', () => {
  const store = temporaryStore();
  const record = recordOf({
    networks: { bridge: {} },
    config: { Healthcheck: { Test: ['CMD-SHELL', 'true'] }, StopSignal: 'INT', StopTimeout: 3 },
    hostConfig: {
      Annotations: { a: 'b' },
      Tmpfs: { '/x': 'size=1m' },
      Sysctls: { 'net.ipv4.ip_forward': '1' },
      Init: true,
      MaskedPaths: [],
      ReadonlyPaths: [],
    },
  });
  const seen = lookAt(store, addContainer(store, record));
  const shown = inspectContainer(store, seen, { own: 2, image: 3 }) as Inspected;
  expect(Object.keys(shown)).toEqual(words(KEYS));
  expect(Object.keys(shown.HostConfig).filter((key) => key !== 'MaskedPaths' && key !== 'ReadonlyPaths')).toEqual(
    words(HOST_KEYS).filter((key) => key !== 'MaskedPaths' && key !== 'ReadonlyPaths'),
  );
  expect(Object.keys(shown.Config)).toEqual(words(CONFIG_KEYS));
  expect(Object.keys(shown.NetworkSettings)).toEqual(words(NETWORK_KEYS));
  expect(Object.keys(shown.NetworkSettings.Networks.bridge ?? {})).toEqual(words(ENDPOINT_KEYS));
  expect(shown).toMatchObject({ Name: '/web', SizeRw: 2, SizeRootFs: 5, Platform: 'linux', LogPath: '' });
});

test('a container that never ran was never started and never finished', () => {
  const store = temporaryStore();
  const shown = inspectContainer(store, lookAt(store, addContainer(store, recordOf()))) as Inspected;
  expect(shown.State).toEqual({
    Status: 'created',
    Running: false,
    Paused: false,
    Restarting: false,
    OOMKilled: false,
    Dead: false,
    Pid: 0,
    ExitCode: 0,
    Error: '',
    StartedAt: '0001-01-01T00:00:00Z',
    FinishedAt: '0001-01-01T00:00:00Z',
  });
  expect(shown.Created).toBe('2026-01-02T03:04:05Z');
  expect('SizeRw' in shown).toBe(false);
});

test('times end without zeros, as Go writes them', () => {
  const store = temporaryStore();
  const state = stateOf({ startedAt: '2026-01-02T03:04:50.120000000Z', pid: 42 });
  const shown = inspectContainer(store, lookAt(store, addContainer(store, recordOf(), state))) as Inspected;
  expect(shown.State).toMatchObject({ StartedAt: '2026-01-02T03:04:50.12Z', Running: true, Pid: 42 });
});

test('a running container shows its addresses, a user-defined network its names', () => {
  const store = temporaryStore();
  const record = addContainer(store, recordOf({ networks: { bridge: {}, app: { Aliases: ['db'] } } }), stateOf());
  const endpoint = { aliases: [], address: '172.17.0.2/16', gateway: '172.17.0.1', mac: '02:42:ac:11:00:02' };
  const network = {
    netns: '/run/netns',
    endpoints: { bridge: { network: 'bridge', ...endpoint }, app: { network: 'app', ...endpoint, aliases: ['db'] } },
    ports: {},
  };
  writeFileSync(store.path('containers', record.id, 'network.json'), JSON.stringify(network));
  const { NetworkSettings: shown } = inspectContainer(store, lookAt(store, record)) as Inspected;
  expect(shown).toMatchObject({
    SandboxKey: '/run/netns',
    IPAddress: '172.17.0.2',
    IPPrefixLen: 16,
    Gateway: '172.17.0.1',
    MacAddress: '02:42:ac:11:00:02',
  });
  expect(shown.Networks.bridge).toMatchObject({ IPAddress: '172.17.0.2', DNSNames: null, Aliases: null });
  expect(shown.Networks.app).toMatchObject({ Aliases: ['db'], DNSNames: ['web', 'db', 'cccccccccccc'] });
});
