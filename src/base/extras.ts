/** What podman lets a container have and Docker's shapes have no field for; kept in the record beside them. Types only. */

/** A piece of a secret in a container: a file, or a variable. */
export interface SecretUse {
  /** The secret's id, once it is settled; until then as the user named it. */
  source: string;
  /** A file's path (below /run/secrets where it is relative), or the variable's name. */
  target: string;
  type: 'mount' | 'env';
  uid: number;
  gid: number;
  mode: number;
}

/** One line of an id map: `count` ids from `inside` on are those from `outside` on in the namespace above. */
export interface IdMapping {
  inside: number;
  outside: number;
  count: number;
}

/** A user namespace of a container's own. */
export interface UserMaps {
  uids: IdMapping[];
  gids: IdMapping[];
}

/** What is done to a container whose health check finds it unhealthy. */
export type HealthAction = 'none' | 'kill' | 'restart' | 'stop';

export interface Extras {
  /** The directory that is the root instead of an image. */
  rootfs?: { path: string; overlay: boolean };
  /** keep-id, nomap and auto, settled; absent: the ids of the user's own namespace. */
  maps?: UserMaps;
  /** --uidmap and --gidmap as given. */
  idmaps?: { uids: string[]; gids: string[] };
  umask?: number;
  /** `local`, or a zone's name. */
  timezone?: string;
  /** Of the image's: taken away; `true`: all. */
  unsetEnv?: true | string[];
  /** `NAME=text with ${IMAGE_VARIABLE}`. */
  mergeEnv?: string[];
  /** What becomes of the image's volumes. */
  imageVolumes?: 'tmpfs' | 'ignore';
  /** tmpfs over /run, /tmp and /var/tmp of a read-only root. */
  readOnlyTmpfs?: boolean;
  /** The host's program for --init. */
  initPath?: string;
  noHosts?: boolean;
  noHostname?: boolean;
  /** Entries are written for users that the image does not know. */
  accounts?: { passwd?: string; group?: string; hostUsers: string[]; user?: string };
  secrets?: SecretUse[];
  personality?: 'LINUX' | 'LINUX32';
  /** Seconds after which the container is killed. */
  timeout?: number;
  /** Absent: `none`. */
  healthAction?: HealthAction;
  /** Where the pid of its process, or of its monitor, is written at each start. */
  pidFile?: string;
  monitorPidFile?: string;
  /** Containers that are started before it: ids, once they are settled. */
  requires?: string[];
  /** So many descriptors from 3 on are the container's, too. */
  preserveFds?: number;
  /** The mounts and settings that systemd wants. */
  systemd?: 'true' | 'always';
}
