/**
 * The ordinary user that the end-to-end tests drive wherry as. Where the tests run as root it is an account of their
 * own, made when first asked for and kept until remove(); else it is whoever runs them, in a home of the tests' own.
 */
import { type ChildProcess, execFileSync, type SpawnOptions, spawn, spawnSync } from 'node:child_process';
import { chownSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';

export interface Finished {
  /** The exit status; 128 + the number of a signal is never computed here: see `signal`. */
  status: number | null;
  signal: NodeJS.Signals | null;
  stdout: string;
  stderr: string;
}

export interface UserOptions {
  /** On top of a clean environment; undefined takes a variable out. */
  env?: Record<string, string | undefined>;
  /** The user's home by default. */
  cwd?: string;
  input?: string | Uint8Array;
}

export interface TestUser {
  readonly name: string;
  readonly uid: number;
  readonly gid: number;
  readonly home: string;
  /** Their XDG_RUNTIME_DIR. */
  readonly runtimeDir: string;
  /** The environment of a fresh login. */
  env(more?: Record<string, string | undefined>): NodeJS.ProcessEnv;
  /** Runs a program as this user to the end of the program and of everything that holds its output open. */
  run(command: string, args?: readonly string[], options?: UserOptions): Promise<Finished>;
  /** Starts a program as this user; the caller ends it. */
  start(command: string, args?: readonly string[], options?: UserOptions & Pick<SpawnOptions, 'stdio'>): ChildProcess;
  /** Ends every process of this user that the tests brought about, and takes away account, home and runtime directory. */
  remove(): void;
}

const users = new Map<string, TestUser>();

/** $WHERRY_TEST_USER lets two runs on one machine keep out of each other's way. */
const USUAL = process.env.WHERRY_TEST_USER ?? 'wherrytest';

/**
 * The test user, or a second one by another name. `ranges: false` makes one without subordinate ids.
 * Throws when an account can't be made: only root can, so another name than the default's needs root.
 */
export function testUser(name = USUAL, { ranges = true } = {}): TestUser {
  const known = users.get(name);
  if (known !== undefined) return known;
  const root = process.getuid?.() === 0;
  if (!root && (name !== USUAL || !ranges)) throw new Error(`Cannot make the user "${name}": only root can`);
  const user = root ? account(name, ranges) : whoever();
  const remove = () => {
    users.delete(name);
    user.remove();
  };
  const remembered = { ...user, remove };
  users.set(name, remembered);
  return remembered;
}

function account(name: string, ranges: boolean): TestUser {
  if (spawnSync('id', [name]).status !== 0) {
    const files = ranges ? [] : ['-K', 'SUB_UID_COUNT=0', '-K', 'SUB_GID_COUNT=0'];
    execFileSync('useradd', ['--create-home', '--shell', '/bin/sh', ...files, name], { stdio: 'pipe' });
  }
  const [uid, gid, home] = passwd(name);
  const runtimeDir = `/run/user/${uid}`;
  mkdirSync(runtimeDir, { recursive: true, mode: 0o700 });
  chownSync(runtimeDir, uid, gid);
  const remove = () => {
    endProcesses(uid, name);
    rmSync(runtimeDir, { recursive: true, force: true });
    execFileSync('userdel', ['--remove', '--force', name], { stdio: 'pipe' });
  };
  return handle({ name, uid, gid, home, runtimeDir }, { uid, gid }, remove);
}

function whoever(): TestUser {
  const { username, uid, gid } = userInfo();
  const home = mkdtempSync(join(tmpdir(), 'wherry-home-'));
  const runtimeDir = join(home, 'run');
  mkdirSync(runtimeDir, { mode: 0o700 });
  const remove = () => {
    endHolder(runtimeDir);
    // What containers left belongs to subordinate ids.
    spawnSync('unshare', ['--user', '--map-root-user', '--map-auto', 'rm', '-rf', home]);
    rmSync(home, { recursive: true, force: true });
  };
  return handle({ name: username, uid, gid, home, runtimeDir }, {}, remove);
}

type Account = Pick<TestUser, 'name' | 'uid' | 'gid' | 'home' | 'runtimeDir'>;

function handle(who: Account, ids: { uid?: number; gid?: number }, remove: () => void): TestUser {
  const env: TestUser['env'] = (more = {}) => {
    const login: Record<string, string | undefined> = {
      HOME: who.home,
      USER: who.name,
      LOGNAME: who.name,
      PATH: '/usr/local/bin:/usr/bin:/bin',
      LANG: 'C.UTF-8',
      XDG_RUNTIME_DIR: who.runtimeDir,
      ...more,
    };
    return Object.fromEntries(Object.entries(login).filter(([, value]) => value !== undefined));
  };
  const start: TestUser['start'] = (command, args = [], options = {}) =>
    spawn(command, args, {
      ...ids,
      cwd: options.cwd ?? who.home,
      env: env(options.env),
      stdio: options.stdio ?? 'pipe',
    });
  const run: TestUser['run'] = (command, args, options = {}) => finished(start(command, args, options), options.input);
  return {
    ...who,
    env,
    start,
    run,
    remove,
  };
}

function finished(child: ChildProcess, input: UserOptions['input']): Promise<Finished> {
  return new Promise((resolve, reject) => {
    const out: Buffer[] = [];
    const err: Buffer[] = [];
    child.stdout?.on('data', (chunk: Buffer) => out.push(chunk));
    child.stderr?.on('data', (chunk: Buffer) => err.push(chunk));
    child.once('error', reject);
    child.once('close', (status, signal) =>
      resolve({ status, signal, stdout: Buffer.concat(out).toString(), stderr: Buffer.concat(err).toString() }),
    );
    // A program that ends without reading its input is judged by its status, not by our EPIPE.
    child.stdin?.on('error', () => undefined);
    child.stdin?.end(input);
  });
}

function passwd(name: string): [uid: number, gid: number, home: string] {
  const fields = execFileSync('getent', ['passwd', name], { encoding: 'utf8' }).trim().split(':');
  return [Number(fields[2]), Number(fields[3]), fields[5] ?? '/'];
}

/** Ends what runs under the account's id or under one of its subordinate ids. */
function endProcesses(uid: number, name: string): void {
  const ranges = readFileSync('/etc/subuid', 'utf8')
    .split('\n')
    .map((line) => line.split(':'))
    .filter(([owner]) => owner === name)
    .map(([, first, count]) => [Number(first), Number(count)] as const);
  const theirs = (id: number) => id === uid || ranges.some(([first, count]) => id >= first && id < first + count);
  for (const entry of readdirSync('/proc')) {
    if (!/^\d+$/.test(entry)) continue;
    try {
      if (theirs(statSync(`/proc/${entry}`).uid)) process.kill(Number(entry), 'SIGKILL');
    } catch {
      // It has ended by itself.
    }
  }
}

function endHolder(runtimeDir: string): void {
  try {
    process.kill(Number.parseInt(readFileSync(join(runtimeDir, 'wherry', 'holder'), 'latin1'), 10), 'SIGKILL');
  } catch {
    // There was none.
  }
}
