/** What a container mounts, in order: the runtime's file systems, Docker's files in /etc, volumes, --init, devices. */
import type { MountPoint } from '#base/api.ts';
import { WherryError } from '#base/error.ts';
import { asBind } from '#container/devices.ts';
import type { ContainerRecord } from '#container/record.ts';
import { readSecurity } from '#container/security.ts';
import type { SpecInput } from '#container/spec.ts';
import { type Found, idsOf } from '#container/surroundings.ts';
import { isForSystemd } from '#container/systemd.ts';
import type { Mount, Propagation } from '#oci/spec.ts';
import { type IdRange, isMapped } from '#sys/userns.ts';

/** What a read-only root leaves writable. */
const STAYS_WRITABLE = new Set(['/proc', '/dev', '/dev/pts', '/dev/shm', '/dev/mqueue']);

/** All mounts, parents before what is inside them. */
export function specMounts(input: SpecInput): Mount[] {
  const { record, found } = input;
  const { hostConfig } = record;
  const own = new Set(record.mounts.map((point) => point.Destination));
  const mounts = fileSystems(input).filter(
    ({ destination }) => !own.has(destination) && !(own.has('/dev') && destination.startsWith('/dev/')),
  );
  const { further } = found;
  const tmpfs = extraTmpfs(record).filter(({ destination }) => !own.has(destination));
  const files = etcFiles(input).filter(({ destination }) => !own.has(destination));
  if (hostConfig.ReadonlyRootfs) {
    for (const mount of [...mounts, ...files]) {
      if (!STAYS_WRITABLE.has(mount.destination) && !mount.options.includes('ro')) mount.options.push('ro');
    }
  }
  const volumes = record.mounts.map((point) => ({ ...volumeMount(point, found), ...idMappings(point, record) }));
  const inside = [...files, ...tmpfs, ...volumes, ...(further?.mounts ?? [])];
  mounts.push(...inside.sort((one, other) => depth(one) - depth(other)));
  if (found.init !== undefined) {
    mounts.push({ destination: INIT, type: 'bind', source: found.init, options: ['bind', 'ro'] });
  }
  if (!idsOf(found).initial) mounts.push(...found.devices.map(asBind));
  return mounts;
}

/** Where Docker puts its init. */
export const INIT = '/sbin/docker-init';

const depth = ({ destination }: Mount) => destination.split('/').length;

const SAFE = ['nosuid', 'noexec', 'nodev'];

function mount(destination: string, type: string, options: string[], source = type): Mount {
  return { destination, type, source, options };
}

const hostBind = (path: string, options: string[]) => mount(path, 'bind', ['rbind', 'rprivate', ...options], path);

/**
 * /proc, /dev and /sys. A user namespace may only mount what belongs to it: where the host's own namespace is shared,
 * the host's mount is bound instead.
 */
function fileSystems({ record, found }: SpecInput): Mount[] {
  const { hostConfig: host, extras } = record;
  const ids = idsOf(found);
  const { initial } = ids;
  const bound = (shared: boolean) => shared && !initial;
  const readOnly = host.Privileged ? [] : ['ro'];
  const security = readSecurity(host.SecurityOpt ?? []);
  const writableCgroups = security.writableCgroups ?? (host.Privileged || isForSystemd(record));
  const group = isMapped(ids.gids, TTY_GROUP) ? [`gid=${TTY_GROUP}`] : [];
  // The network of another container belongs to another user namespace than a container's own.
  const othersNetwork = extras?.maps !== undefined && host.NetworkMode.startsWith('container:');
  return [
    bound(host.PidMode === 'host')
      ? hostBind('/proc', SAFE)
      : mount('/proc', 'proc', [...SAFE, ...security.procOptions]),
    mount('/dev', 'tmpfs', ['nosuid', 'strictatime', 'mode=755', 'size=65536k']),
    mount('/dev/pts', 'devpts', ['nosuid', 'noexec', 'newinstance', 'ptmxmode=0666', 'mode=0620', ...group]),
    bound(host.NetworkMode === 'host' || othersNetwork)
      ? hostBind('/sys', [...SAFE, ...readOnly])
      : mount('/sys', 'sysfs', [...SAFE, ...readOnly]),
    mount('/sys/fs/cgroup', 'cgroup', [...(writableCgroups ? [] : ['ro']), ...SAFE]),
    ...messageQueues(bound(host.IpcMode === 'host'), found.hasMqueue),
    ...sharedMemory(host.IpcMode, host.ShmSize, found.shm),
  ];
}

/** The group that owns terminals; Debian's number, which Docker takes for granted. */
const TTY_GROUP = 5;

function messageQueues(bound: boolean, hostHasThem: boolean): Mount[] {
  if (!bound) return [mount('/dev/mqueue', 'mqueue', [...SAFE])];
  return hostHasThem ? [hostBind('/dev/mqueue', SAFE)] : [];
}

function sharedMemory(mode: string, size: number, shared: string | undefined): Mount[] {
  if (mode === 'none') return [];
  if (mode === 'host') return [hostBind('/dev/shm', [])];
  if (shared !== undefined) return [mount('/dev/shm', 'bind', ['rbind', 'rprivate'], shared)];
  return [mount('/dev/shm', 'tmpfs', [...SAFE, 'mode=1777', `size=${size}`], 'shm')];
}

/** tmpfs for --read-only-tmpfs, and what systemd wants to find. */
function extraTmpfs(record: ContainerRecord): Mount[] {
  const { hostConfig, extras } = record;
  const readOnly = hostConfig.ReadonlyRootfs && extras?.readOnlyTmpfs ? ['/run', '/tmp', '/var/tmp'] : [];
  const systemd = isForSystemd(record) ? ['/run', '/run/lock', '/tmp', '/var/log/journal'] : [];
  return [...new Set([...readOnly, ...systemd])].map((path) =>
    mount(path, 'tmpfs', [
      'nosuid',
      'nodev',
      'rprivate',
      path === '/run' || path.endsWith('/journal') ? 'mode=755' : 'mode=1777',
    ]),
  );
}

function etcFiles({ files, record: { extras = {} } }: SpecInput): Mount[] {
  const places = {
    '/etc/resolv.conf': files.resolv,
    '/etc/hostname': extras.noHostname ? undefined : files.hostname,
    '/etc/hosts': extras.noHosts ? undefined : files.hosts,
  };
  return Object.entries(places).flatMap(([destination, source]) =>
    source === undefined ? [] : [mount(destination, 'bind', ['rbind', 'rprivate'], source)],
  );
}

function volumeMount(point: MountPoint, { facts: { kernel }, files, covered }: Found): Mount {
  const { Destination: destination, Source: source, Propagation: propagation } = point;
  checkProc(destination, source || 'tmpfs');
  if (point.Type === 'tmpfs') {
    const mode = covered.get(destination);
    return mount(destination, 'tmpfs', [...tmpfsOptions(point), ...(mode === undefined ? [] : [`mode=${mode}`])]);
  }
  // mount_setattr(2), Linux 5.12: with what is mounted below the source, and flags that are locked stay as they are.
  // crun 1.8 opens its target as a directory; nothing is mounted below a file.
  const able = kernel[0] > 5 || (kernel[0] === 5 && kernel[1] >= 12);
  if (!able && point.ReadOnlyForceRecursive) {
    throw new WherryError('unsupported', 'rro is not supported: this kernel has no mount_setattr(2), of Linux 5.12', {
      hint: 'Leave out bind-recursive=readonly: what is mounted below stays writable',
    });
  }
  const readOnly = able && !files.has(source) && !point.ReadOnlyNonRecursive ? 'rro' : 'ro';
  return mount(
    destination,
    'bind',
    ['rbind', ...(point.RW ? [] : [readOnly]), ...(point.Flags ?? []), ...(propagation === '' ? [] : [propagation])],
    source,
  );
}

/** Without ids of the container's own those on disk are the same already. */
function idMappings({ Idmap }: MountPoint, { extras }: ContainerRecord): Pick<Mount, 'uidMappings' | 'gidMappings'> {
  if (!Idmap || extras?.maps === undefined) return {};
  const mapped = (ranges: readonly IdRange[]) =>
    ranges.map(({ inside, outside, count }) => ({ containerID: inside, hostID: outside, size: count }));
  return { uidMappings: mapped(extras.maps.uids), gidMappings: mapped(extras.maps.gids) };
}

/** What may be covered in /proc (runc, libcontainer/rootfs_linux.go): lxcfs has its own of these. */
const PROC_FILES =
  /^\/proc\/(?:cpuinfo|diskstats|meminfo|stat|swaps|uptime|loadavg|slabinfo|net\/dev|sys\/kernel\/ns_last_pid|sys\/crypto\/fips_enabled)$/;

/** A /proc of the image's making would hide what runtimes and their guards rely on (CVE-2019-16884). */
function checkProc(destination: string, source: string): void {
  if (!/^\/proc(\/|$)/.test(destination) || PROC_FILES.test(destination)) return;
  if (destination === '/proc' && source === '/proc') return;
  const why = destination === '/proc' ? 'it is not of type proc' : 'it is inside /proc';
  throw new WherryError(
    'invalid',
    `error mounting "${source}" to rootfs at "${destination}": "${destination}" cannot be mounted because ${why}`,
    { exitCode: 125 },
  );
}

/** A flag, and the one that it takes the place of. */
const OPPOSITES = new Map(
  ['exec', 'suid', 'dev', 'atime', 'diratime', 'relatime', 'strictatime', 'mand'].map((name) => [name, `no${name}`]),
);
OPPOSITES.set('rw', 'ro').set('async', 'sync');
for (const [one, other] of [...OPPOSITES]) OPPOSITES.set(other, one);

/** Docker's defaults, overridden by what was asked for; of a value that is given twice, the last one counts. */
function tmpfsOptions({ TmpfsOptions: asked = [], RW }: MountPoint): string[] {
  const kept = new Map<string, string>();
  for (const word of [...SAFE, 'rprivate', ...asked, ...(RW ? [] : ['ro'])]) {
    const opposite = OPPOSITES.get(word);
    if (opposite !== undefined) kept.delete(opposite);
    kept.set(word.split('=', 1)[0] ?? word, word);
  }
  return [...kept.values()];
}

/** How the root has to be mounted for mounts to come in from the host (slave) or to go out (shared). */
export function rootPropagation(points: readonly MountPoint[]): Propagation | undefined {
  const all = points.map((point) => point.Propagation);
  if (all.some((word) => /^r?shared$/.test(word))) return 'shared';
  return all.some((word) => /^r?slave$/.test(word)) ? 'rslave' : undefined;
}
