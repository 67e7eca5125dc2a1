/** native/launcher/main.c, node.c, place.c: what Node gets, and what it is not given. */
import { existsSync, mkdtempSync, readFileSync, readlinkSync, rmSync, unlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { describeLauncher, holderOf, root } from '#test/support/launcher.ts';

describeLauncher((launcher) => {
  describe('the way in', () => {
    test('makes the user root of a namespace with their own id and all their subordinate ones', async () => {
      const here = await launcher.look();
      expect(here.ids).toEqual([0, 0]);
      expect(here.uidMap[0]).toEqual([0, launcher.user.uid, 1]);
      expect(here.gidMap[0]).toEqual([0, launcher.user.gid, 1]);
      const ranges = readFileSync('/etc/subuid', 'utf8').split('\n');
      const [, first, count] = ranges.find((line) => line.startsWith(`${launcher.user.name}:`))?.split(':') ?? [];
      expect(here.uidMap[1]).toEqual([1, Number(first), Number(count)]);
    });

    test('goes into the same namespaces every time', async () => {
      const first = await launcher.look();
      const second = await launcher.look(['images']);
      expect([second.user, second.mount]).toEqual([first.user, first.mount]);
      expect(first.user).not.toBe(readlinkSync('/proc/self/ns/user'));
      expect(first.mount).not.toBe(readlinkSync('/proc/self/ns/mnt'));
      expect(launcher.holders()).toEqual([holderOf(launcher.runtime)]);
    });

    test('tells Node where it is', async () => {
      const { env } = await launcher.look();
      expect(env).toMatchObject({
        WHERRY_PROGRAM: 'wherry',
        WHERRY_RUNTIME_DIR: launcher.runtime,
        WHERRY_UID: String(launcher.user.uid),
        WHERRY_GID: String(launcher.user.gid),
        WHERRY_NAMESPACE: 'user',
        WHERRY_HOME: launcher.home,
      });
    });

    test('passes every word on, odd ones and empty ones too', async () => {
      const words = ['run', '--', '', 'a b', '--help', '\u{1f6a3}', '-v'];
      expect((await launcher.look(words)).words).toEqual(words);
    });

    test('keeps the directory and the umask', async () => {
      const directory = join(launcher.user.home, 'some where');
      await launcher.user.run('mkdir', ['-p', directory]);
      const { stdout } = await launcher.user.run('sh', ['-c', 'umask 0137; exec "$0" ps', launcher.wherry], {
        cwd: directory,
      });
      expect(JSON.parse(stdout)).toMatchObject({ cwd: directory, umask: 0o137 });
    });

    test('works in a directory that was removed', async () => {
      const { stdout, stderr } = await launcher.user.run('sh', [
        '-c',
        'mkdir d; cd d; rmdir ../d; exec "$0" ps',
        launcher.wherry,
      ]);
      expect(stderr).toBe('');
      expect(JSON.parse(stdout)).toMatchObject({ cwd: 'ENOENT' });
    });

    test.runIf(root)('says so when the directory is closed to the user', async () => {
      const closed = mkdtempSync(join(tmpdir(), 'wherry-closed-'));
      onTestFinished(() => rmSync(closed, { recursive: true }));
      const { stdout, stderr } = launcher.prepared(`cd ${closed}; exec $as "$wherry" ps`);
      expect(stderr).toBe(`wherry: Cannot stay in the directory "${closed}": relative paths start at "/"\n`);
      expect(JSON.parse(stdout)).toMatchObject({ cwd: '/' });
    });

    test.runIf(root)('keeps supplementary groups', () => {
      const { stdout } = launcher.prepared(
        `exec setpriv --reuid ${launcher.user.uid} --regid ${launcher.user.gid} --groups 4,24,27 "$wherry" ps`,
      );
      // They have no number inside, so all are the overflow group there; Node adds the effective one.
      expect(JSON.parse(stdout).groups).toBe(4);
    });

    test('keeps NODE_OPTIONS away from its own Node, but for later', async () => {
      const { env } = await launcher.look(['ps'], { env: { NODE_OPTIONS: '--require /nonexistent.js' } });
      expect(env.WHERRY_NODE_OPTIONS).toBe('--require /nonexistent.js');
      expect(env).not.toHaveProperty('NODE_OPTIONS');
    });

    test('finds its installation by any link, and knows what it was called', async () => {
      const link = join(launcher.user.home, 'docker');
      await launcher.user.run('ln', ['-sf', launcher.wherry, link]);
      const { stdout } = await launcher.user.run(link, ['ps']);
      expect(JSON.parse(stdout).env).toMatchObject({ WHERRY_PROGRAM: 'docker', WHERRY_HOME: launcher.home });
    });

    test('called docker-compose, it is docker with that word in front of the others', async () => {
      const link = join(launcher.user.home, 'docker-compose');
      await launcher.user.run('ln', ['-sf', launcher.wherry, link]);
      const { stdout } = await launcher.user.run(link, ['-f', 'a.yaml', 'ps']);
      expect(JSON.parse(stdout)).toMatchObject({
        words: ['compose', '-f', 'a.yaml', 'ps'],
        env: { WHERRY_PROGRAM: 'docker' },
      });
    });

    test('shows a pure cgroup v2 tree where the host has one at all', async () => {
      if (!existsSync('/sys/fs/cgroup/cgroup.controllers') && !existsSync('/sys/fs/cgroup/unified')) return;
      expect((await launcher.look()).cgroup).toBe('cgroup2');
    });

    test('runs the sources where WHERRY_SOURCE=1 says so', async () => {
      expect(await launcher.run(['ps'], { env: { WHERRY_SOURCE: '1' } })).toMatchObject({
        status: 0,
        stdout: 'the sources',
      });
    });

    test('runs the sources where there is no bundle', async () => {
      const checkout = launcher.another();
      unlinkSync(join(checkout, 'dist/main.js'));
      expect(await launcher.user.run(join(checkout, 'bin/wherry'))).toMatchObject({ status: 0, stdout: 'the sources' });
    });

    test('works with closed standard streams', async () => {
      const line = '"$0" ps <&- >&- 2>&-; echo $?';
      expect(await launcher.user.run('sh', ['-c', line, launcher.wherry])).toMatchObject({ stdout: '0\n', stderr: '' });
    });

    test('works where the caller ignores SIGCHLD', async () => {
      const { stdout } = await launcher.user.run('sh', ['-c', 'trap \'\' CHLD; exec "$0" ps', launcher.wherry]);
      expect(JSON.parse(stdout).env.WHERRY_NAMESPACE).toBe('user');
    });

    test('started from inside, it stays where it is', async () => {
      const outer = await launcher.look();
      const inner = await launcher.look(['again']);
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
      const here = await launcher.look(['ps'], { env });
      expect(here.env).toMatchObject({ WHERRY_RUNTIME_DIR: launcher.runtime, WHERRY_UID: String(launcher.user.uid) });
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
      const here = await launcher.look(words);
      expect(here.env).toMatchObject({
        WHERRY_NAMESPACE: 'none',
        WHERRY_UID: String(launcher.user.uid),
        WHERRY_HOME: launcher.home,
      });
      expect(here.ids).toEqual([launcher.user.uid, launcher.user.gid]);
      expect(existsSync(launcher.runtime)).toBe(false);
    });

    test('a program that is run in a container has its own --help', async () => {
      expect((await launcher.look(['run', '--rm', '--help'])).env.WHERRY_NAMESPACE).toBe('user');
      expect((await launcher.look(['run', 'busybox', 'ls', '--help'])).env.WHERRY_NAMESPACE).toBe('user');
    });
  });
});
