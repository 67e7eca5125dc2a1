/** A record becomes the runtime's config.json (OCI runtime-spec 1.2), as Docker makes it. Pure: nothing is looked up. */
import type { HostConfig } from '#base/api.ts';
import { WherryError } from '#base/error.ts';
import { asNode, deviceRules } from '#container/devices.ts';
import { cgroupsPath, resources } from '#container/limits.ts';
import { makeProcess } from '#container/process.ts';
import type { ContainerRecord } from '#container/record.ts';
import { customSeccomp, defaultSeccomp } from '#container/seccomp.ts';
import { READONLY_PATHS, readSecurity } from '#container/security.ts';
import { INIT, rootPropagation, specMounts } from '#container/spec-mounts.ts';
import type { Found } from '#container/surroundings.ts';
import type { Linux, Namespace, Resources, Seccomp, Spec } from '#oci/spec.ts';
import { lastOfRun } from '#sys/userns.ts';

export interface SpecInput {
  record: ContainerRecord;
  /** The mounted root. */
  rootfs: string;
  /** Paths of the files that are bound into /etc; absent ones are the image's own. */
  files: { hosts?: string; hostname?: string; resolv?: string };
  /** The network namespace to join: bridge networks, and container:NAME. Absent: by the network mode. */
  netns?: string;
  /** First size of the terminal: rows, columns. */
  size?: readonly [number, number];
  /** What lookAround() found (container/surroundings.ts). */
  found: Found;
}

/** Version 1.2 changed nothing that we write, and Debian 12's crun (1.8) refuses bundles that name it. */
const OCI_VERSION = '1.1.0';

/** Makes the specification. Throws kind `denied` or `invalid` for what can't be given. */
export function makeSpec(input: SpecInput): Spec {
  const { record, found } = input;
  const { config, hostConfig } = record;
  const command = [record.path, ...record.args];
  const process = makeProcess(record, found.facts, {
    args: found.init === undefined ? command : [INIT, '--', ...command],
    terminal: config.Tty,
    ...(input.size === undefined ? {} : { size: input.size }),
    identity: found.identity,
    cwd: config.WorkingDir,
    hostname: found.hostname,
  });
  const hostname = config.Hostname || found.hostname;
  const domainname = config.Domainname || found.domainname;
  const named = hostConfig.UTSMode !== 'host';
  return {
    ociVersion: OCI_VERSION,
    process,
    root: { path: input.rootfs, ...(hostConfig.ReadonlyRootfs ? { readonly: true } : {}) },
    ...(named ? { hostname } : {}),
    ...(named && domainname !== '' ? { domainname } : {}),
    mounts: specMounts(input),
    ...(hostConfig.Annotations ? { annotations: hostConfig.Annotations } : {}),
    linux: linuxPart(input, process.capabilities?.bounding ?? []),
  };
}

function linuxPart(input: SpecInput, capabilities: readonly string[]): Linux {
  const { record, found } = input;
  const { hostConfig: host } = record;
  const { initial } = found.facts.userns;
  const privileged = host.Privileged;
  const path = cgroupsPath(record.id, host, found.facts.cgroup, initial);
  const limits = path === undefined ? undefined : resourcesOf(input);
  const propagation = rootPropagation(record.mounts);
  const seccomp = seccompOf(input, capabilities);
  return {
    namespaces: namespaces(input),
    ...(initial && found.devices.length > 0 ? { devices: found.devices.map(asNode) } : {}),
    ...(path === undefined ? {} : { cgroupsPath: path }),
    ...(limits === undefined ? {} : { resources: limits }),
    sysctl: sysctls(host, found),
    ...(seccomp === undefined ? {} : { seccomp }),
    ...(propagation === undefined ? {} : { rootfsPropagation: propagation }),
    ...(privileged ? {} : { maskedPaths: host.MaskedPaths ?? [] }),
    ...(privileged ? {} : { readonlyPaths: host.ReadonlyPaths ?? [...READONLY_PATHS] }),
  };
}

/** Rules for devices are the kernel's to keep, and it lets only real root set them. */
function resourcesOf({ record: { hostConfig }, found }: SpecInput): Resources | undefined {
  const limits = resources(hostConfig);
  if (!found.facts.userns.initial) return limits;
  return { devices: deviceRules(found.devices, hostConfig.Privileged), ...limits };
}

function namespaces({ record: { hostConfig: host }, found, netns }: SpecInput): Namespace[] {
  const list: Namespace[] = [{ type: 'mount' }];
  const add = (type: Namespace['type'], path?: string) => list.push(path === undefined ? { type } : { type, path });
  if (host.NetworkMode !== 'host') add('network', netns ?? found.namespaces.network);
  if (host.UTSMode !== 'host') add('uts');
  if (host.PidMode !== 'host') add('pid', found.namespaces.pid);
  if (host.IpcMode !== 'host') add('ipc', found.namespaces.ipc);
  if (host.CgroupnsMode !== 'host') add('cgroup');
  return list;
}

const NEW_NETWORK = /^(?!host$|container:)/;

/** Docker's own settings of a network that is the container's alone, and those asked for. */
function sysctls(host: HostConfig, { facts }: Found): Record<string, string> {
  const asked = host.Sysctls ?? {};
  for (const name of Object.keys(asked)) {
    const space = name.startsWith('net.') ? host.NetworkMode : name.startsWith('kernel.') ? host.IpcMode : '';
    if (space !== 'host') continue;
    throw new WherryError(
      'invalid',
      `sysctl "${name}" not allowed in host ${name.startsWith('net.') ? 'network' : 'ipc'} namespace`,
    );
  }
  if (!NEW_NETWORK.test(host.NetworkMode)) return asked;
  // Everybody in the container may ping; the kernel takes no groups that the user namespace does not have.
  const groups = facts.userns.initial ? 2 ** 31 - 1 : lastOfRun(facts.userns.gids);
  return {
    'net.ipv4.ip_unprivileged_port_start': '0',
    'net.ipv4.ping_group_range': `0 ${groups}`,
    ...asked,
  };
}

function seccompOf({ record: { hostConfig }, found: { facts } }: SpecInput, capabilities: readonly string[]) {
  const { seccomp } = readSecurity(hostConfig.SecurityOpt ?? []);
  const conditions = { capabilities, arch: facts.arch, kernel: facts.kernel };
  if (seccomp === 'unconfined' || (seccomp === '' && hostConfig.Privileged)) return undefined;
  if (seccomp !== '' && seccomp !== 'builtin') {
    if (!facts.seccomp) {
      throw new WherryError(
        'unsupported',
        'seccomp is not enabled in your kernel, cannot run a custom seccomp profile',
      );
    }
    return customSeccomp(seccomp, conditions);
  }
  return facts.seccomp ? defaultSeccomp(conditions) : (undefined satisfies Seccomp | undefined);
}
