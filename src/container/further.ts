/** What a start looks up for podman's flags and for devices by name: user namespace, time zone, secrets, CDI. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { WherryError } from '#base/error.ts';
import type { CdiEdits, CdiHook } from '#container/cdi-format.ts';
import { type FoundDevice, findDevices } from '#container/devices.ts';
import { hostFacts } from '#container/facts.ts';
import { findContainer } from '#container/names.ts';
import type { ContainerRecord } from '#container/record.ts';
import { findRequested } from '#container/requests.ts';
import { zoneFile } from '#container/settle-extras.ts';
import { isRunning, readState } from '#container/state.ts';
import { namespaceOf, outsideId } from '#container/userns.ts';
import type { Mount } from '#oci/spec.ts';
import type { Store } from '#store/store.ts';
import { replace } from '#sys/file.ts';
import type { UserNamespace } from '#sys/userns.ts';

export interface Further {
  /** The ids that the container has. */
  ids: UserNamespace;
  /** Namespaces to join. */
  namespaces: { user?: string; uts?: string; cgroup?: string };
  devices: FoundDevice[];
  mounts: Mount[];
  env: string[];
  hooks: CdiHook[];
  additionalGids: number[];
}

/** userns: the container's own user namespace, where it has one. Throws in Docker's words what keeps it from starting. */
export async function lookFurther(store: Store, record: ContainerRecord, userns?: string): Promise<Further> {
  const { hostConfig, extras = {} } = record;
  const ids = namespaceOf(extras.maps, hostFacts(store).userns);
  const edits = await findRequested(hostConfig.DeviceRequests ?? [], store.host.home);
  const secrets = secretsOf(store, record);
  return {
    ids,
    namespaces: {
      ...(userns === undefined ? {} : { user: userns }),
      ...joined(store, hostConfig.UTSMode, 'uts'),
      ...joined(store, hostConfig.CgroupnsMode, 'cgroup'),
    },
    devices: edits.flatMap(devicesOf),
    mounts: [...zoneMount(store, record), ...secrets.mounts, ...edits.flatMap(mountsOf)],
    env: [...secrets.env, ...edits.flatMap(({ env = [] }) => env)],
    hooks: edits.flatMap(({ hooks = [] }) => hooks),
    // Without root nobody has a group of the host's but those that they are in (--group-add keep-groups).
    additionalGids: edits
      .flatMap(({ additionalGids = [] }) => additionalGids)
      .filter((id) => id !== 0 && outsideId(ids.gids, id) !== undefined),
  };
}

const SHARED = 'container:';

function joined(store: Store, mode: string, type: 'uts' | 'cgroup'): { uts?: string; cgroup?: string } {
  if (!mode.startsWith(SHARED)) return {};
  const { pid } = runningOwner(store, mode.slice(SHARED.length), type);
  return { [type]: `/proc/${pid}/ns/${type}` };
}

/** The container whose namespace is to be joined. Throws kind `conflict` where it does not run. */
export function runningOwner(store: Store, name: string, type: string): { record: ContainerRecord; pid: number } {
  const record = findContainer(store, name);
  const state = readState(store, record.id);
  if (isRunning(state) && state.pid > 0) return { record, pid: state.pid };
  throw new WherryError(
    'conflict',
    `failed to join ${type.toUpperCase()} namespace: container ${record.id} is not running`,
  );
}

/** A copy of our own: the zone's file may be replaced by an upgrade while the container runs. */
function zoneMount(store: Store, { id, extras }: ContainerRecord): Mount[] {
  if (extras?.timezone === undefined) return [];
  const source = store.path('containers', id, 'localtime');
  replace(source, readFileSync(zoneFile(extras.timezone)), { mode: 0o644 });
  return [{ destination: '/etc/localtime', type: 'bind', source, options: ['bind', 'rprivate', 'ro'] }];
}

/** Where a container's secrets are kept, by their numbers in its record. */
function secretPath(store: Store, id: string, index: number): string {
  return store.path('containers', id, 'secrets', String(index));
}

function secretsOf(store: Store, { id, extras }: ContainerRecord): { mounts: Mount[]; env: string[] } {
  const uses = (extras?.secrets ?? []).map((use, index) => ({ ...use, path: secretPath(store, id, index) }));
  const lost = uses.find(({ path }) => !existsSync(path));
  if (lost !== undefined) throw new WherryError('corrupt', `Cannot give the secret "${lost.target}": its file is gone`);
  return {
    mounts: uses
      .filter(({ type }) => type === 'mount')
      .map(({ target, path }) => ({
        destination: join('/run/secrets', target.startsWith('/') ? join('../..', target) : target),
        type: 'bind',
        source: path,
        options: ['bind', 'rprivate', 'ro', 'nosuid', 'nodev', 'noexec'],
      })),
    env: uses.filter(({ type }) => type === 'env').map(asVariable),
  };
}

function asVariable({ target, path }: { target: string; path: string }): string {
  const text = readFileSync(path, 'utf8');
  if (!text.includes('\0')) return `${target}=${text}`;
  throw new WherryError('unavailable', `Cannot give the secret "${target}" as a variable: it has a zero byte`, {
    hint: 'Give it as a file: type=mount',
  });
}

function devicesOf({ deviceNodes = [] }: CdiEdits): FoundDevice[] {
  return deviceNodes.flatMap(({ path, hostPath, permissions, fileMode, uid, gid }) =>
    findDevices(
      [{ PathOnHost: hostPath ?? path, PathInContainer: path, CgroupPermissions: permissions || 'rwm' }],
      false,
    ).map((device) => ({
      ...device,
      mode: fileMode ?? device.mode,
      uid: uid ?? device.uid,
      gid: gid ?? device.gid,
    })),
  );
}

function mountsOf({ mounts = [] }: CdiEdits): Mount[] {
  return mounts.map(({ hostPath, containerPath, type, options = [] }) => {
    const bind = type === undefined || type === '' || type === 'bind';
    const bound = options.includes('bind') || options.includes('rbind') ? [] : ['bind'];
    return {
      destination: containerPath,
      type: bind ? 'bind' : type,
      source: hostPath,
      options: bind ? [...bound, ...options] : [...options],
    };
  });
}
