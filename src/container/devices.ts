/** --device and --privileged: which device nodes of the host a container gets, and as what. */
import { type Dirent, lstatSync, readdirSync, realpathSync, type Stats, statSync } from 'node:fs';
import { join } from 'node:path';
import type { DeviceMapping } from '#base/api.ts';
import { hasCode, WherryError } from '#base/error.ts';
import type { Device, DeviceRule, Mount } from '#oci/spec.ts';

/** A device node of the host, with its place in the container. */
export interface FoundDevice {
  /** On the host, links followed. */
  source: string;
  destination: string;
  type: 'c' | 'b';
  major: number;
  minor: number;
  mode: number;
  uid: number;
  gid: number;
  /** r, w, m. */
  access: string;
}

/** What a runtime makes by itself, or what must be the container's own (containerd, HostDevices). */
const OWN = new Set(['pts', 'shm', 'fd', 'mqueue', '.lxc', '.lxd-mounts', '.udev', 'console', 'ptmx', 'tty']);

/** Looks up what was asked for. Throws kind `not-found` or `invalid` in Docker's words. */
export function findDevices(asked: readonly DeviceMapping[], privileged: boolean): FoundDevice[] {
  const found = new Map<string, FoundDevice>();
  if (privileged) for (const device of devicesBelow('/dev', '/dev', 'rwm', OWN)) found.set(device.destination, device);
  for (const mapping of asked) {
    for (const device of lookUp(mapping, privileged)) {
      if (!found.has(device.destination)) found.set(device.destination, device);
    }
  }
  return [...found.values()];
}

function lookUp({ PathOnHost, PathInContainer, CgroupPermissions }: DeviceMapping, privileged: boolean): FoundDevice[] {
  const access = privileged ? 'rwm' : CgroupPermissions;
  const refuse = (kind: 'not-found' | 'invalid', why: string) =>
    new WherryError(kind, `error gathering device information while adding custom device "${PathOnHost}": ${why}`);
  let source: string;
  try {
    source = realpathSync(PathOnHost);
  } catch (error) {
    if (!hasCode(error, 'ENOENT', 'ENOTDIR', 'EACCES')) throw error;
    throw refuse('not-found', hasCode(error, 'EACCES') ? 'permission denied' : 'no such file or directory');
  }
  const stat = statSync(source);
  if (stat.isDirectory()) return devicesBelow(source, PathInContainer, access);
  const device = asDevice(source, PathInContainer, access, stat);
  if (device === undefined) throw refuse('invalid', 'not a device node');
  return [device];
}

function devicesBelow(source: string, destination: string, access: string, omit = new Set<string>()): FoundDevice[] {
  return list(source).flatMap((entry) => {
    if (omit.has(entry.name)) return [];
    const [from, to] = [join(source, entry.name), join(destination, entry.name)];
    if (entry.isDirectory()) return devicesBelow(from, to, access);
    if (!entry.isCharacterDevice() && !entry.isBlockDevice()) return [];
    return asDevice(from, to, access, lstatSync(from)) ?? [];
  });
}

function list(directory: string): Dirent[] {
  try {
    return readdirSync(directory, { withFileTypes: true });
  } catch (error) {
    // What we may not look into, a container of ours may not have either.
    if (hasCode(error, 'EACCES', 'EPERM', 'ENOENT')) return [];
    throw error;
  }
}

function asDevice(source: string, destination: string, access: string, stat: Stats): FoundDevice | undefined {
  const type = stat.isCharacterDevice() ? 'c' : stat.isBlockDevice() ? 'b' : undefined;
  if (type === undefined) return undefined;
  const { mode, uid, gid } = stat;
  return { source, destination, type, ...numbersOf(stat.rdev), mode: mode & 0o7777, uid, gid, access };
}

/** A device's number as the kernel packs it into 64 bits (makedev(3)). */
export function numbersOf(rdev: number): { major: number; minor: number } {
  return {
    major: ((rdev >>> 8) & 0xfff) | (Math.floor(rdev / 2 ** 32) & ~0xfff),
    minor: (rdev & 0xff) | ((rdev >>> 12) & 0xfff00),
  };
}

/** In a user namespace mknod(2) is refused, so the host's own node is bound; the host's permissions hold. */
export function asBind({ source, destination }: FoundDevice): Mount {
  return { destination, type: 'bind', source, options: ['bind', 'rprivate', 'nosuid', 'noexec'] };
}

/** For real root: a node of the container's own. */
export function asNode({ destination, type, major, minor, mode, uid, gid }: FoundDevice): Device {
  return { path: destination, type, major, minor, fileMode: mode, uid, gid };
}

/** null, zero, full, random, urandom, tty; pseudo-terminals; not FUSE. Docker's rules (config-linux.md, "Default Devices"). */
const DEFAULT_RULES: readonly DeviceRule[] = [
  { allow: false, access: 'rwm' },
  ...[
    [1, 5],
    [1, 3],
    [1, 9],
    [1, 8],
    [5, 0],
    [5, 1],
  ].map(([major = 0, minor = 0]): DeviceRule => ({ allow: true, type: 'c', major, minor, access: 'rwm' })),
  { allow: false, type: 'c', major: 10, minor: 229, access: 'rwm' },
];

/**
 * What the container's cgroup lets it open; only real root's cgroups can hold that.
 * more: those of --device-cgroup-rule.
 */
export function deviceRules(
  devices: readonly FoundDevice[],
  privileged: boolean,
  more: readonly string[] = [],
): DeviceRule[] {
  if (privileged) return [{ allow: true, access: 'rwm' }];
  return [
    ...DEFAULT_RULES,
    ...devices.map(({ type, major, minor, access }): DeviceRule => ({ allow: true, type, major, minor, access })),
    ...more.map(readRule),
  ];
}

/** `c 1:3 rwm`, `b 8:* r`, `a *:* rwm`: one --device-cgroup-rule, whose form the command line has checked. */
export const DEVICE_RULE = /^([acb]) ([0-9]+|\*):([0-9]+|\*) ([rwm]{1,3})$/;

function readRule(text: string): DeviceRule {
  const [, type = 'a', major = '*', minor = '*', access = ''] = DEVICE_RULE.exec(text) ?? [];
  return {
    allow: true,
    type: type as 'a' | 'b' | 'c',
    ...(major === '*' ? {} : { major: Number(major) }),
    ...(minor === '*' ? {} : { minor: Number(minor) }),
    access,
  };
}
