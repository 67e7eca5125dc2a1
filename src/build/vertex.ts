/**
 * A build as a graph: what a Dockerfile becomes (dockerfile/plan.ts), what the solver runs, what the progress names.
 * Vertices are plain data. A vertex's result is a tree: diff IDs, lowest first; a source of files (`local`, `http`,
 * `git`) has files and no layers.
 */
import type { ImageConfig, Platform } from '#oci/manifest.ts';

/** A range of a file's lines, from 1, both ends in it. */
export interface Place {
  start: number;
  end: number;
  /** In the first line, from 1; absent where the whole line is meant. */
  column?: number;
}

interface VertexCommon {
  /** `[build 2/5] RUN make`, as BuildKit words it. */
  name: string;
  /** The instruction as it is written, without its place in the stage; for descriptions of cache records. */
  command?: string;
  /** The stage it stands in; absent for what no stage owns. */
  stage?: string;
  place?: Place[];
  /** Indexes into Plan.vertices, all lower than its own. */
  inputs: number[];
  ignoreCache?: boolean;
  platform: Platform;
}

/** BuildKit's RUN flags; the root of the step is inputs[0]. */
export interface RunStep {
  op: 'run';
  args: string[];
  /** `NAME=value`, the platform's and the build's arguments in it, in BuildKit's order. */
  env: string[];
  cwd: string;
  /** `user[:group]`, names or ids; '' is root. */
  user: string;
  mounts: RunMount[];
  network: 'default' | 'none' | 'host';
  security: 'sandbox' | 'insecure';
  /** HTTP_PROXY and its kin: in the environment of the process, in no key and in no image. */
  proxy: Record<string, string>;
  hostname?: string;
  /** `--add-host`: name and address. */
  hosts: { host: string; ip: string }[];
  /** Bytes. */
  shmSize?: number;
  ulimits: { name: string; soft: number; hard: number }[];
  devices: { name: string; required: boolean }[];
  cgroupParent?: string;
  validExitCodes?: number[];
}

export type Step =
  /** The image's layers; `reference` is canonical, with its digest where that is known. */
  | { op: 'image'; reference: string; digest?: string; resolveMode: 'default' | 'pull' }
  /** The image of an `oci-layout://` context. */
  | { op: 'layout'; path: string; digest: string }
  | { op: 'scratch' }
  /** '' is the main context, else a named one. */
  | { op: 'local'; context: string }
  | { op: 'http'; url: string; checksum?: string; filename: string }
  | {
      op: 'git';
      url: string;
      ref?: string;
      subdir?: string;
      keepGitDir: boolean;
      checksum?: string;
      skipSubmodules?: boolean;
      /** Files have the commit's time. */
      commitTimes?: boolean;
    }
  | RunStep
  /** COPY, ADD, WORKDIR: inputs[0] is the base; all actions together make one layer. */
  | { op: 'file'; actions: FileAction[] }
  /** --link: the layers of inputs[0], those of inputs[1] above. */
  | { op: 'merge' };

export type Vertex = VertexCommon & Step;

/** One `--mount` of a RUN, its defaults filled in. */
export interface RunMount {
  type: 'bind' | 'cache' | 'tmpfs' | 'secret' | 'ssh';
  /** Absolute. */
  target: string;
  /** bind, and cache with `from`: an index into the vertex's `inputs`. */
  input?: number;
  /** A path in the input. */
  source?: string;
  readonly: boolean;
  /** cache, secret, ssh. */
  id?: string;
  sharing?: 'shared' | 'private' | 'locked';
  uid?: number;
  gid?: number;
  mode?: number;
  required?: boolean;
  /** tmpfs: bytes. */
  size?: number;
  /** secret: the variable that gets the value; without `file` there is no file. */
  env?: string;
  /** secret: it is (also) a file at `target`. */
  file?: boolean;
}

export type FileAction =
  | CopyAction
  /** A file of a heredoc; only on `scratch`, and copied from there. */
  | { action: 'write'; target: string; data: string; mode: number }
  /** WORKDIR: parents are made, what is there stays. `owner` as CopyAction's. */
  | { action: 'mkdir'; target: string; mode: number; owner?: string };

export interface CopyAction {
  action: 'copy';
  /** An index into the vertex's `inputs`. */
  from: number;
  /** One path in the source, absolute; may have wildcards when `wildcard`. */
  source: string;
  /** Absolute; ends in a slash where the line said so. */
  target: string;
  /** `user[:group]` as written; names are looked up in the base's /etc/passwd and /etc/group. Absent: 0:0. */
  owner?: string;
  /** Octal digits or a symbolic mode; absent keeps the source's. */
  mode?: string;
  exclude: string[];
  /** --parents: what below `source` is copied with its path; absent without the flag. */
  include?: string[];
  /** A local archive's files are put there instead of it. */
  unpack: boolean;
  wildcard: boolean;
  /** A wildcard that matches nothing is no error. */
  allowEmpty: boolean;
  followLinks: boolean;
  /** A directory's contents are copied, not itself. */
  contentsOnly: boolean;
  createTarget: boolean;
}

export interface LintWarning {
  rule: string;
  /** What the rule is about. */
  description: string;
  url: string;
  /** What is wrong here. */
  detail: string;
  place: Place[];
}

export interface PlanTarget {
  platform: Platform;
  /** The vertex that makes the image's tree; undefined where the image is empty (`FROM scratch` alone is a vertex). */
  result: number;
  /**
   * The image's configuration but for rootfs and dates: the solver sets `created`, and `created` of those entries of
   * history that lack it. The entries that are not `empty_layer` are one for each layer of the tree.
   */
  config: Omit<ImageConfig, 'rootfs'>;
}

export interface Plan {
  /** In an order in which each stands after its inputs; only what the targets need. */
  vertices: Vertex[];
  targets: PlanTarget[];
  warnings: LintWarning[];
  /** Which paths each local context ('' the main one) is asked for; '/' is all. Only those need be read. */
  contexts: Record<string, string[]>;
}
