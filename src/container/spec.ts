/** A record becomes the runtime's config.json (OCI runtime-spec 1.2), as Docker makes it. Pure: nothing is looked up. */
import type { HostConfig } from '#base/api.ts';
import { WherryError } from '#base/error.ts';
import { asNode, deviceRules } from '#container/devices.ts';
import { type Identity, KEEP_GROUPS } from '#container/identity.ts';
import { cgroupsPath, resources } from '#container/limits.ts';
import { makeProcess } from '#container/process.ts';
import type { ContainerRecord } from '#container/record.ts';
import { customSeccomp, defaultSeccomp } from '#container/seccomp.ts';
import { READONLY_PATHS, readSecurity } from '#container/security.ts';
import { INIT, rootPropagation, specMounts } from '#container/spec-mounts.ts';
import { type Found, idsOf } from '#container/surroundings.ts';
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
  const process = makeProcess(
    record,
    { ...found.facts, userns: idsOf(found) },
    {
      args: found.init === undefined ? command : [INIT, '--', ...command],
      terminal: config.Tty,
      ...(input.size === undefined ? {} : { size: input.size }),
      identity: withGroups(found),
      cwd: config.WorkingDir,
      hostname: found.hostname,
      ...(found.further === undefined ? {} : { given: found.further.env }),
    },
  );
  const hostname = config.Hostname || found.hostname;
  const domainname = config.Domainname || found.domainname;
  const named = !/^(host|container:.*)$/.test(hostConfig.UTSMode);
  const annotations = annotationsOf(hostConfig);
  return {
    ociVersion: OCI_VERSION,
    process,
    root: { path: input.rootfs, ...(hostConfig.ReadonlyRootfs ? { readonly: true } : {}) },
    ...(named ? { hostname } : {}),
    ...(named && domainname !== '' ? { domainname } : {}),
    mounts: specMounts(input),
    ...(annotations === undefined ? {} : { annotations }),
    ...hooksOf(found),
    linux: linuxPart(input, process.capabilities?.bounding ?? []),
  };
}

function withGroups({ identity, further }: Found): Identity {
  const groups = further?.additionalGids ?? [];
  return groups.length === 0
    ? identity
    : { ...identity, additionalGids: [...new Set([...identity.additionalGids, ...groups])] };
}

/** crun(1): the groups that we are in on the host stay those of the container's process. */
function annotationsOf({ Annotations: asked, GroupAdd: groups }: HostConfig): Record<string, string> | undefined {
  if (!groups?.includes(KEEP_GROUPS)) return asked;
  return { ...asked, 'run.oci.keep_original_groups': '1' };
}

function hooksOf({ further }: Found): Pick<Spec, 'hooks'> {
  const hooks = further?.hooks ?? [];
  if (hooks.length === 0) return {};
  const groups = Map.groupBy(hooks, ({ hookName }) => hookName);
  return {
    hooks: Object.fromEntries(
      [...groups].map(([name, group]) => [name, group.map(({ hookName: _name, ...hook }) => hook)]),
    ),
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
    ...(record.extras?.personality === undefined ? {} : { personality: { domain: record.extras.personality } }),
    ...(privileged ? {} : { maskedPaths: host.MaskedPaths ?? [] }),
    ...(privileged ? {} : { readonlyPaths: host.ReadonlyPaths ?? [...READONLY_PATHS] }),
  };
}

/** Rules for devices are the kernel's to keep, and it lets only real root set them. */
function resourcesOf({ record: { hostConfig }, found }: SpecInput): Resources | undefined {
  const limits = resources(hostConfig);
  if (!found.facts.userns.initial) return limits;
  return { devices: deviceRules(found.devices, hostConfig.Privileged, hostConfig.DeviceCgroupRules ?? []), ...limits };
}

function namespaces({ record: { hostConfig: host }, found, netns }: SpecInput): Namespace[] {
  const list: Namespace[] = [{ type: 'mount' }];
  const add = (type: Namespace['type'], path?: string) => list.push(path === undefined ? { type } : { type, path });
  if (host.NetworkMode !== 'host') add('network', netns ?? found.namespaces.network);
  const { user, uts, cgroup } = found.further?.namespaces ?? {};
  // First: the others are to be its own.
  if (user !== undefined) list.unshift({ type: 'user', path: user });
  if (host.UTSMode !== 'host') add('uts', uts);
  if (host.PidMode !== 'host') add('pid', found.namespaces.pid);
  if (host.IpcMode !== 'host') add('ipc', found.namespaces.ipc);
  if (host.CgroupnsMode !== 'host') add('cgroup', cgroup);
  return list;
}

const NEW_NETWORK = /^(?!host$|container:|ns:)/;

/** Docker's own settings of a network that is the container's alone, and those asked for. */
function sysctls(host: HostConfig, found: Found): Record<string, string> {
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
  const ids = idsOf(found);
  const groups = ids.initial ? 2 ** 31 - 1 : lastOfRun(ids.gids);
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
