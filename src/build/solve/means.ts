/** What the solver needs and this room can't do: the engine hands it over. */
import type { LayerFacts } from '#build/solve/layer.ts';
import type { Source } from '#build/solve/source.ts';
import type { RunMount, RunStep, Vertex } from '#build/vertex.ts';
import type { Descriptor, Platform } from '#oci/manifest.ts';

/** A layer of a tree. */
export interface SolvedLayer {
  diffId: string;
  /** Bytes of all files. */
  size: number;
  /** As the manifest of an image with this layer has it. Of a layer that was built: its archive, which is made on demand. */
  blob: Descriptor;
  /** When it was built; absent for those of base images. */
  created?: string;
  /** It is in a cache outside of the store: brings it, and gives what it is here. Throws Vanished where it can't be had. */
  bring?: () => Promise<SolvedLayer>;
}

/** What a cache outside of the store has for a key. */
export interface Outside {
  /** The key of the content. */
  id: string;
  diffId: string;
  blob: Descriptor;
  created: string;
  /** Brings the layer into the store. Throws Vanished where it can't be had: from then on it is not offered again. */
  bring(scope: Scope): Promise<LayerFacts>;
}

export type Solved = { kind: 'tree'; layers: SolvedLayer[] } | { kind: 'source'; source: Source };

/** What a vertex's work tells of itself. */
export interface Scope {
  abort: AbortSignal;
  /** Output of a program. */
  log(stream: 1 | 2, data: Buffer): void;
  /** Something is under way; total 0: nobody knows. */
  status(id: string, progress: { current: number; total: number; done: boolean }): void;
}

/** A mount of a RUN with what its input turned out to be. */
export interface SolvedMount extends RunMount {
  from?: Solved;
}

export interface RunWork {
  step: RunStep;
  platform: Platform;
  /** The tree below, lowest first. */
  layers: readonly SolvedLayer[];
  mounts: readonly SolvedMount[];
  /** Empty; gets what the step changes. */
  upper: string;
}

type Of<Op> = Extract<Vertex, { op: Op }>;

export interface Means {
  /** Brings an image's layers. */
  image(vertex: Of<'image'>, scope: Scope): Promise<SolvedLayer[]>;
  layout(vertex: Of<'layout'>, scope: Scope): Promise<SolvedLayer[]>;
  local(vertex: Of<'local'>, scope: Scope): Promise<Source>;
  http(vertex: Of<'http'>, scope: Scope): Promise<Source>;
  git(vertex: Of<'git'>, scope: Scope): Promise<Source>;
  /**
   * Runs a step; what it changed is in `upper` when this resolves, as the kernel's overlay leaves it.
   * Throws what its program's end means.
   */
  run(work: RunWork, scope: Scope): Promise<void>;
  /** What --cache-from has for a key that nothing is known of here. */
  outside(key: string): Promise<Outside | undefined>;
  /** Nobody removes these layers until it is disposed of. */
  hold(diffIds: readonly string[]): Promise<Disposable>;
}
