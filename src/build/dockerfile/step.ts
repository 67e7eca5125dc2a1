/** What an instruction has around it while it is dispatched, and what several of them do. */
import { posix } from 'node:path';
import type { Graph } from '#build/dockerfile/graph.ts';
import type { Linter } from '#build/dockerfile/lint.ts';
import type { PlanRequest } from '#build/dockerfile/request.ts';
import { scratchVertex } from '#build/dockerfile/sources.ts';
import type { Command, Stage } from '#build/dockerfile/stage.ts';
import type { Environment } from '#build/dockerfile/words.ts';
import type { Platform } from '#oci/manifest.ts';

/** What all stages of one platform share. */
export interface Scope {
  request: PlanRequest;
  graph: Graph;
  linter: Linter;
  /** What escapes. */
  token: string;
  globals: Environment;
  platform: Platform;
  showPlatform: boolean;
  epoch: number | undefined;
  /** Paths of each local context that are asked for. */
  contexts: Map<string, Set<string>>;
}

/** A command on its way: its stage, and how its words are read. */
export interface Step {
  scope: Scope;
  stage: Stage;
  command: Command;
  linter: Linter;
  /** Puts variables in, and notes those that are not set. */
  expand: (word: string) => string;
  /** The same for a text in which quotes are letters like others. */
  expandText: (text: string) => string;
}

/** A text as the shell's command line. */
export function withShell({ image }: Stage, args: readonly string[]): string[] {
  const shell = image.config.Shell?.length ? image.config.Shell : ['/bin/sh', '-c'];
  return [...shell, args.join(' ')];
}

export interface Document {
  name: string;
  data: string;
  mode: number;
}

/** A heredoc as a file. */
export function documentVertex({ scope, stage }: Step, { name, data, mode }: Document): number {
  const platform = stage.platform ?? scope.platform;
  return scope.graph.add({
    op: 'file',
    name: '[internal] preparing inline document',
    inputs: [scratchVertex(scope.graph, platform)],
    platform,
    actions: [{ action: 'write', target: posix.join('/', name), data, mode }],
  });
}

/** Where a stage works from now on. */
export function setWorkdir(stage: Stage, path: string): string {
  const before = stage.image.config.WorkingDir ?? '';
  const parent = before.startsWith('/') ? before : posix.join('/', before);
  const wanted = path === '' ? parent : path;
  const workdir = wanted.startsWith('/') ? wanted : withoutSlash(posix.join(parent, wanted));
  stage.image.config.WorkingDir = workdir;
  stage.cwd = workdir;
  return workdir;
}

/** Node keeps a slash at the end, Go doesn't. */
const withoutSlash = (path: string) => path.replace(/(?<=.)\/$/, '');
