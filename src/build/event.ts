/** What a build tells while it works: the states, the output and the transfers of its vertices, as BuildKit's SolveStatus has them. */
import type { LintWarning } from '#build/vertex.ts';

/** A vertex began, or ended: the last one of an id holds. Times are milliseconds since the epoch. */
interface VertexEvent {
  kind: 'vertex';
  /** `sha256:…`, the same wherever this vertex is named in the build. */
  id: string;
  /** `[build 2/5] RUN make`, `[internal] load build context`, `exporting to image`. */
  name: string;
  /** The ids of what it builds upon. */
  inputs: readonly string[];
  started: number;
  completed?: number;
  cached?: boolean;
  /** In one line; `context canceled` at its end where it was not the vertex's own fault. */
  error?: string;
}

/** A part of a vertex's work: a layer on its way, `transferring context: 2B`, `writing image sha256:…`. */
interface StatusEvent {
  kind: 'status';
  vertex: string;
  /** Its name too. */
  id: string;
  current: number;
  /** 0: not known. */
  total: number;
  started: number;
  /** The time of `current`. */
  timestamp: number;
  completed?: number;
}

/** What a vertex's process wrote, in pieces as they came. */
interface LogEvent {
  kind: 'log';
  vertex: string;
  /** 1 standard output, 2 standard error. */
  stream: 1 | 2;
  data: Buffer;
  timestamp: number;
}

/** A rule of the checks that a Dockerfile breaks. */
interface WarningEvent {
  kind: 'warning';
  vertex: string;
  warning: LintWarning;
}

export type BuildEvent = VertexEvent | StatusEvent | LogEvent | WarningEvent;

export type Report = (event: BuildEvent) => void;
