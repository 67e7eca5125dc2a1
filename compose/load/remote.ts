/**
 * Compose files that are in a git repository or a registry. They are kept where docker compose keeps them, a directory a
 * commit or a digest, and it and we find each other's.
 */
import { existsSync, mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync, statSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { asInvalid, hasCode, WherryError } from '#base/error.ts';
import { parseGitAddress } from '#build/context/git-address.ts';
import type { Variables } from '#compose/load/dotenv.ts';
import { FILE_NAMES, isFile, readSwitch } from '#compose/load/files.ts';
import { invalid } from '#compose/model/tree.ts';

export interface Fetched {
  /** Absolute. */
  file: string;
  /** The directory of all that was fetched with it. */
  root: string;
}

/** Fetches one by its address; the same one once. */
export type RemoteFiles = (address: string) => Promise<Fetched>;

export interface RemoteOptions {
  /** The process's: XDG_CACHE_HOME, HOME, COMPOSE_EXPERIMENTAL_GIT_REMOTE and COMPOSE_EXPERIMENTAL_OCI_REMOTE. */
  environment: Variables;
  abort?: AbortSignal;
}

/**
 * Opens them for one reading of a project. Throws kind `invalid` where it is switched off, and where there is no such
 * repository, reference, artifact or file.
 */
export function remoteFiles(options: RemoteOptions): RemoteFiles {
  const known = new Map<string, Promise<Fetched>>();
  return (address) => {
    const before = known.get(address);
    if (before !== undefined) return before;
    const fetch = address.startsWith('oci://') ? fromRegistry : fromGit;
    const fetching = fetch(address, options).catch((error: unknown) => {
      options.abort?.throwIfAborted();
      throw asInvalid(error);
    });
    known.set(address, fetching);
    return fetching;
  };
}

async function fromGit(text: string, { environment, abort }: RemoteOptions): Promise<Fetched> {
  checkSwitch(environment, 'COMPOSE_EXPERIMENTAL_GIT_REMOTE', 'git');
  const address = parseGitAddress(text);
  if (address === undefined) throw new TypeError(`no git address: ${text}`);
  const below = /#[^:]*:(.*)$/s.exec(text)?.[1] ?? '';
  if (below.split('/').includes('..')) throw invalid(`git subdirectory path traversal detected: ${below}`);
  const { fetchGit, findCommit } = await import('#build/context/git.ts');
  const root = await inCache(environment, await findCommit(address, { abort }), async (at) => {
    const all = { ...address, subdir: '', keepGitDir: true, submodules: address.submodules ?? false };
    return (await fetchGit(all, at, { abort })).commit;
  });
  return { file: fileAt(join(root, address.subdir), text), root };
}

async function fromRegistry(text: string, { environment, abort }: RemoteOptions): Promise<Fetched> {
  checkSwitch(environment, 'COMPOSE_EXPERIMENTAL_OCI_REMOTE', 'OCI');
  const { fetchProject } = await import('#compose/load/oci.ts');
  const root = await fetchProject(text.slice('oci://'.length), { abort }, (digest, write) =>
    inCache(environment, digest.slice(digest.indexOf(':') + 1), async (at) => {
      mkdirSync(at, { mode: 0o700 });
      await write(at);
      return undefined;
    }),
  );
  return { file: fileAt(root, text), root };
}

function checkSwitch(environment: Variables, name: string, what: string): void {
  const value = environment[name];
  if (!value || readSwitch(value, `${name} environment variable expects boolean value: `)) return;
  throw invalid(`${what} remote resource is disabled by "${name}"`);
}

/** Half a day: nothing is fetched for so long. */
const STALE = 12 * 3600e3;

/**
 * What the cache has under a name; made beside it where it has nothing, and then renamed, so that whatever is there is
 * whole. make: makes the directory, which is not there yet, and says by which name it goes if not by this one.
 */
async function inCache(
  environment: Variables,
  name: string,
  make: (at: string) => Promise<string | undefined>,
): Promise<string> {
  const cache = join(environment.XDG_CACHE_HOME ?? join(environment.HOME || homedir(), '.cache'), 'docker-compose');
  if (existsSync(join(cache, name))) return join(cache, name);
  const staging = stage(cache);
  try {
    const at = join(cache, (await make(join(staging, 'whole'))) ?? name);
    putInPlace(join(staging, 'whole'), at);
    return at;
  } finally {
    rmSync(staging, { recursive: true, force: true });
  }
}

function stage(cache: string): string {
  try {
    mkdirSync(cache, { recursive: true, mode: 0o700 });
    for (const left of readdirSync(cache).filter((entry) => entry.startsWith(STAGED))) {
      const { mtimeMs = Date.now() } = statSync(join(cache, left), { throwIfNoEntry: false }) ?? {};
      if (Date.now() - mtimeMs > STALE) rmSync(join(cache, left), { recursive: true, force: true });
    }
    return mkdtempSync(join(cache, STAGED));
  } catch (cause) {
    throw new WherryError('invalid', `initializing remote resource cache: ${(cause as Error).message}`, {
      hint: 'Name a directory that you may write to by XDG_CACHE_HOME',
      cause,
    });
  }
}

const STAGED = '.fetching-';

/** Another one may have been quicker; then its directory is as good. */
function putInPlace(from: string, to: string): void {
  try {
    renameSync(from, to);
  } catch (error) {
    if (!hasCode(error, 'ENOTEMPTY', 'EEXIST')) throw error;
  }
}

/** A file, or the compose file of a directory. */
function fileAt(path: string, address: string): string {
  if (isFile(path)) return path;
  if (!existsSync(path)) throw invalid(`stat ${path}: no such file or directory`);
  const found = FILE_NAMES.map((name) => join(path, name)).find(isFile);
  if (found !== undefined) return found;
  throw invalid(`no compose file in ${address}: not found`);
}
