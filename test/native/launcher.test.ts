import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  chownSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  symlinkSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { setImmediate } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { startTime } from '#sys/process.ts';
import { type Finished, type TestUser, testUser, type UserOptions } from '#test/support/user.ts';

const CHECKOUT = join(import.meta.dirname, '../..');
const BUILDS = [
  ['as it ships', 'bin/wherry'],
  ['with sanitizers', 'native/build/check/wherry'],
] as const;
const root = process.getuid?.() === 0;

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

interface Here {
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

const installations: string[] = [];

/** A directory like lib/wherry, with a copy of a launcher and the pinned Node. */
function installation(launcher: string): string {
  const home = mkdtempSync(join(tmpdir(), 'wherry-installation-'));
  installations.push(home);
  chmodSync(home, 0o755);
  for (const name of ['bin', 'dist', 'src', 'src/cli']) mkdirSync(join(home, name));
  copyFileSync(join(CHECKOUT, launcher), join(home, 'bin/wherry'));
  writeFileSync(join(home, 'package.json'), '{"type":"module"}');
  writeFileSync(join(home, 'dist/main.js'), MAIN);
  writeFileSync(join(home, 'src/cli/main.ts'), "process.stdout.write('the sources' as string);\n");
  symlinkSync(join(CHECKOUT, 'node_modules'), join(home, 'node_modules'));
  return home;
}

/** The pid in a user's holder file; undefined where there is none. */
function holderOf(directory: string): number | undefined {
  try {
    return Number.parseInt(readFileSync(join(directory, 'holder'), 'latin1'), 10);
  } catch {
    return undefined;
  }
}

/** Kills a process that is nobody's child here, and returns when it has ended. */
async function end(pid: number): Promise<void> {
  process.kill(pid, 'SIGKILL');
  while (startTime(pid) !== undefined) await setImmediate();
}

async function endHolder(directory: string): Promise<void> {
  const pid = holderOf(directory);
  const recorded = pid === undefined ? undefined : readFileSync(join(directory, 'holder'), 'latin1').split(' ')[1];
  if (pid !== undefined && pid > 1 && startTime(pid) === Number(recorded)) await end(pid);
  rmSync(directory, { recursive: true, force: true });
}

/** The processes that hold namespaces for a user, by who owns them and what they are called. */
function holdersOf(uid: number): number[] {
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

let user: TestUser;
let runtime: string;

beforeAll(() => {
  execFileSync('make', ['-s', '-C', join(CHECKOUT, 'native'), '../bin/wherry', 'build/check/wherry'], {
    stdio: 'inherit',
  });
  user = root ? testUser('wherrynative') : testUser();
  runtime = join(user.runtimeDir, 'wherry');
});

afterEach(async () => endHolder(runtime));

afterAll(() => {
  for (const home of installations) rmSync(home, { recursive: true, force: true });
  user.remove();
});

describe.each(BUILDS)('the launcher %s', (_, launcher) => {
  let home: string;
  let wherry: string;

  beforeAll(() => {
    home = installation(launcher);
    wherry = join(home, 'bin/wherry');
  });

  const run = (words: readonly string[], options?: UserOptions) => user.run(wherry, words, options);

  /** Runs it to a good end and reads what the stand-in said. */
  async function look(words: readonly string[] = ['ps'], options?: UserOptions): Promise<Here> {
    const { status, stdout, stderr } = await run(words, options);
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    return JSON.parse(stdout) as Here;
  }

  /** A shell line as root, in a mount namespace of its own, in which `$as` runs a program as the user. */
  function prepared(line: string, { propagation = 'private' } = {}): Finished {
    const as = `setpriv --reuid ${user.uid} --regid ${user.gid} --clear-groups`;
    const { status, signal, stdout, stderr } = spawnSync(
      'unshare',
      ['--mount', '--propagation', propagation, 'sh', '-euc', line],
      { encoding: 'utf8', cwd: '/', env: { ...user.env(), as, wherry, PATH: '/usr/sbin:/usr/bin:/sbin:/bin' } },
    );
    return { status, signal, stdout, stderr };
  }

  describe('the way in', () => {
    test('makes the user root of a namespace with their own id and all their subordinate ones', async () => {
      const here = await look();
      expect(here.ids).toEqual([0, 0]);
      expect(here.uidMap[0]).toEqual([0, user.uid, 1]);
      expect(here.gidMap[0]).toEqual([0, user.gid, 1]);
      const ranges = readFileSync('/etc/subuid', 'utf8').split('\n');
      const [, first, count] = ranges.find((line) => line.startsWith(`${user.name}:`))?.split(':') ?? [];
      expect(here.uidMap[1]).toEqual([1, Number(first), Number(count)]);
    });

    test('goes into the same namespaces every time', async () => {
      const first = await look();
      const second = await look(['images']);
      expect([second.user, second.mount]).toEqual([first.user, first.mount]);
      expect(first.user).not.toBe(readlinkSync('/proc/self/ns/user'));
      expect(first.mount).not.toBe(readlinkSync('/proc/self/ns/mnt'));
      expect(holdersOf(user.uid)).toEqual([holderOf(runtime)]);
    });

    test('tells Node where it is', async () => {
      const { env } = await look();
      expect(env).toMatchObject({
        WHERRY_PROGRAM: 'wherry',
        WHERRY_RUNTIME_DIR: runtime,
        WHERRY_UID: String(user.uid),
        WHERRY_GID: String(user.gid),
        WHERRY_NAMESPACE: 'user',
        WHERRY_HOME: home,
      });
    });

    test('passes every word on, odd ones and empty ones too', async () => {
      const words = ['run', '--', '', 'a b', '--help', '\u{1f6a3}', '-v'];
      expect((await look(words)).words).toEqual(words);
    });

    test('keeps the directory and the umask', async () => {
      const directory = join(user.home, 'some where');
      await user.run('mkdir', ['-p', directory]);
      const { stdout } = await user.run('sh', ['-c', 'umask 0137; exec "$0" ps', wherry], { cwd: directory });
      expect(JSON.parse(stdout)).toMatchObject({ cwd: directory, umask: 0o137 });
    });

    test('works in a directory that was removed', async () => {
      const { stdout, stderr } = await user.run('sh', ['-c', 'mkdir d; cd d; rmdir ../d; exec "$0" ps', wherry]);
      expect(stderr).toBe('');
      expect(JSON.parse(stdout)).toMatchObject({ cwd: 'ENOENT' });
    });

    test.runIf(root)('says so when the directory is closed to the user', async () => {
      const closed = mkdtempSync(join(tmpdir(), 'wherry-closed-'));
      onTestFinished(() => rmSync(closed, { recursive: true }));
      const { stdout, stderr } = prepared(`cd ${closed}; exec $as "$wherry" ps`);
      expect(stderr).toBe(`wherry: Cannot stay in the directory "${closed}": relative paths start at "/"\n`);
      expect(JSON.parse(stdout)).toMatchObject({ cwd: '/' });
    });

    test.runIf(root)('keeps supplementary groups', () => {
      const { stdout } = prepared(`exec setpriv --reuid ${user.uid} --regid ${user.gid} --groups 4,24,27 "$wherry" ps`);
      // They have no number inside, so all are the overflow group there; Node adds the effective one.
      expect(JSON.parse(stdout).groups).toBe(4);
    });

    test('keeps NODE_OPTIONS away from its own Node, but for later', async () => {
      const { env } = await look(['ps'], { env: { NODE_OPTIONS: '--require /nonexistent.js' } });
      expect(env.WHERRY_NODE_OPTIONS).toBe('--require /nonexistent.js');
      expect(env).not.toHaveProperty('NODE_OPTIONS');
    });

    test('finds its installation by any link, and knows what it was called', async () => {
      const link = join(user.home, 'docker');
      await user.run('ln', ['-sf', wherry, link]);
      const { stdout } = await user.run(link, ['ps']);
      expect(JSON.parse(stdout).env).toMatchObject({ WHERRY_PROGRAM: 'docker', WHERRY_HOME: home });
    });

    test('shows a pure cgroup v2 tree where the host has one at all', async () => {
      if (!existsSync('/sys/fs/cgroup/cgroup.controllers') && !existsSync('/sys/fs/cgroup/unified')) return;
      expect((await look()).cgroup).toBe('cgroup2');
    });

    test('runs the sources where WHERRY_SOURCE=1 says so', async () => {
      expect(await run(['ps'], { env: { WHERRY_SOURCE: '1' } })).toMatchObject({ status: 0, stdout: 'the sources' });
    });

    test('runs the sources where there is no bundle', async () => {
      const checkout = installation(launcher);
      unlinkSync(join(checkout, 'dist/main.js'));
      expect(await user.run(join(checkout, 'bin/wherry'))).toMatchObject({ status: 0, stdout: 'the sources' });
    });

    test('works with closed standard streams', async () => {
      const line = '"$0" ps <&- >&- 2>&-; echo $?';
      expect(await user.run('sh', ['-c', line, wherry])).toMatchObject({ stdout: '0\n', stderr: '' });
    });

    test('works where the caller ignores SIGCHLD', async () => {
      const { stdout } = await user.run('sh', ['-c', 'trap \'\' CHLD; exec "$0" ps', wherry]);
      expect(JSON.parse(stdout).env.WHERRY_NAMESPACE).toBe('user');
    });

    test('started from inside, it stays where it is', async () => {
      const outer = await look();
      const inner = await look(['again']);
      expect(inner).toMatchObject({ user: outer.user, mount: outer.mount, ids: [0, 0] });
      expect(inner.env).toEqual(outer.env);
    });

    test('does not believe an environment that only says it is inside', async () => {
      const env = {
        WHERRY_INSIDE: '1.1',
        WHERRY_RUNTIME_DIR: '/nonexistent',
        WHERRY_NAMESPACE: 'root',
        WHERRY_UID: '0',
      };
      const here = await look(['ps'], { env });
      expect(here.env).toMatchObject({ WHERRY_RUNTIME_DIR: runtime, WHERRY_UID: String(user.uid) });
      expect(here.env.WHERRY_NAMESPACE).toBe('user');
    });
  });

  describe('commands that need no namespace', () => {
    test.each([
      [[]],
      [['--help']],
      [['-h']],
      [['help', 'run']],
      [['--version']],
      [['-v']],
      [['version']],
      [['completion', 'bash']],
      [['__complete', 'ps', '']],
      [['run', '--help']],
      [['container', 'ls', '--help']],
    ])('%j makes none', async (words) => {
      const here = await look(words);
      expect(here.env).toMatchObject({ WHERRY_NAMESPACE: 'none', WHERRY_UID: String(user.uid), WHERRY_HOME: home });
      expect(here.ids).toEqual([user.uid, user.gid]);
      expect(existsSync(runtime)).toBe(false);
    });

    test('a program that is run in a container has its own --help', async () => {
      expect((await look(['run', '--rm', '--help'])).env.WHERRY_NAMESPACE).toBe('user');
      expect((await look(['run', 'busybox', 'ls', '--help'])).env.WHERRY_NAMESPACE).toBe('user');
    });
  });

  describe('the holder', () => {
    test('keeps nothing of its maker: no output, no file, no directory, no environment', async () => {
      // run() waits for the end of the output, so it would never return if the holder held that.
      const { stdout } = await user.run('sh', ['-c', 'exec 7</etc/passwd; printf %s "$("$0" ps)"', wherry]);
      expect(JSON.parse(stdout).ids).toEqual([0, 0]);
      const pid = holderOf(runtime);
      expect(readdirSync(`/proc/${pid}/fd`)).toEqual([]);
      expect(readlinkSync(`/proc/${pid}/cwd`)).toBe('/');
      expect(readlinkSync(`/proc/${pid}/exe`)).toContain('/memfd:');
      expect(readFileSync(`/proc/${pid}/environ`, 'latin1')).toBe('');
      expect(readFileSync(`/proc/${pid}/cmdline`, 'latin1')).toBe('wherry-holder\0');
    });

    test('is in no session of a terminal, and survives what a log-out sends', async () => {
      const first = await look();
      const pid = holderOf(runtime) ?? 0;
      const stat = readFileSync(`/proc/${pid}/stat`, 'latin1').replace(/.*\) /, '').split(' ');
      expect(stat.slice(3, 5)).toEqual([String(pid), '0']);
      for (const signal of ['SIGHUP', 'SIGINT', 'SIGQUIT'] as const) process.kill(pid, signal);
      expect((await look()).user).toBe(first.user);
      expect(holderOf(runtime)).toBe(pid);
    });

    test('is a few pages small', async () => {
      await look();
      const rollup = readFileSync(`/proc/${holderOf(runtime)}/smaps_rollup`, 'latin1');
      expect(Number(/Pss:\s+(\d+) kB/.exec(rollup)?.[1])).toBeLessThanOrEqual(24);
    });

    test('that was killed is followed by a new one', async () => {
      await look();
      const pid = holderOf(runtime) ?? 0;
      await end(pid);
      expect((await look()).env.WHERRY_NAMESPACE).toBe('user');
      expect(holderOf(runtime)).not.toBe(pid);
      expect(holdersOf(user.uid)).toEqual([holderOf(runtime)]);
    });

    test('fifty launchers at once make one', async () => {
      const all = await Promise.all(Array.from({ length: 50 }, () => look()));
      expect(new Set(all.map((here) => `${here.user} ${here.mount}`)).size).toBe(1);
      expect(holdersOf(user.uid)).toEqual([holderOf(runtime)]);
    });

    test('that was killed while containers run is replaced inside of their namespaces', async () => {
      const monitor = user.start(wherry, ['monitor']);
      const [line] = await new Promise<[Buffer]>((resolve) => monitor.stdout?.once('data', (data) => resolve([data])));
      const inside = JSON.parse(String(line)) as Here;
      await end(holderOf(runtime) ?? 0);

      const next = await look();
      expect([next.user, next.mount]).toEqual([inside.user, inside.mount]);
      const ended = new Promise((resolve) => monitor.once('exit', resolve));
      monitor.stdin?.end();
      await ended;
      // The new holder keeps them now.
      const last = await look();
      expect([last.user, last.mount]).toEqual([inside.user, inside.mount]);
      expect(holdersOf(user.uid)).toEqual([holderOf(runtime)]);
    });

    test.runIf(root)('sees a disk that is mounted later, and does not keep it busy', () => {
      const disk = mkdtempSync(join(tmpdir(), 'wherry-disk-'));
      onTestFinished(() => rmSync(disk, { recursive: true }));
      const line = `
        $as "$wherry" ps >/dev/null
        chmod 755 ${disk}
        mount -t tmpfs -o mode=755 disk ${disk}
        ( cd ${disk}; $as "$wherry" ps )
        umount ${disk}`;
      const { status, stdout, stderr } = prepared(line, { propagation: 'shared' });
      expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
      expect(JSON.parse(stdout).cwd).toBe(disk);
    });

    test.runIf(root)('says so when the directory is on a mount that it can not see', () => {
      const disk = mkdtempSync(join(tmpdir(), 'wherry-disk-'));
      onTestFinished(() => rmSync(disk, { recursive: true }));
      const line = `
        $as "$wherry" ps >/dev/null
        mount -t tmpfs -o mode=755 disk ${disk}
        cd ${disk}; exec $as "$wherry" ps`;
      const { stderr } = prepared(line);
      expect(stderr).toMatch(
        `wherry: The directory "${disk}" is on a mount that wherry's namespace does not have\nHint: `,
      );
    });
  });

  describe('a pid file that is wrong', () => {
    const write = (text: string) => {
      mkdirSync(runtime, { recursive: true, mode: 0o700 });
      writeFileSync(join(runtime, 'holder'), text);
      if (root) {
        chownSync(runtime, user.uid, user.gid);
        chownSync(join(runtime, 'holder'), user.uid, user.gid);
      }
    };

    test.each([
      ['names the first process of the machine', () => `1 ${startTime(1)}\n`],
      ['names another user’s process', () => `${process.ppid} ${startTime(process.ppid)}\n`],
      ['names a process that never was', () => '4194304 1\n'],
      ['is empty', () => ''],
      ['is no text', () => '\0\u0001\xff'],
      ['has no start time', () => `${process.pid}\n`],
      ['has a negative pid', () => '-1 1\n'],
      ['has a pid beyond all numbers', () => `${'9'.repeat(30)} ${'9'.repeat(30)}\n`],
    ])('is replaced: it %s', async (_title, text) => {
      write(text());
      expect((await look()).env.WHERRY_NAMESPACE).toBe('user');
      expect(holdersOf(user.uid)).toEqual([holderOf(runtime)]);
    });

    test('is replaced: it names a process of the user that is in no namespace of theirs', async () => {
      const other = user.start('cat');
      write(`${other.pid} ${startTime(other.pid ?? 0)}\n`);
      expect((await look()).env.WHERRY_NAMESPACE).toBe('user');
      const ended = new Promise((resolve) => other.once('exit', resolve));
      other.kill();
      await ended;
    });

    test('is replaced: its pid is another process’s by now', async () => {
      const first = await look();
      const pid = holderOf(runtime) ?? 0;
      write(`${pid} ${(startTime(pid) ?? 0) - 1}\n`);
      expect((await look()).user).not.toBe(first.user);
      await end(pid);
    });
  });

  describe('single ids', () => {
    test.runIf(root)(
      'without ranges: containers have one id, said once a holder; with ranges later: all ids',
      async () => {
        const other = testUser('wherrynone', { ranges: false });
        onTestFinished(() => other.remove());
        const first = await other.run(wherry, ['ps']);
        expect(first.stderr).toMatch(
          /^wherry: Containers have no other user ids than yours: \/etc\/subuid gives no ids to "wherrynone" that can be used here\nHint: Have root run: usermod --add-subuids \d+-\d+ --add-subgids \d+-\d+ wherrynone\n$/,
        );
        expect(JSON.parse(first.stdout)).toMatchObject({
          uidMap: [[0, other.uid, 1]],
          gidMap: [[0, other.gid, 1]],
          env: { WHERRY_NAMESPACE: 'single' },
        });
        const second = await other.run(wherry, ['ps']);
        expect(second.stderr).toBe('');
        expect(JSON.parse(second.stdout).user).toBe(JSON.parse(first.stdout).user);

        // What the hint says works, without any other step.
        const [command = '', ...args] = /usermod.*/.exec(first.stderr)?.[0].split(' ') ?? [];
        execFileSync(command, args);
        const third = await other.run(wherry, ['ps']);
        expect(third.stderr).toBe('');
        expect(JSON.parse(third.stdout).env.WHERRY_NAMESPACE).toBe('user');
        expect(JSON.parse(third.stdout).uidMap).toHaveLength(2);
        expect(holdersOf(other.uid)).toHaveLength(1);
      },
    );

    test.runIf(root)('several ranges, by name and by number, that overlap: each id once', async () => {
      const other = testUser('wherrynone', { ranges: false });
      onTestFinished(() => other.remove());
      const before = ['/etc/subuid', '/etc/subgid'].map((path) => [path, readFileSync(path, 'utf8')] as const);
      onTestFinished(() => before.forEach(([path, text]) => void writeFileSync(path, text)));
      const lines = [
        'wherrynone:500000000:1000',
        `${other.uid}:500000500:1000`,
        'wherrynone:400000000:10',
        'wherrynone:500000000:1000',
        'wherrynone:nonsense:7',
      ];
      for (const [path, text] of before) writeFileSync(path, `${text}${lines.join('\n')}\n`);
      const { stdout, stderr } = await other.run(wherry, ['ps']);
      expect(stderr).toBe('');
      expect(JSON.parse(stdout).uidMap).toEqual([
        [0, other.uid, 1],
        // The kernel shows the lines in its own order.
        ...[
          [1, 500000000, 1000],
          [1001, 500001000, 500],
          [1501, 400000000, 10],
        ],
      ]);
    });

    test.runIf(root)('without newuidmap: containers have one id, and the package is named', () => {
      const { status, stdout, stderr } = prepared(
        'mount --bind /dev/null /usr/bin/newuidmap; cd /; exec $as "$wherry" ps',
      );
      expect(status).toBe(0);
      expect(stderr).toMatch(/newuidmap and newgidmap are not installed\nHint: Install them .*uidmap/);
      expect(JSON.parse(stdout).env.WHERRY_NAMESPACE).toBe('single');
    });

    test('without the right to gain privileges: containers have one id', async () => {
      const { stdout, stderr } = await user.run('setpriv', ['--no-new-privs', wherry, 'ps']);
      expect(stderr).toContain('this process may not gain privileges (no_new_privs)');
      expect(JSON.parse(stdout).env.WHERRY_NAMESPACE).toBe('single');
    });
  });

  /** A shell line as root of a user namespace with this map, in a mount namespace of its own with an empty /run. */
  async function nested(map: string, line: string): Promise<Finished> {
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
  function expectRefusal({ status, stdout, stderr }: Finished, message: string | RegExp): void {
    expect({ status, stdout }).toEqual({ status: 125, stdout: '' });
    expect(stderr).toMatch(/^wherry: [^\n]*[^\n.]\nHint: [^\n]*[^\n.]\n$/);
    expect(stderr).toMatch(message);
  }

  describe('refusals', () => {
    /** A chroot forbids user namespaces; switches that this kernel lacks are files of our own. */
    const refused = (name: string, value: string) =>
      prepared(`
        top=$(mktemp -d); trap 'umount -R -l $top; rmdir $top' EXIT
        mount --rbind / $top
        mount -t tmpfs switches $top/proc/sys/kernel
        echo ${value} >$top/proc/sys/kernel/${name}; chmod -R a+rX $top/proc/sys/kernel
        chroot $top $as "$wherry" ps`);

    test.runIf(root)('AppArmor’s restriction is named, and the profile that lifts it', () => {
      expectRefusal(refused('apparmor_restrict_unprivileged_userns', '1'), /AppArmor keeps .*\n.*install\.sh/);
    });

    test.runIf(root)('Debian’s switch is named', () => {
      expectRefusal(refused('unprivileged_userns_clone', '0'), /unprivileged_userns_clone=0.*\n.*sysctl/);
    });

    test.runIf(root)('a chroot is a guess that is said', () => {
      expectRefusal(refused('unprivileged_userns_clone', '1'), /user namespace: Operation not permitted\n.*chroot/);
    });

    test.runIf(root)('a machine without user namespaces is named', async () => {
      const line = `
        mkdir -m 700 /run/u; chown 1000:1000 /run/u
        echo 0 >/proc/sys/user/max_user_namespaces
        exec setpriv --reuid 1000 --regid 1000 --clear-groups env XDG_RUNTIME_DIR=/run/u "$wherry" ps`;
      expectRefusal(await nested('0 0 2000', line), /user\.max_user_namespaces=0.*\n.*sysctl/);
    });

    test.runIf(root)('a setuid bit is refused', async () => {
      const copy = join(installation(launcher), 'bin/wherry');
      chmodSync(copy, 0o4755);
      expectRefusal(await user.run(copy, ['ps']), /setuid.*\n.*chmod/);
    });

    test.runIf(root)('a setgid bit is refused', async () => {
      const copy = join(installation(launcher), 'bin/wherry');
      chmodSync(copy, 0o2755);
      expectRefusal(await user.run(copy, ['ps']), /setgid/);
    });

    test.runIf(root)('capabilities of the file are refused', async () => {
      const copy = join(installation(launcher), 'bin/wherry');
      if (spawnSync('setcap', ['cap_dac_override+ep', copy]).status !== 0) return;
      expectRefusal(await user.run(copy, ['ps']), /capability/);
    });

    test('a missing Node is named', async () => {
      const broken = installation(launcher);
      unlinkSync(join(broken, 'node_modules'));
      expectRefusal(await user.run(join(broken, 'bin/wherry')), /Cannot start Node at .*No such file/);
    });
  });

  describe('the runtime directory', () => {
    test('is the user’s alone', async () => {
      await look();
      expect(statSync(runtime).mode & 0o777).toBe(0o700);
      expect(statSync(join(runtime, 'holder')).mode & 0o777).toBe(0o600);
    });

    test('stays so with the oddest umask', async () => {
      const { stdout } = await user.run('sh', ['-c', 'umask 0777; exec "$0" ps', wherry]);
      expect(JSON.parse(stdout).umask).toBe(0o777);
      expect(statSync(runtime).mode & 0o777).toBe(0o700);
    });

    test('is closed again where others could look in', async () => {
      await look();
      chmodSync(runtime, 0o755);
      await look();
      expect(statSync(runtime).mode & 0o777).toBe(0o700);
    });

    test('that others may write to is refused', async () => {
      await look();
      chmodSync(runtime, 0o777);
      expectRefusal(await run(['ps']), /other users may write there/);
      chmodSync(runtime, 0o700);
    });

    test.runIf(root).each([
      ['relative', 'run/user'],
      ['another user’s', '/run/user/0'],
      ['readable to all', '/tmp'],
    ])('is the usual one when XDG_RUNTIME_DIR is %s', async (_title, value) => {
      expect((await look(['ps'], { env: { XDG_RUNTIME_DIR: value } })).env.WHERRY_RUNTIME_DIR).toBe(runtime);
    });

    describe.runIf(root)('of a user who never logged in', () => {
      const cron = () => `/tmp/wherry-${user.uid}`;
      const env = { XDG_RUNTIME_DIR: undefined };
      const away = async <T>(body: () => Promise<T>): Promise<T> => {
        chmodSync(user.runtimeDir, 0o755); // not private, so not taken
        try {
          return await body();
        } finally {
          chmodSync(user.runtimeDir, 0o700);
        }
      };
      afterEach(async () => {
        if (existsSync(cron()) && statSync(cron()).isDirectory()) await endHolder(cron());
        rmSync(cron(), { recursive: true, force: true });
      });

      test('is in /tmp', async () => {
        expect((await away(() => look(['ps'], { env }))).env.WHERRY_RUNTIME_DIR).toBe(cron());
      });

      test('goes on in /tmp after the log-in, as long as its holder lives', async () => {
        const early = await away(() => look(['ps'], { env }));
        const late = await look();
        expect([late.user, late.env.WHERRY_RUNTIME_DIR]).toEqual([early.user, cron()]);
        await end(holderOf(cron()) ?? 0);
        expect((await look()).env.WHERRY_RUNTIME_DIR).toBe(runtime);
      });

      test.each([
        ['another user’s directory', () => mkdirSync(cron(), { mode: 0o777 }), /another user owns it/],
        ['a link to a directory of theirs', () => symlinkSync(user.home, cron()), /Not a directory|symbolic links/],
        ['a file', () => writeFileSync(cron(), ''), /Not a directory/],
      ])('is refused when it is %s', async (_title, plant, message) => {
        plant();
        expectRefusal(await away(() => run(['ps'], { env })), message);
        // After the log-in it is nothing to anybody.
        expect((await look()).env.WHERRY_RUNTIME_DIR).toBe(runtime);
      });
    });
  });

  describe.runIf(root)('real root', () => {
    test('has a mount namespace only, and the same one every time', () => {
      const line =
        'mount -t tmpfs -o mode=755 run /run; "$wherry" ps; "$wherry" ps; kill $(cut -d" " -f1 /run/wherry/holder)';
      const { status, stdout, stderr } = prepared(line);
      expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
      const [first, second] = stdout
        .trim()
        .split('\n')
        .map((text) => JSON.parse(text) as Here);
      expect(first).toMatchObject({
        user: readlinkSync('/proc/self/ns/user'),
        env: { WHERRY_NAMESPACE: 'root', WHERRY_RUNTIME_DIR: '/run/wherry', WHERRY_UID: '0', WHERRY_GID: '0' },
      });
      expect(first?.mount).toBe(second?.mount);
      expect(first?.mount).not.toBe(readlinkSync('/proc/self/ns/mnt'));
    });

    test('is not led into the host’s own mount namespace by a forged pid file', () => {
      const line = `
        mount -t tmpfs -o mode=755 run /run; mkdir -m 700 /run/wherry
        echo "$$ $(sed 's/.*) //' /proc/$$/stat | cut -d' ' -f20)" >/run/wherry/holder
        "$wherry" ps; readlink /proc/$$/ns/mnt; kill $(cut -d" " -f1 /run/wherry/holder)`;
      const { status, stdout, stderr } = prepared(line);
      expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
      const [here = '', outside] = stdout.trim().split('\n');
      expect(JSON.parse(here).mount).not.toBe(outside);
    });

    test('without CAP_SYS_ADMIN is refused', () => {
      expectRefusal(
        prepared('exec setpriv --bounding-set -sys_admin "$wherry" ps'),
        /no CAP_SYS_ADMIN.*\n.*--privileged/,
      );
    });

    test('of a user namespace is told who they are', () => {
      const { status, signal, stdout, stderr } = spawnSync(
        'setpriv',
        ['--reuid', String(user.uid), '--regid', String(user.gid), '--clear-groups', 'unshare', '-rm', wherry, 'ps'],
        { encoding: 'utf8', cwd: '/', env: user.env() },
      );
      expectRefusal({ status, signal, stdout, stderr }, /"\/run\/wherry": Permission denied\n.*user namespace/);
    });

    test('of a container with some ids works like real root', async () => {
      const line = '"$wherry" ps; kill $(cut -d" " -f1 /run/wherry/holder)';
      const { status, stdout, stderr } = await nested('0 0 1\n1 100001 65535', line);
      expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
      expect(JSON.parse(stdout)).toMatchObject({ ids: [0, 0], env: { WHERRY_NAMESPACE: 'root' } });
      expect(JSON.parse(stdout).uidMap).toHaveLength(2);
    });
  });

  test.runIf(root)('an ordinary user of a container gets only subordinate ids that the container has', async () => {
    const line = `
      mkdir -m 700 /run/u; chown 1000:1000 /run/u
      echo app:x:1000:1000::/:/bin/sh >/run/passwd; echo app:60000:65536 >/run/subuid; cp /run/subuid /run/subgid
      for file in passwd subuid subgid; do mount --bind /run/$file /etc/$file; done
      setpriv --reuid 1000 --regid 1000 --clear-groups env XDG_RUNTIME_DIR=/run/u "$wherry" ps
      kill $(cut -d" " -f1 /run/u/wherry/holder)`;
    const { status, stdout, stderr } = await nested('0 0 65536', line);
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    expect(JSON.parse(stdout).uidMap).toEqual([
      [0, 1000, 1],
      [1, 60000, 5536],
    ]);
  });
});
