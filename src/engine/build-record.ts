/** A RUN as a container: the same record, so that all that `run` does for one is done for it. */
import type { Config, HostConfig } from '#base/api.ts';
import type { BuildLimits } from '#build/request.ts';
import type { RunStep } from '#build/vertex.ts';
import type { ContainerRecord } from '#container/record.ts';
import { settleRequest } from '#container/settle.ts';
import { timestamp } from '#container/state.ts';
import type { Store } from '#store/store.ts';

/** What the whole build has asked for. */
export interface StepSurroundings {
  limits: BuildLimits;
  securityOptions: readonly string[];
  cgroupParent?: string | undefined;
}

/** What a container of BuildKit's is called. */
const HOSTNAME = 'buildkitsandbox';

/** With what is to be said of limits that have no effect. Throws kind `invalid` or `denied` for limits that can't be. */
export function stepRecord(
  store: Store,
  id: string,
  step: RunStep,
  surroundings: StepSurroundings,
): { record: ContainerRecord; warnings: string[] } {
  const { request, warnings } = settleRequest(store, {
    config: configOf(step),
    hostConfig: hostConfigOf(step, surroundings),
    networks: {},
  });
  const [path = '', ...args] = step.args;
  const record: ContainerRecord = {
    id,
    name: id,
    created: timestamp(),
    image: { reference: 'the build', id: '', manifest: '', platform: '', diffIds: [] },
    config: request.config,
    hostConfig: request.hostConfig,
    path,
    args,
    mounts: [],
    networks: request.networks,
    driver: 'overlay',
  };
  return { record, warnings };
}

function configOf({ args, env, cwd, user, hostname }: RunStep): Config {
  return {
    Hostname: hostname ?? HOSTNAME,
    Domainname: '',
    User: user,
    AttachStdin: false,
    AttachStdout: false,
    AttachStderr: false,
    Tty: false,
    OpenStdin: false,
    StdinOnce: false,
    Env: [...env],
    Cmd: [...args],
    Image: '',
    Volumes: null,
    WorkingDir: cwd,
    Entrypoint: null,
    Labels: {},
  } as Config;
}

function hostConfigOf(step: RunStep, { limits, securityOptions, cgroupParent }: StepSurroundings): HostConfig {
  return {
    Binds: null,
    ContainerIDFile: '',
    LogConfig: { Type: 'none', Config: {} },
    NetworkMode: step.network,
    PortBindings: {},
    PublishAllPorts: false,
    RestartPolicy: { Name: 'no', MaximumRetryCount: 0 },
    AutoRemove: true,
    ConsoleSize: [0, 0],
    CapAdd: null,
    CapDrop: null,
    CgroupnsMode: '',
    Dns: [],
    DnsOptions: [],
    DnsSearch: [],
    ExtraHosts: step.hosts.map(({ host, ip }) => `${host}:${ip}`),
    GroupAdd: null,
    IpcMode: '',
    PidMode: '',
    UTSMode: '',
    UsernsMode: '',
    Privileged: step.security === 'insecure',
    ReadonlyRootfs: false,
    SecurityOpt: securityOptions.length === 0 ? null : [...securityOptions],
    ShmSize: step.shmSize ?? 0,
    Runtime: '',
    Devices: [],
    Ulimits: step.ulimits.map(({ name, soft, hard }) => ({ Name: name, Soft: soft, Hard: hard })),
    MaskedPaths: null,
    ReadonlyPaths: null,
    OomScoreAdj: 0,
    Memory: limits.memory ?? 0,
    ...(limits.memorySwap === undefined ? {} : { MemorySwap: limits.memorySwap }),
    NanoCpus: 0,
    ...(limits.cpuPeriod === undefined ? {} : { CpuPeriod: limits.cpuPeriod }),
    ...(limits.cpuQuota === undefined ? {} : { CpuQuota: limits.cpuQuota }),
    ...(limits.cpusetCpus === undefined ? {} : { CpusetCpus: limits.cpusetCpus }),
    ...(limits.cpusetMems === undefined ? {} : { CpusetMems: limits.cpusetMems }),
    CpuShares: limits.cpuShares ?? 0,
    PidsLimit: null,
    CgroupParent: step.cgroupParent ?? cgroupParent ?? '',
    Links: null,
    VolumesFrom: null,
  };
}
