/** ADD of a repository: its commit, checked out into a directory of its own that goes with the build. */
import { WherryError } from '#base/error.ts';
import { fetchGit } from '#build/context/git.ts';
import { type Grants, gitAuthorization } from '#build/grants.ts';
import { keyOf } from '#build/solve/cache.ts';
import { digestFile } from '#build/solve/checksum.ts';
import type { Scope } from '#build/solve/means.ts';
import type { Source } from '#build/solve/source.ts';
import { readTree } from '#build/solve/tree.ts';
import type { Vertex } from '#build/vertex.ts';
import type { Agent } from '#engine/build-agent.ts';
import type { Store } from '#store/store.ts';
import { placeAt } from '#store/union.ts';
import { randomHex } from '#sys/random.ts';

type Wanted = Extract<Vertex, { op: 'git' }>;

/** What of the user's a Dockerfile's repositories may use: what the build was given. */
interface Given extends Grants {
  environment: NodeJS.ProcessEnv;
}

/** place: a directory that is not there yet. Throws kind `unavailable`, `invalid`, or `not-found` without an ssh agent. */
export async function fetchRepository(
  store: Store,
  wanted: Wanted,
  place: string,
  { scope, given }: { scope: Scope; given: Given },
): Promise<Source> {
  const { url, ref = '', subdir = '', keepGitDir, checksum, skipSubmodules, commitTimes = false } = wanted;
  checkChecksum(checksum);
  await using open = new AsyncDisposableStack();
  const agent = isBySsh(url) ? open.use(await agentFor(store, given)).path : undefined;
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
    {
      abort: scope.abort,
      said: (text) => scope.log(2, Buffer.from(`${text}\n`)),
      authorization: gitAuthorization(url, given.secrets, given.environment),
      alone: { agent },
    },
  );
  return {
    tree: readTree({ layers: [placeAt(root, { owners: () => ({ uid: 0, gid: 0 }) })], marks: false }),
    id: keyOf(['git', url, commit, subdir, keepGitDir]),
    digest: (_path, found) => digestFile(found),
  };
}

function checkChecksum(checksum: string | undefined): void {
  if (checksum === undefined || /^[0-9a-f]+$/i.test(checksum)) return;
  throw new WherryError(
    'invalid',
    `failed to load cache key: invalid checksum ${checksum} for Git URL, expected hex commit hash`,
  );
}

const isBySsh = (url: string) => /^ssh:/i.test(url) || !/^[a-z0-9]+:\/\//i.test(url);

async function agentFor(store: Store, { ssh, environment }: Given): Promise<Agent> {
  const known = ssh.find(({ id }) => id === 'default');
  if (known === undefined) {
    throw new WherryError('not-found', 'unset ssh forward key default', { hint: 'Give it: --ssh default' });
  }
  const { forwardAgent } = await import('#engine/build-agent.ts');
  return forwardAgent(store, known, { id: `git-${randomHex(6)}`, environment, owner: {} });
}
