/**
 * The launcher by itself: each build of it in an installation of its own, whose main.js only says where it runs.
 * Each test starts and ends without a holder.
 */
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { setImmediate } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, describe, expect, inject } from 'vitest';
import { startTime } from '#sys/process.ts';
import { type Finished, type TestUser, testUser, type UserOptions } from '#test/support/user.ts';

const CHECKOUT = join(import.meta.dirname, '../..');

/** Some tests take another user, mount or write /etc/subuid; without root they are skipped. */
export const root = process.getuid?.() === 0;

/** What stands in for wherry's program: it says where it is. */
const MAIN = `
import { spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, readlinkSync, writeFileSync } from 'node:fs';
const text = (path) => readFileSync(path, 'latin1').trim();
const words = process.argv.slice(2);
const here = {
  words,
  env: Object.fromEntries(Object.entries(process.env).filter(([name]) => /^(WHERRY|NODE)_/.test(name))),
  ids: [process.getuid(), process.getgid()],
  groups: process.getgroups().length,
  umask: process.umask(),
  cwd: (() => { try { return process.cwd(); } catch (error) { return error.code; } })(),
  uidMap: text('/proc/self/uid_map').split('\\n').map((line) => line.trim().split(/ +/).map(Number)),
  gidMap: text('/proc/self/gid_map').split('\\n').map((line) => line.trim().split(/ +/).map(Number)),
  user: readlinkSync('/proc/self/ns/user'),
  mount: readlinkSync('/proc/self/ns/mnt'),
  cgroup: text('/proc/self/mountinfo').split('\\n').filter((line) => line.split(' ')[4] === '/sys/fs/cgroup').at(-1)?.split(' - ')[1]?.split(' ')[0],
};
if (words[0] === 'again') {
  process.stdout.write(spawnSync(process.env.WHERRY_HOME + '/bin/wherry', ['ps'], { encoding: 'utf8' }).stdout);
} else {
  if (words[0] === 'monitor') {
    mkdirSync(process.env.WHERRY_RUNTIME_DIR + '/monitors', { recursive: true });
    const start = text('/proc/self/stat').replace(/.*\\) /s, '').split(' ')[19];
    writeFileSync(process.env.WHERRY_RUNTIME_DIR + '/monitors/' + 'a'.repeat(64), process.pid + ' ' + start + '\\n');
    process.stdin.resume();
  }
  process.stdout.write(JSON.stringify(here) + '\\n');
}
`;

/** What it says. */
export interface Here {
  words: string[];
  env: Record<string, string>;
  ids: [number, number];
  groups: number;
  umask: number;
  cwd: string;
  uidMap: number[][];
  gidMap: number[][];
  user: string;
  mount: string;
  cgroup?: string;
}

export interface Launcher {
  readonly user: TestUser;
  /** The user's runtime directory. */
  readonly runtime: string;
  /** The installation, and bin/wherry in it. */
  readonly home: string;
  readonly wherry: string;
  /** The holders that live now, but for those that the user had before the tests. */
  holders(): number[];
  /** A further installation with the same build. */
  another(): string;
  run(words: readonly string[], options?: UserOptions): Promise<Finished>;
  /** Runs it to a good end without a warning, and reads what main.js said; the words are `ps` by default. */
  look(words?: readonly string[], options?: UserOptions): Promise<Here>;
  /** Runs a shell line as root, in a mount namespace of its own, in which `$as` runs a program as the user. */
  prepared(line: string, options?: { propagation?: string }): Finished;
  /** Runs a shell line as root of a user namespace with this map, in a mount namespace with an empty /run. */
  nested(map: string, line: string): Promise<Finished>;
}

const BUILDS = [
  ['as it ships', 'bin/wherry'],
  ['with sanitizers', 'native/build/check/wherry'],
] as const;

/** Tests of each build. The launcher may be used in tests and hooks, not while the tests are collected. */
export function describeLauncher(body: (launcher: Launcher) => void): void {
  describe.each(BUILDS)('the launcher %s', (_, build) => {
    const homes: string[] = [];
    const another = () => {
      const home = installation(build);
      homes.push(home);
      return home;
    };
    let user: TestUser;
    let earlier: number[] = [];
    const launcher: Launcher = {
      get user() {
        return user;
      },
      get runtime() {
        return join(user.runtimeDir, 'wherry');
      },
      get home() {
        return homes[0] ?? '';
      },
      get wherry() {
        return join(launcher.home, 'bin/wherry');
      },
      holders: () => holdersOf(user.uid).filter((pid) => !earlier.includes(pid)),
      another,
      run: (words, options) => user.run(launcher.wherry, words, options),
      look: (words = ['ps'], options = {}) => look(launcher, words, options),
      prepared: (line, options) => prepared(launcher, line, options),
      nested: (map, line) => nested(launcher, map, line),
    };

    beforeAll(() => {
      const native = join(CHECKOUT, 'native');
      execFileSync('make', ['-s', '-C', native, '../bin/wherry', 'build/check/wherry'], { stdio: 'inherit' });
      // An account of its own where that can be: other tests' containers must not lose their holder.
      user = root ? testUser('wherrynative') : testUser();
      earlier = holdersOf(user.uid);
      another();
    });
    afterEach(() => endHolder(launcher.runtime));
    afterAll(() => {
      for (const home of homes) rmSync(home, { recursive: true, force: true });
      user.remove();
    });

    body(launcher);
  });
}

/** Where Node is that the tests' user can read: the run's own installation, as the checkout may be closed to them. */
function installed(): string {
  const prefix = inject('prefix') as string | undefined;
  return prefix === undefined ? CHECKOUT : join(realpathSync(join(prefix, 'bin/wherry')), '../..');
}

/** A directory like lib/wherry, with a copy of a launcher and the pinned Node. */
function installation(launcher: string): string {
  const home = mkdtempSync(join(tmpdir(), 'wherry-installation-'));
  chmodSync(home, 0o755);
  for (const name of ['bin', 'dist', 'src', 'src/cli']) mkdirSync(join(home, name));
  copyFileSync(join(CHECKOUT, launcher), join(home, 'bin/wherry'));
  writeFileSync(join(home, 'package.json'), '{"type":"module"}');
  writeFileSync(join(home, 'dist/main.js'), MAIN);
  writeFileSync(join(home, 'src/cli/main.ts'), "process.stdout.write('the sources' as string);\n");
  symlinkSync(join(installed(), 'node_modules'), join(home, 'node_modules'));
  return home;
}

async function look({ run }: Launcher, words: readonly string[], options: UserOptions): Promise<Here> {
  const { status, stdout, stderr } = await run(words, options);
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  return JSON.parse(stdout) as Here;
}

function prepared({ user, wherry }: Launcher, line: string, { propagation = 'private' } = {}): Finished {
  const as = `setpriv --reuid ${user.uid} --regid ${user.gid} --clear-groups`;
  const { status, signal, stdout, stderr } = spawnSync(
    'unshare',
    ['--mount', '--propagation', propagation, 'sh', '-euc', line],
    { encoding: 'utf8', cwd: '/', env: { ...user.env(), as, wherry, PATH: '/usr/sbin:/usr/bin:/sbin:/bin' } },
  );
  return { status, signal, stdout, stderr };
}

async function nested({ user, wherry }: Launcher, map: string, line: string): Promise<Finished> {
  const script = `
    echo made; read mapped
    exec unshare --mount sh -euc 'mount -t tmpfs -o mode=755 run /run; ${line}'`;
  const child = spawn('unshare', ['--user', 'sh', '-euc', script], {
    cwd: '/',
    env: { ...user.env(), wherry, PATH: '/usr/sbin:/usr/bin:/sbin:/bin' },
  });
  child.stdout.once('data', () => {
    for (const name of ['uid_map', 'gid_map']) writeFileSync(`/proc/${child.pid}/${name}`, map);
    child.stdin.end('mapped\n');
  });
  const [stdout = '', stderr = '', [status, signal] = [null, null]] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    once(child, 'close') as Promise<[number | null, NodeJS.Signals | null]>,
  ]);
  return { status, signal, stdout: stdout.replace('made\n', ''), stderr };
}

/** Exit status 125, one line that says what, one that says what to do. */
export function expectRefusal({ status, stdout, stderr }: Finished, message: string | RegExp): void {
  expect({ status, stdout }).toEqual({ status: 125, stdout: '' });
  expect(stderr).toMatch(/^wherry: [^\n]*[^\n.]\nhint: [^\n]*[^\n.]\n$/);
  expect(stderr).toMatch(message);
}

/** The pid in a user's holder file; undefined where there is none. */
export function holderOf(directory: string): number | undefined {
  try {
    return Number.parseInt(readFileSync(join(directory, 'holder'), 'latin1'), 10);
  } catch {
    return undefined;
  }
}

/** Kills a process that is nobody's child here, and returns when it has ended. */
export async function end(pid: number): Promise<void> {
  process.kill(pid, 'SIGKILL');
  while (startTime(pid) !== undefined) await setImmediate();
}

export async function endHolder(directory: string): Promise<void> {
  const pid = holderOf(directory);
  const recorded = pid === undefined ? undefined : readFileSync(join(directory, 'holder'), 'latin1').split(' ')[1];
  if (pid !== undefined && pid > 1 && startTime(pid) === Number(recorded)) await end(pid);
  rmSync(directory, { recursive: true, force: true });
}

/** The processes that hold namespaces for a user, by who owns them and what they are called. */
export function holdersOf(uid: number): number[] {
  return readdirSync('/proc')
    .filter((entry) => /^\d+$/.test(entry))
    .filter((entry) => {
      try {
        return (
          startTime(Number(entry)) !== undefined &&
          statSync(`/proc/${entry}`).uid === uid &&
          readFileSync(`/proc/${entry}/comm`, 'latin1') === 'wherry-holder\n'
        );
      } catch {
        return false;
      }
    })
    .map(Number);
}
