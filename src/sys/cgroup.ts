/** Control groups: who may make them for us, and what they can limit (cgroups(7), systemd's CGROUP_DELEGATION). */
import { accessSync, constants, existsSync, readdirSync, readFileSync, statfsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { hasCode } from '#base/error.ts';
import type { Namespace } from '#sys/host.ts';

export interface Cgroup {
  /** systemd: a scope in the user's (root: the system's) manager; cgroupfs: directories of ours; disabled: none. */
  manager: 'systemd' | 'cgroupfs' | 'disabled';
  version: 1 | 2;
  /** What a container's group can limit: memory, cpu, cpuset, pids, io … */
  controllers: ReadonlySet<string>;
  /** Swap can be limited, too. */
  swap: boolean;
  /** cgroupfs: the directory in which ours are made, from the tree's root. */
  parent: string;
  /** Why there are none, or not all; for `info` and warnings. */
  reason?: string;
}

/** What can be limited beside what the controllers' names say; most of it in version 1 alone. */
export interface Abilities {
  swappiness: boolean;
  oomKillDisable: boolean;
  /** The real-time scheduler's share. */
  realtime: boolean;
  blockWeight: boolean;
  blockWeightDevice: boolean;
  blockThrottle: boolean;
}

/**
 * Asks the files of version 1, where each depends on how the kernel was made; version 2 has all or nothing, but weights of
 * single devices, which only the scheduler BFQ knows: runc leaves them out without it, crun refuses to start.
 */
export function abilitiesOf({ version, controllers, parent }: Cgroup, root = PLACES.root): Abilities {
  const has = (controller: string, file: string) =>
    version === 1 && controllers.has(controller) && existsSync(join(root, controller, file));
  const io = version === 2 && controllers.has('io');
  return {
    swappiness: has('memory', 'memory.swappiness'),
    oomKillDisable: has('memory', 'memory.oom_control'),
    realtime: has('cpu', 'cpu.rt_period_us'),
    blockWeight: io || has('blkio', 'blkio.weight'),
    blockWeightDevice: (io && hasBfq(root, parent)) || has('blkio', 'blkio.weight_device'),
    blockThrottle: io || has('blkio', 'blkio.throttle.read_bps_device'),
  };
}

/** Every group but the root has the file. */
const hasBfq = (root: string, parent: string) =>
  ['user.slice', 'system.slice', dirname(parent)].some((group) => existsSync(join(root, group, 'io.bfq.weight')));

/** What a host without its controllers in version 1 has. */
const WANTED = ['memory', 'pids', 'cpu'];

/** statfs(2)'s number of a cgroup v2 file system. */
const CGROUP2_MAGIC = 0x63677270;

export interface CgroupPlaces {
  /** The tree: /sys/fs/cgroup. */
  root: string;
  /** /proc/self/cgroup. */
  own: string;
  /** systemd's sign that it booted the machine: sd_booted(3). */
  booted: string;
  /** The number that statfs(2) gives for the tree. */
  magic: number;
}

const PLACES: CgroupPlaces = {
  root: '/sys/fs/cgroup',
  own: '/proc/self/cgroup',
  booted: '/run/systemd/system',
  magic: CGROUP2_MAGIC,
};

/**
 * Looks which cgroups this user can have; a few reads, well below a millisecond, so nothing is remembered that a
 * later login or a changed delegation would make false. uid: the user's id outside of the namespace.
 */
export function detectCgroup(
  { namespace, uid }: { namespace: Namespace; uid: number },
  env: NodeJS.ProcessEnv = process.env,
  places: CgroupPlaces = PLACES,
): Cgroup {
  if (!isV2(places)) return namespace === 'root' ? version1(places) : none('the cgroup tree is not version 2');
  const top = controllersOf(places.root);
  if (!WANTED.some((name) => top.has(name))) return none('the machine keeps its controllers in cgroups version 1');
  const booted = existsSync(places.booted);
  if (namespace === 'root') return asRoot(places, top, booted);
  const service = `user.slice/user-${uid}.slice/user@${uid}.service`;
  if (booted && hasBus(uid, env) && existsSync(join(places.root, service))) {
    return systemdUser(join(places.root, service));
  }
  const found = delegated(places) ?? none('there is no systemd session of yours and no cgroup that you may write in');
  // A group without controllers limits nothing, and crun refuses to make one below a group with processes.
  return found.controllers.size === 0 ? none(found.reason) : found;
}

function none(reason = 'no controllers are handed down to you'): Cgroup {
  return { manager: 'disabled', version: 2, controllers: new Set(), swap: false, parent: '', reason };
}

function isV2({ root, magic }: CgroupPlaces): boolean {
  try {
    return statfsSync(root).type === magic;
  } catch (error) {
    if (hasCode(error, 'ENOENT', 'EACCES')) return false;
    throw error;
  }
}

/** Root on an old machine: each controller is a directory. */
function version1({ root }: CgroupPlaces): Cgroup {
  if (!existsSync(join(root, 'memory'))) return none('no cgroup tree is mounted');
  const controllers = new Set(readdirSync(root));
  const swap = existsSync(join(root, 'memory', 'memory.memsw.limit_in_bytes'));
  return { manager: 'cgroupfs', version: 1, controllers, swap, parent: '/wherry' };
}

function asRoot({ root }: CgroupPlaces, controllers: Set<string>, booted: boolean): Cgroup {
  const swap = existsSync(join(root, 'init.scope/memory.swap.max')) || readText('/proc/swaps') !== '';
  return { manager: booted ? 'systemd' : 'cgroupfs', version: 2, controllers, swap, parent: '/wherry' };
}

function hasBus(uid: number, env: NodeJS.ProcessEnv): boolean {
  return existsSync(join(env.XDG_RUNTIME_DIR || `/run/user/${uid}`, 'bus'));
}

function systemdUser(service: string): Cgroup {
  const controllers = controllersOf(service);
  const missing = WANTED.filter((name) => !controllers.has(name));
  return {
    manager: 'systemd',
    version: 2,
    controllers,
    swap: existsSync(join(service, 'memory.swap.max')),
    parent: '',
    ...(missing.length === 0 ? {} : { reason: `systemd does not delegate ${missing.join(', ')} to you` }),
  };
}

/**
 * The highest directory above our own group that is ours: to move a process the kernel wants the common ancestor's
 * cgroup.procs to be writable, so our own group alone does not do. Controllers count when its children have them
 * already, or when it has no process itself, so that we can hand them down ("no internal processes").
 */
function delegated({ root, own }: CgroupPlaces): Cgroup | undefined {
  const path = /^0::(\/.*)$/m.exec(readText(own))?.[1];
  if (path === undefined || path.includes('/../') || path.startsWith('/..')) return undefined;
  let best: string | undefined;
  for (let at = path; isOurs(join(root, at)); at = dirname(at)) {
    best = at;
    if (at === '/') break;
  }
  if (best === undefined) return undefined;
  const directory = join(root, best);
  const empty = readText(join(directory, 'cgroup.procs')).trim() === '';
  const controllers = empty ? controllersOf(directory) : wordsOf(join(directory, 'cgroup.subtree_control'));
  return {
    manager: 'cgroupfs',
    version: 2,
    controllers,
    swap: existsSync(join(directory, 'memory.swap.max')),
    parent: join(best, 'wherry'),
    ...(empty ? {} : { reason: `processes live in ${best} itself, so its controllers cannot be handed down` }),
  };
}

function isOurs(directory: string): boolean {
  try {
    for (const name of ['', 'cgroup.procs', 'cgroup.subtree_control']) {
      accessSync(join(directory, name), constants.W_OK);
    }
    return true;
  } catch (error) {
    if (hasCode(error, 'EACCES', 'ENOENT', 'EROFS', 'EPERM')) return false;
    throw error;
  }
}

const controllersOf = (directory: string) => wordsOf(join(directory, 'cgroup.controllers'));
const wordsOf = (path: string) => new Set(readText(path).split(/\s+/).filter(Boolean));

function readText(path: string): string {
  try {
    return readFileSync(path, 'latin1');
  } catch (error) {
    if (hasCode(error, 'ENOENT', 'EACCES', 'EPERM', 'EOPNOTSUPP')) return '';
    throw error;
  }
}
