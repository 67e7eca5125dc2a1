/** ADD of a repository: its commit, checked out into a directory of its own that goes with the build. */

import { fetchGit } from '#build/context/git.ts';
import { keyOf } from '#build/solve/cache.ts';
import { digestFile } from '#build/solve/checksum.ts';
import type { Scope } from '#build/solve/means.ts';
import type { Source } from '#build/solve/source.ts';
import { readTree } from '#build/solve/tree.ts';
import type { Vertex } from '#build/vertex.ts';
import { placeAt } from '#store/union.ts';

type Wanted = Extract<Vertex, { op: 'git' }>;

/** place: a directory that is not there yet. Throws kind `unavailable` or `invalid`. */
export async function fetchRepository(wanted: Wanted, place: string, scope: Scope): Promise<Source> {
  const { url, ref = '', subdir = '', keepGitDir, checksum, skipSubmodules, commitTimes = false } = wanted;
  const { root, commit } = await fetchGit(
    {
      remote: url,
      ref,
      subdir,
      keepGitDir,
      submodules: !skipSubmodules,
      commitTimes,
      ...(checksum === undefined ? {} : { checksum }),
    },
    place,
    { abort: scope.abort, said: (text) => scope.log(2, Buffer.from(`${text}\n`)) },
  );
  return {
    tree: readTree({ layers: [placeAt(root, { owners: () => ({ uid: 0, gid: 0 }) })], marks: false }),
    id: keyOf(['git', url, commit, subdir, keepGitDir]),
    digest: (_path, found) => digestFile(found),
  };
}
