/**
 * Fetches a commit of a git repository into a directory, by the git program: without hooks, without ever asking at the
 * terminal, and with the user's own configuration and credentials where the user has named the repository.
 */
import { chmodSync, existsSync, lstatSync, lutimesSync, mkdirSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { hasCode, WherryError } from '#base/error.ts';
import { withoutCredentials } from '#base/web-address.ts';
import type { GitAddress } from '#build/context/git-address.ts';
import { gitEnvironment } from '#build/context/git-environment.ts';
import { removeTree } from '#sys/file.ts';
import { needTool } from '#sys/host.ts';
import { type Finished, run } from '#sys/process.ts';

export interface GitOptions {
  abort?: AbortSignal | undefined;
  /** What git says while it works, line by line. */
  said?: (text: string) => void;
  /** Of HTTP's Authorization, for the repository's host. */
  authorization?: string | undefined;
  /** A Dockerfile asks for it: nothing of the user's is for it but the agent at this socket. */
  alone?: { agent?: string | undefined };
}

interface Repository extends GitOptions {
  address: GitAddress;
  /** The checkout. */
  at: string;
}

const COMMIT = /^[0-9a-f]{40}(?:[0-9a-f]{24})?$/;

/**
 * Makes `at` (which is not there yet) the tree of that commit, with submodules. The result's `root` is the directory
 * that the address means, below it; `commit` its hash.
 * Throws kind `unavailable` for what the remote doesn't have or can't be reached, `invalid` for a subdirectory that is
 * none, `unsupported` without git.
 */
export async function fetchGit(
  address: GitAddress,
  at: string,
  options: GitOptions = {},
): Promise<{ root: string; commit: string }> {
  const repository = { ...options, address, at };
  mkdirSync(at);
  chmodSync(at, 0o755);
  await need(repository, ['init', '--quiet', at]);
  await need(repository, ['-C', at, 'remote', 'add', '--', 'origin', address.remote]);
  const commit = await checkOut(repository);
  if (address.submodules !== false && existsSync(join(at, '.gitmodules'))) await fillSubmodules(repository);
  if (address.keepGitDir) await forgetFetching(repository);
  const time = address.commitTimes ? await commitTime(repository) : undefined;
  finish(at, { time, keepGitDir: address.keepGitDir ?? false });
  return { root: below(at, address.subdir), commit };
}

/**
 * The commit that an address means now, asked of the remote without fetching anything; a hash is taken at its word. Throws
 * kind `unavailable` where there is none, or nobody answers.
 */
export async function findCommit(address: GitAddress, options: GitOptions = {}): Promise<string> {
  return (await resolve({ ...options, address, at: '' })).commit;
}

/** A repository that stays names the branch or tag, for "git describe" and the like, and nobody's password. */
async function forgetFetching(repository: Repository): Promise<void> {
  const { address, at } = repository;
  await need(repository, ['-C', at, 'remote', 'set-url', '--', 'origin', withoutCredentials(address.remote)]);
  await need(repository, ['-C', at, 'reflog', 'expire', '--all', '--expire=now']);
  rmSync(join(at, '.git', 'FETCH_HEAD'), { force: true });
}

async function checkOut(repository: Repository): Promise<string> {
  const { address, at } = repository;
  const { name, commit } = await resolve(repository);
  const isKept = address.keepGitDir && name?.startsWith('refs/');
  const wanted = isKept ? `${name}:${name}` : (name ?? commit);
  const flags = ['--quiet', '--depth=1', '--no-tags', '--update-head-ok'];
  const shallow = await git(repository, ['-C', at, 'fetch', ...flags, '--', 'origin', wanted]);
  if (shallow.status !== 0) {
    // A remote that gives no commit by its hash, or no part of its history.
    await need(repository, [
      '-C',
      at,
      'fetch',
      '--quiet',
      '--tags',
      '--update-head-ok',
      '--',
      'origin',
      ...(name === undefined ? [] : [wanted]),
    ]);
  }
  await need(repository, ['-C', at, 'checkout', '--quiet', '--force', name === undefined ? commit : 'FETCH_HEAD']);
  const found = (await need(repository, ['-C', at, 'rev-parse', 'HEAD'])).stdout.trim();
  const { checksum = '' } = address;
  if (found.startsWith(checksum)) return found;
  throw new WherryError('unavailable', `expected checksum to match ${checksum}, got ${found}`);
}

/** The full name on the remote, if it is one, and the commit. An annotated tag's is what it points to. */
async function resolve(repository: Repository): Promise<{ name: string | undefined; commit: string }> {
  const { remote, ref } = repository.address;
  if (COMMIT.test(ref)) return { name: undefined, commit: ref };
  if (ref === '') {
    const found = await list(repository, ['--symref', '--', remote, 'HEAD']);
    const commit = found.find(({ name }) => name === 'HEAD')?.commit;
    if (commit === undefined) throw noSuchRef(repository, 'HEAD');
    return { name: found.find(({ leadsTo }) => leadsTo !== undefined)?.leadsTo ?? 'HEAD', commit };
  }
  const all = await list(repository, ['--', remote, ref, `${ref}^{}`]);
  const exact = [`refs/heads/${ref}`, `refs/tags/${ref}`, ref]
    .map((name) => all.find((one) => one.name === name))
    .find((one) => one !== undefined);
  if (exact === undefined) throw noSuchRef(repository, ref);
  const peeled = all.find(({ name }) => name === `${exact.name}^{}`);
  return { name: exact.name, commit: (peeled ?? exact).commit };
}

function noSuchRef({ address: { remote } }: Repository, ref: string): WherryError {
  return new WherryError('unavailable', `repository does not contain ref ${ref}, output: ""`, {
    hint: `See "git ls-remote ${withoutCredentials(remote)}" for its branches and tags`,
  });
}

interface Listed {
  commit: string;
  name: string;
  /** Of a symbolic one, whose commit is on a line of its own. */
  leadsTo?: string;
}

async function list(repository: Repository, words: string[]): Promise<Listed[]> {
  const { stdout } = await need(repository, ['ls-remote', ...words]);
  return stdout
    .split('\n')
    .map((line) => /^(?:ref: (.+)|([0-9a-f]+))\t(.+)$/.exec(line))
    .flatMap((match) => {
      if (match === null) return [];
      const [, leadsTo, commit = '', name = ''] = match;
      return [{ commit, name: leadsTo === undefined ? name : '', ...(leadsTo === undefined ? {} : { leadsTo }) }];
    });
}

async function fillSubmodules(repository: Repository): Promise<void> {
  await need(repository, ['-C', repository.at, 'submodule', 'update', '--init', '--recursive', '--depth=1', '--quiet']);
}

/** In seconds. */
async function commitTime({ at, ...rest }: Repository): Promise<number> {
  const { stdout } = await need({ at, ...rest }, ['-C', at, 'log', '-1', '--format=%ct']);
  return Number(stdout.trim());
}

/** What git needs itself goes, also that of submodules; times are set when nothing changes any more. */
function finish(directory: string, how: { time: number | undefined; keepGitDir: boolean }): void {
  if (how.keepGitDir && how.time === undefined) return;
  for (const entry of readdirSync(directory, { withFileTypes: true })) {
    const path = join(directory, entry.name);
    if (entry.name === '.git') {
      if (!how.keepGitDir) removeTree(path);
      continue;
    }
    if (entry.isDirectory()) finish(path, how);
    else if (how.time !== undefined) lutimesSync(path, how.time, how.time);
  }
  if (how.time !== undefined) lutimesSync(directory, how.time, how.time);
}

/** No link may lead out of the checkout. */
function below(at: string, subdir: string): string {
  let path = at;
  for (const name of subdir.split('/').filter((part) => part !== '')) {
    path = join(path, name);
    const found = statOrUndefined(path);
    if (found?.isDirectory()) continue;
    const why =
      found === undefined
        ? `failed to lstat "${subdir}": statat ${subdir}: no such file or directory`
        : `git subpath "/${subdir}" contains non-directory "${name}"`;
    throw new WherryError('invalid', `invalid subdir /${subdir}: ${why}`);
  }
  return path;
}

function statOrUndefined(path: string) {
  try {
    return lstatSync(path, { throwIfNoEntry: false });
  } catch (error) {
    if (hasCode(error, 'ENOTDIR', 'ENAMETOOLONG')) return undefined;
    throw error;
  }
}

async function need(repository: Repository, args: readonly string[]): Promise<Finished> {
  const finished = await git(repository, args);
  if (finished.status === 0) return finished;
  const { remote } = repository.address;
  const what = args[0] === 'ls-remote' ? 'read the references of' : 'fetch';
  const lines = finished.stderr.replaceAll(remote, withoutCredentials(remote)).split('\n');
  const reason = lines.find((line) => /^(?:fatal|error): /.test(line)) ?? lines.find((line) => line.trim() !== '');
  throw new WherryError(
    'unavailable',
    `Cannot ${what} ${withoutCredentials(remote)}: ${reason ?? 'git ended in silence'}`,
  );
}

async function git(repository: Repository, args: readonly string[]): Promise<Finished> {
  const { address, authorization, alone, abort, said } = repository;
  // Modes of files come from git; what they leave open is for everybody to read, as in any checkout.
  const command = ['-c', 'umask 022 && exec "$@"', 'sh', needTool('git', 'git'), ...SAFE, ...args];
  const finished = await run('sh', command, {
    env: gitEnvironment(process.env, { remote: address.remote, authorization, alone }),
    abort,
  });
  for (const line of finished.stderr.split('\n')) if (line.trim() !== '') said?.(line);
  return finished;
}

/** A repository's content decides nothing about what runs here. */
const SAFE = [
  ...['-c', 'core.hooksPath=/dev/null', '-c', 'core.fsmonitor=false', '-c', 'advice.detachedHead=false'],
  ...['-c', 'init.defaultBranch=main', '-c', 'protocol.ext.allow=never', '-c', 'gc.auto=0'],
];
