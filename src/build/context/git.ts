/**
 * Fetches a commit of a git repository into a directory, by the git program: with the user's own configuration and
 * credentials, without hooks, and without ever asking at the terminal.
 */
import { chmodSync, existsSync, lstatSync, lutimesSync, mkdirSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { hasCode, WherryError } from '#base/error.ts';
import { type GitAddress, withoutPassword } from '#build/context/git-address.ts';
import { removeTree } from '#sys/file.ts';
import { needTool } from '#sys/host.ts';
import { type Finished, run } from '#sys/process.ts';

export interface GitOptions {
  abort?: AbortSignal | undefined;
  /** What git says while it works, line by line. */
  said?: (text: string) => void;
  /** The socket of an SSH agent; otherwise that of our environment. */
  agent?: string;
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
  await need(repository, ['-C', at, 'remote', 'add', 'origin', address.remote]);
  const commit = await checkOut(repository);
  if (address.submodules !== false && existsSync(join(at, '.gitmodules'))) await fillSubmodules(repository);
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

async function checkOut(repository: Repository): Promise<string> {
  const { address, at } = repository;
  const { name, commit } = await resolve(repository);
  const wanted = name ?? commit;
  const shallow = await git(repository, ['-C', at, 'fetch', '--quiet', '--depth=1', '--no-tags', 'origin', wanted]);
  if (shallow.status !== 0) {
    // A remote that gives no commit by its hash, or no part of its history.
    await need(repository, ['-C', at, 'fetch', '--quiet', '--tags', 'origin', ...(name === undefined ? [] : [name])]);
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
    const found = (await list(repository, ['--symref', remote, 'HEAD'])).find(({ name }) => name === 'HEAD');
    if (found === undefined) throw noSuchRef(repository, 'HEAD');
    return { name: 'HEAD', commit: found.commit };
  }
  const all = await list(repository, [remote, ref, `${ref}^{}`]);
  const exact = [`refs/heads/${ref}`, `refs/tags/${ref}`, ref]
    .map((name) => all.find((one) => one.name === name))
    .find((one) => one !== undefined);
  if (exact === undefined) throw noSuchRef(repository, ref);
  const peeled = all.find(({ name }) => name === `${exact.name}^{}`);
  return { name: exact.name, commit: (peeled ?? exact).commit };
}

function noSuchRef({ address: { remote } }: Repository, ref: string): WherryError {
  return new WherryError('unavailable', `repository does not contain ref ${ref}, output: ""`, {
    hint: `See "git ls-remote ${withoutPassword(remote)}" for its branches and tags`,
  });
}

async function list(repository: Repository, words: string[]): Promise<{ commit: string; name: string }[]> {
  const { stdout } = await need(repository, ['ls-remote', ...words]);
  return stdout
    .split('\n')
    .map((line) => /^([0-9a-f]+)\t(.+)$/.exec(line))
    .flatMap((match) => (match === null ? [] : [{ commit: match[1] ?? '', name: match[2] ?? '' }]));
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
  const lines = finished.stderr.replaceAll(remote, withoutPassword(remote)).split('\n');
  const reason = lines.find((line) => /^(?:fatal|error): /.test(line)) ?? lines.find((line) => line.trim() !== '');
  throw new WherryError(
    'unavailable',
    `Cannot ${what} ${withoutPassword(remote)}: ${reason ?? 'git ended in silence'}`,
  );
}

async function git({ abort, agent, said }: Repository, args: readonly string[]): Promise<Finished> {
  // Modes of files come from git; what they leave open is for everybody to read, as in any checkout.
  const command = ['-c', 'umask 022 && exec "$@"', 'sh', needTool('git', 'git'), ...SAFE, ...args];
  const finished = await run('sh', command, { env: environment(agent), abort });
  for (const line of finished.stderr.split('\n')) if (line.trim() !== '') said?.(line);
  return finished;
}

/** A repository's content decides nothing about what runs here. */
const SAFE = [
  ...['-c', 'core.hooksPath=/dev/null', '-c', 'core.fsmonitor=false', '-c', 'advice.detachedHead=false'],
  ...['-c', 'init.defaultBranch=main', '-c', 'protocol.ext.allow=never', '-c', 'gc.auto=0'],
];

function environment(agent: string | undefined): NodeJS.ProcessEnv {
  const { HOME: home = '/', ...env } = process.env;
  // ssh asks the system where the home of its user is, and in our user namespace that is root.
  const mine = (name: string) => join(home, '.ssh', name);
  const files = ['config'].filter((name) => existsSync(mine(name))).flatMap((name) => ['-F', mine(name)]);
  const keys = ['id_ed25519', 'id_ecdsa', 'id_rsa'].filter((name) => existsSync(mine(name)));
  const ssh = [
    'ssh',
    ...files,
    ...['-o', 'BatchMode=yes', '-o', `UserKnownHostsFile=${mine('known_hosts')}`],
    ...keys.flatMap((name) => ['-i', mine(name)]),
  ];
  return {
    ...env,
    HOME: home,
    GIT_TERMINAL_PROMPT: '0',
    GIT_SSH_COMMAND: env.GIT_SSH_COMMAND ?? ssh.map(quoted).join(' '),
    ...(agent === undefined ? {} : { SSH_AUTH_SOCK: agent }),
  };
}

const quoted = (word: string) => `'${word.replaceAll("'", "'\\''")}'`;
