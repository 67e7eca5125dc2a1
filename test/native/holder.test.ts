/** native/launcher/holder.c, process.c, spawn.c: the process that keeps the namespaces. */
import { once } from 'node:events';
import {
  chownSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { describe, expect, onTestFinished, test } from 'vitest';
import { startTime } from '#sys/process.ts';
import { describeLauncher, end, type Here, holderOf, root } from '#test/support/launcher.ts';

describeLauncher((launcher) => {
  describe('the holder', () => {
    test('keeps nothing of its maker: no output, no file, no directory, no environment', async () => {
      // launcher.run() waits for the end of the output, so it would never return if the holder held that.
      const { stdout } = await launcher.user.run('sh', [
        '-c',
        'exec 7</etc/passwd; printf %s "$("$0" ps)"',
        launcher.wherry,
      ]);
      expect(JSON.parse(stdout).ids).toEqual([0, 0]);
      const pid = holderOf(launcher.runtime);
      expect(readdirSync(`/proc/${pid}/fd`)).toEqual([]);
      expect(readlinkSync(`/proc/${pid}/cwd`)).toBe('/');
      expect(readlinkSync(`/proc/${pid}/exe`)).toContain('/memfd:');
      expect(readFileSync(`/proc/${pid}/environ`, 'latin1')).toBe('');
      expect(readFileSync(`/proc/${pid}/cmdline`, 'latin1')).toBe('wherry-holder\0');
    });

    test('is in no session of a terminal, and survives what a log-out sends', async () => {
      const first = await launcher.look();
      const pid = holderOf(launcher.runtime) ?? 0;
      const stat = readFileSync(`/proc/${pid}/stat`, 'latin1').replace(/.*\) /, '').split(' ');
      expect(stat.slice(3, 5)).toEqual([String(pid), '0']);
      for (const signal of ['SIGHUP', 'SIGINT', 'SIGQUIT'] as const) process.kill(pid, signal);
      expect((await launcher.look()).user).toBe(first.user);
      expect(holderOf(launcher.runtime)).toBe(pid);
    });

    test('is a few pages small', async () => {
      await launcher.look();
      const rollup = readFileSync(`/proc/${holderOf(launcher.runtime)}/smaps_rollup`, 'latin1');
      expect(Number(/Pss:\s+(\d+) kB/.exec(rollup)?.[1])).toBeLessThanOrEqual(24);
    });

    test('that was killed is followed by a new one', async () => {
      await launcher.look();
      const pid = holderOf(launcher.runtime) ?? 0;
      await end(pid);
      expect((await launcher.look()).env.WHERRY_NAMESPACE).toBe('user');
      expect(holderOf(launcher.runtime)).not.toBe(pid);
      expect(launcher.holders()).toEqual([holderOf(launcher.runtime)]);
    });

    test('fifty launchers at once make one', async () => {
      const all = await Promise.all(Array.from({ length: 50 }, () => launcher.look()));
      expect(new Set(all.map((here) => `${here.user} ${here.mount}`)).size).toBe(1);
      expect(launcher.holders()).toEqual([holderOf(launcher.runtime)]);
    });

    test('that was killed while containers run is replaced inside of their namespaces', async () => {
      const monitor = launcher.user.start(launcher.wherry, ['monitor']);
      const [line] = await new Promise<[Buffer]>((resolve) => monitor.stdout?.once('data', (data) => resolve([data])));
      const inside = JSON.parse(String(line)) as Here;
      await end(holderOf(launcher.runtime) ?? 0);

      const next = await launcher.look();
      expect([next.user, next.mount]).toEqual([inside.user, inside.mount]);
      const ended = new Promise((resolve) => monitor.once('exit', resolve));
      monitor.stdin?.end();
      await ended;
      // The new holder keeps them now.
      const last = await launcher.look();
      expect([last.user, last.mount]).toEqual([inside.user, inside.mount]);
      expect(launcher.holders()).toEqual([holderOf(launcher.runtime)]);
    });

    test('is not there when its maker was killed half-way', async () => {
      // A newuidmap that waits, first in $PATH, holds the launcher where its holder is not finished.
      const tools = join(launcher.user.home, 'tools');
      const stuck = `mkdir -p ${tools} && mkfifo ${tools}/go && printf '#!/bin/sh\necho stuck; read x <${tools}/go' >${tools}/newuidmap && chmod +x ${tools}/newuidmap`;
      expect(await launcher.user.run('sh', ['-c', stuck])).toMatchObject({ status: 0 });
      onTestFinished(() => rmSync(tools, { recursive: true }));
      const maker = launcher.user.start(launcher.wherry, ['ps'], { env: { PATH: `${tools}:/usr/bin:/bin` } });
      while (launcher.holders().length === 0) await setImmediate();
      const [unfinished = 0] = launcher.holders();
      const ended = once(maker, 'exit');
      maker.kill('SIGKILL');
      await ended;
      while (startTime(unfinished) !== undefined) await setImmediate();
      // Its tool may end now, wherever it stands.
      await launcher.user.run('sh', ['-c', `exec 3<>${tools}/go; echo >&3`]);
      expect(existsSync(join(launcher.runtime, 'holder'))).toBe(false);
      expect((await launcher.look()).env.WHERRY_NAMESPACE).toBe('user');
    });

    test.runIf(root)('is the launcher itself where programs may not run from memory', () => {
      const line = `
        exec unshare --pid --fork --mount-proc sh -euc '
          echo 2 >/proc/sys/vm/memfd_noexec
          $as "$wherry" ps; $as "$wherry" ps; readlink /proc/$(cut -d" " -f1 ${launcher.runtime}/holder)/exe'`;
      const { status, stdout, stderr } = launcher.prepared(line);
      if (stderr.includes('memfd_noexec')) return; // Linux before 6.3 has no such switch
      expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
      const [first = '', second = '', program] = stdout.split('\n');
      expect(JSON.parse(second).user).toBe(JSON.parse(first).user);
      expect(program).toBe(launcher.wherry);
    });

    test('asks the user’s service manager for a scope of its own, and goes on without one', async () => {
      const tools = join(launcher.user.home, 'tools');
      const asked = join(launcher.user.home, 'asked');
      const double = `mkdir -p ${tools} ${launcher.user.runtimeDir}/systemd && >${launcher.user.runtimeDir}/systemd/private
        printf '#!/bin/sh\necho "$*" >${asked}; exit 1' >${tools}/busctl && chmod +x ${tools}/busctl`;
      expect(await launcher.user.run('sh', ['-c', double])).toMatchObject({ status: 0 });
      onTestFinished(() => rmSync(join(launcher.user.runtimeDir, 'systemd'), { recursive: true }));
      onTestFinished(() => rmSync(tools, { recursive: true }));
      await launcher.look(['ps'], { env: { PATH: `${tools}:/usr/bin:/bin` } });
      const pid = holderOf(launcher.runtime);
      const words = readFileSync(asked, 'utf8');
      expect(words).toMatch(`StartTransientUnit ssa(sv)a(sa(sv)) wherry-holder-${pid}.scope fail`);
      expect(words).toMatch(`PIDs au 1 ${pid} 0`);
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
      const { status, stdout, stderr } = launcher.prepared(line, { propagation: 'shared' });
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
      const { stderr } = launcher.prepared(line);
      expect(stderr).toMatch(
        `wherry: The directory "${disk}" is on a mount that wherry's namespace does not have\nhint: `,
      );
    });
  });

  describe('a pid file that is wrong', () => {
    const write = (text: string) => {
      mkdirSync(launcher.runtime, { recursive: true, mode: 0o700 });
      writeFileSync(join(launcher.runtime, 'holder'), text);
      if (root) {
        chownSync(launcher.runtime, launcher.user.uid, launcher.user.gid);
        chownSync(join(launcher.runtime, 'holder'), launcher.user.uid, launcher.user.gid);
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
      expect((await launcher.look()).env.WHERRY_NAMESPACE).toBe('user');
      expect(launcher.holders()).toEqual([holderOf(launcher.runtime)]);
    });

    test('is replaced: it names a process of the user that is in no namespace of theirs', async () => {
      const other = launcher.user.start('cat');
      write(`${other.pid} ${startTime(other.pid ?? 0)}\n`);
      expect((await launcher.look()).env.WHERRY_NAMESPACE).toBe('user');
      const ended = new Promise((resolve) => other.once('exit', resolve));
      other.kill();
      await ended;
    });

    test('is replaced: its pid is another process’s by now', async () => {
      const first = await launcher.look();
      const pid = holderOf(launcher.runtime) ?? 0;
      write(`${pid} ${(startTime(pid) ?? 0) - 1}\n`);
      expect((await launcher.look()).user).not.toBe(first.user);
      await end(pid);
    });
  });
});
