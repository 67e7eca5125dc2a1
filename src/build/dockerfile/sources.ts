/** Where files come from: contexts, repositories, nothing. */

import { wrong } from '#build/dockerfile/fault.ts';
import { type GitReference, parseGitReference } from '#build/dockerfile/git-reference.ts';
import type { Graph } from '#build/dockerfile/graph.ts';
import type { NamedContext } from '#build/dockerfile/request.ts';
import type { Scope } from '#build/dockerfile/step.ts';
import type { Step } from '#build/vertex.ts';
import type { Platform } from '#oci/manifest.ts';

export function scratchVertex(graph: Graph, platform: Platform): number {
  return graph.add({ op: 'scratch', name: 'FROM scratch', inputs: [], platform });
}

/** The files of a directory: '' the main context. They are the same for every platform. */
export function contextVertex({ graph, request }: Scope, context: string): number {
  const name = context === '' ? '[internal] load build context' : `[context ${context}] load from client`;
  return graph.add({ op: 'local', context, name, inputs: [], platform: request.buildPlatform });
}

/** Notes a path that is read of a local context. */
export function askContext({ contexts }: Scope, context: string, path: string): void {
  const paths = contexts.get(context) ?? new Set();
  contexts.set(context, paths.add(path));
}

export type FileContext = Exclude<NamedContext, { kind: 'image' | 'layout' }>;

/** The files of a context that is no image. */
export function fileContextVertex(scope: Scope, name: string, context: FileContext): number {
  if (context.kind === 'local') return contextVertex(scope, name);
  const about = { name: `[context ${name}] ${context.url}`, inputs: [], platform: scope.request.buildPlatform };
  if (context.kind === 'http') return scope.graph.add({ op: 'http', url: context.url, filename: 'context', ...about });
  const reference = parseGitReference(context.url);
  if (reference === undefined) throw wrong(`invalid git context ${context.url}`);
  return scope.graph.add({ ...gitStep(reference), ...about });
}

export function gitStep(reference: GitReference): Extract<Step, { op: 'git' }> {
  const { remote, ref, subdir, keepGitDir = false, checksum, submodules = true } = reference;
  return {
    op: 'git',
    url: remote,
    keepGitDir,
    ...(ref === undefined ? {} : { ref }),
    ...(subdir === undefined ? {} : { subdir }),
    ...(checksum === undefined ? {} : { checksum }),
    ...(submodules ? {} : { skipSubmodules: true }),
  };
}
