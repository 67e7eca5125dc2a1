/** Where files come from: contexts, repositories, nothing. */
import type { GitAddress } from '#build/context/git-address.ts';
import type { Graph } from '#build/dockerfile/graph.ts';
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

export function gitStep(address: GitAddress): Extract<Step, { op: 'git' }> {
  const { remote, ref, subdir, keepGitDir = false, checksum, submodules = true, commitTimes = false } = address;
  return {
    op: 'git',
    url: remote,
    keepGitDir,
    ...(ref === '' ? {} : { ref }),
    ...(subdir === '' ? {} : { subdir }),
    ...(checksum === undefined ? {} : { checksum }),
    ...(submodules ? {} : { skipSubmodules: true }),
    ...(commitTimes ? { commitTimes: true } : {}),
  };
}
