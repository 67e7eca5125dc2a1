/** A target's settings: what each holds, how a file's is joined with an inherited one, and in what order they are printed. */
import type { Entry } from '#build/bake/entry.ts';

export interface Target {
  description?: string;
  inherits?: string[];
  annotations?: string[];
  attest?: Entry[];
  context?: string;
  contexts?: Record<string, string>;
  dockerfile?: string;
  'dockerfile-inline'?: string;
  args?: Record<string, string>;
  labels?: Record<string, string>;
  tags?: string[];
  'cache-from'?: Entry[];
  'cache-to'?: Entry[];
  target?: string;
  secret?: Entry[];
  ssh?: Entry[];
  platforms?: string[];
  output?: Entry[];
  pull?: boolean;
  'no-cache'?: boolean;
  network?: string;
  'no-cache-filter'?: string[];
  'shm-size'?: string;
  ulimits?: string[];
  call?: string;
  entitlements?: string[];
  'extra-hosts'?: Record<string, string>;
}

export type FieldName = keyof Target;

export interface Group {
  description?: string;
  targets: string[];
}

/** What a file, or several, define. */
export interface Definition {
  groups: Map<string, Group>;
  targets: Map<string, Target>;
  variables: Variable[];
}

export interface Variable {
  name: string;
  description?: string;
  type?: string;
  /** As text or JSON; undefined: it has none. */
  value?: string;
}

export interface Field {
  /** flag: true or false; texts: a list; map: of texts; others are entries of that flag of build. */
  kind: 'text' | 'flag' | 'texts' | 'map' | 'output' | 'cache' | 'secret' | 'ssh' | 'attest';
  /** What the later one does to the former: takes its place, comes behind it, or its keys (or ids) win. */
  join: 'replace' | 'append' | 'merge';
}

/** buildx, bake/bake.go: Target, in its order, and Merge(). */
export const FIELDS: Readonly<Record<FieldName, Field>> = {
  description: { kind: 'text', join: 'replace' },
  inherits: { kind: 'texts', join: 'append' },
  annotations: { kind: 'texts', join: 'append' },
  attest: { kind: 'attest', join: 'merge' },
  context: { kind: 'text', join: 'replace' },
  contexts: { kind: 'map', join: 'merge' },
  dockerfile: { kind: 'text', join: 'replace' },
  'dockerfile-inline': { kind: 'text', join: 'replace' },
  args: { kind: 'map', join: 'merge' },
  labels: { kind: 'map', join: 'merge' },
  tags: { kind: 'texts', join: 'replace' },
  'cache-from': { kind: 'cache', join: 'merge' },
  'cache-to': { kind: 'cache', join: 'replace' },
  target: { kind: 'text', join: 'replace' },
  secret: { kind: 'secret', join: 'merge' },
  ssh: { kind: 'ssh', join: 'merge' },
  platforms: { kind: 'texts', join: 'replace' },
  output: { kind: 'output', join: 'replace' },
  pull: { kind: 'flag', join: 'replace' },
  'no-cache': { kind: 'flag', join: 'replace' },
  network: { kind: 'text', join: 'replace' },
  'no-cache-filter': { kind: 'texts', join: 'append' },
  'shm-size': { kind: 'text', join: 'replace' },
  ulimits: { kind: 'texts', join: 'append' },
  call: { kind: 'text', join: 'replace' },
  entitlements: { kind: 'texts', join: 'append' },
  'extra-hosts': { kind: 'map', join: 'merge' },
};

export const FIELD_NAMES = Object.keys(FIELDS) as FieldName[];
export const isField = (name: string): name is FieldName => Object.hasOwn(FIELDS, name);
