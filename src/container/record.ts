/**
 * A container as it is kept: the record, replaced only by rename, update and its networks, and the state, small and
 * replaced whole.
 */
import { posix } from 'node:path';
import type { Config, Endpoint, EndpointRequest, HostConfig, MountPoint, PortMap } from '#base/api.ts';
import type { Extras } from '#base/extras.ts';

export interface ContainerRecord {
  id: string;
  name: string;
  /** RFC 3339, UTC, nanoseconds. */
  created: string;
  image: {
    /** As the user wrote it. */
    reference: string;
    /** The config's digest: Docker's image ID, sha256:…. */
    id: string;
    /** The manifest's digest. */
    manifest: string;
    platform: string;
    /** Lowest layer first. */
    diffIds: string[];
  };
  /** Image's and request's settings merged. */
  config: Config;
  hostConfig: HostConfig;
  /** What will run: entrypoint and command joined; the first word and the rest, as inspect shows them. */
  path: string;
  args: string[];
  mounts: MountPoint[];
  networks: Record<string, EndpointRequest>;
  /** overlay, fuse-overlayfs or copy; chosen at create. */
  driver: string;
  /** What podman has and Docker has not. */
  extras?: Extras;
}

/** The state file; written by the monitor while it lives. */
export interface State {
  /** created: no start has succeeded yet, and one has failed. */
  status: 'created' | 'running' | 'paused' | 'restarting' | 'exited';
  pid: number;
  /** Clock ticks since boot: with the pid it names one process. */
  pidStart: number;
  monitorPid: number;
  monitorStart: number;
  bootId: string;
  startedAt: string;
  finishedAt: string;
  exitCode: number;
  oomKilled: boolean;
  restartCount: number;
  /** By hand: no boot starts it again, but where its policy is `always`. */
  stopped?: boolean;
  error: string;
}

/** What the engine notes of a container's network at each start (network.json): for ps, inspect and port. */
export interface NetworkState {
  /** Null where the runtime makes or finds the namespace. */
  netns: string | null;
  endpoints: Record<string, Endpoint>;
  ports: PortMap;
}

/** The mounts that Docker shows: those of --tmpfs stand in HostConfig.Tmpfs alone. */
export function shownMounts({ mounts, hostConfig }: ContainerRecord): MountPoint[] {
  const flagged = Object.keys(hostConfig.Tmpfs ?? {}).map((path) => posix.join(path, '.'));
  return mounts.filter((mount) => mount.Type !== 'tmpfs' || !flagged.includes(mount.Destination));
}

/** Does its source have to be brought at each start (engine/mounts.ts)? */
export const isSpecial = ({ Image, Subpath, Overlay, Chown, NonRecursive }: MountPoint): boolean =>
  [Image, Subpath, Overlay, Chown, NonRecursive].some(Boolean);
