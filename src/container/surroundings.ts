/** Looking round before a start: the user in the root, devices, the init, the containers whose namespaces are shared. */
import { existsSync, mkdirSync, statSync } from 'node:fs';
import { hostname } from 'node:os';
import type { MountPoint } from '#base/api.ts';
import { hasCode, WherryError } from '#base/error.ts';
import { type FoundDevice, findDevices } from '#container/devices.ts';
import { type Facts, hostFacts } from '#container/facts.ts';
import type { Further } from '#container/further.ts';
import { type Identity, resolveUser } from '#container/identity.ts';
import { findMounts, type MountsFound } from '#container/mount-places.ts';
import { findContainer } from '#container/names.ts';
import type { ContainerRecord } from '#container/record.ts';
import { shmPath } from '#container/shm.ts';
import { isRunning, readState } from '#container/state.ts';
import type { Store } from '#store/store.ts';
import { findTool, needTool } from '#sys/host.ts';
import { resolveInRoot } from '#sys/rooted.ts';
import type { UserNamespace } from '#sys/userns.ts';

export interface Found extends MountsFound {
  facts: Facts;
  identity: Identity;
  devices: FoundDevice[];
  /** The program for --init. */
  init?: string;
  /** Namespaces of other containers to join. */
  namespaces: { network?: string; pid?: string; ipc?: string };
  /** What is bound at /dev/shm instead of a new tmpfs: --ipc shareable and container:NAME. */
  shm?: string;
  /** For containers that have none of their own: the host's, or that of the container whose network they share. */
  hostname: string;
  domainname: string;
  hasMqueue: boolean;
  /** What podman's flags and devices by name bring; absent where nothing of that was asked for. */
  further?: Further;
}

/** The ids that the container has. */
export const idsOf = ({ facts, further }: Pick<Found, 'facts' | 'further'>): UserNamespace =>
  further?.ids ?? facts.userns;

/**
 * Looks up what makeSpec() needs. rootfs: mounted, not running yet; the working directory is made in it where it is
 * missing. Throws in Docker's words what keeps the container from starting.
 */
export function lookAround(store: Store, record: ContainerRecord, rootfs: string): Found {
  const { config, hostConfig } = record;
  makeWorkingDirectory(rootfs, config.WorkingDir, record.mounts);
  const network = networkOwner(store, hostConfig.NetworkMode);
  const shm = sharedShm(store, record);
  const init = hostConfig.Init && hostConfig.PidMode === '' ? (record.extras?.initPath ?? initProgram()) : undefined;
  return {
    facts: hostFacts(store),
    identity: resolveUser(rootfs, config.User, hostConfig.GroupAdd ?? []),
    devices: findDevices(hostConfig.Devices, hostConfig.Privileged),
    ...(init === undefined ? {} : { init }),
    namespaces: {
      ...(network === undefined ? {} : { network: `/proc/${network.pid}/ns/net` }),
      ...joined(store, hostConfig.PidMode, 'pid'),
      ...joined(store, hostConfig.IpcMode, 'ipc'),
    },
    ...(shm === undefined ? {} : { shm }),
    hostname: network?.record.config.Hostname ?? hostname(),
    domainname: network?.record.config.Domainname ?? '',
    ...findMounts(record.mounts, rootfs),
    hasMqueue: hostConfig.IpcMode === 'host' && existsSync('/dev/mqueue'),
  };
}

/** Statically linked ones: they run in any image. */
function initProgram(): string {
  return findTool('docker-init') ?? findTool('tini-static') ?? needTool('catatonit', 'catatonit');
}

const SHARED = 'container:';

function networkOwner(store: Store, mode: string): { record: ContainerRecord; pid: number } | undefined {
  if (!mode.startsWith(SHARED)) return undefined;
  const record = ownerOf(store, mode.slice(SHARED.length));
  const state = readState(store, record.id);
  if (isRunning(state) && state.pid > 0) return { record, pid: state.pid };
  throw new WherryError(
    'conflict',
    `cannot join network namespace of a non running container: container ${record.name} is ${state?.status ?? 'created'}`,
  );
}

function ownerOf(store: Store, name: string): ContainerRecord {
  try {
    return findContainer(store, name);
  } catch (error) {
    if (!(error instanceof WherryError)) throw error;
    throw new WherryError(error.kind, `joining network namespace of container: ${error.message}`, { cause: error });
  }
}

function joined(store: Store, mode: string, type: 'pid' | 'ipc'): { pid?: string; ipc?: string } {
  if (!mode.startsWith(SHARED)) return {};
  const record = findContainer(store, mode.slice(SHARED.length));
  const state = readState(store, record.id);
  const refuse = (why: string) =>
    new WherryError('conflict', `failed to join ${type.toUpperCase()} namespace: container ${record.id}${why}`);
  if (!isRunning(state) || state.pid === 0) throw refuse(' is not running');
  if (type === 'ipc' && record.hostConfig.IpcMode !== 'shareable') {
    throw refuse(': non-shareable IPC (hint: use IpcMode:shareable for the donor container)');
  }
  return { [type]: `/proc/${state.pid}/ns/${type}` };
}

function sharedShm(store: Store, { id, hostConfig: { IpcMode: mode } }: ContainerRecord): string | undefined {
  if (mode === 'shareable') return shmPath(store, id);
  if (!mode.startsWith(SHARED)) return undefined;
  return shmPath(store, findContainer(store, mode.slice(SHARED.length)).id);
}

/** Docker makes it in the root, owned by root; what a volume will cover is the volume's business. */
function makeWorkingDirectory(rootfs: string, path: string, mounts: readonly MountPoint[]): void {
  if (path === '' || path === '/') return;
  if (mounts.some(({ Destination: at }) => path === at || path.startsWith(`${at}/`))) return;
  const inside = resolveInRoot(rootfs, path);
  try {
    if (statSync(inside, { throwIfNoEntry: false })?.isDirectory()) return;
    mkdirSync(inside, { recursive: true, mode: 0o755 });
  } catch (error) {
    if (!hasCode(error, 'EEXIST', 'ENOTDIR')) throw error;
    throw new WherryError('invalid', `Cannot mkdir: ${path} is not a directory`, { cause: error });
  }
}
