/** native/launcher/idmap.c, subids.c: which ids there are. */
import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { describe, expect, onTestFinished, test } from 'vitest';
import { describeLauncher, holdersOf, root } from '#test/support/launcher.ts';
import { testUser } from '#test/support/user.ts';

describeLauncher((launcher) => {
  describe('single ids', () => {
    test.runIf(root)(
      'without ranges: containers have one id, said once a holder; with ranges later: all ids',
      async () => {
        const other = testUser('wherrynone', { ranges: false });
        onTestFinished(() => other.remove());
        const first = await other.run(launcher.wherry, ['ps']);
        expect(first.stderr).toMatch(
          /^wherry: Containers have no other user ids than yours: \/etc\/subuid gives no ids to "wherrynone" that can be used here\nhint: Have root run: usermod --add-subuids \d+-\d+ --add-subgids \d+-\d+ wherrynone\n$/,
        );
        expect(JSON.parse(first.stdout)).toMatchObject({
          uidMap: [[0, other.uid, 1]],
          gidMap: [[0, other.gid, 1]],
          env: { WHERRY_NAMESPACE: 'single' },
        });
        const second = await other.run(launcher.wherry, ['ps']);
        expect(second.stderr).toBe('');
        expect(JSON.parse(second.stdout).user).toBe(JSON.parse(first.stdout).user);

        // What the hint says works, without any other step.
        const [command = '', ...args] = /usermod.*/.exec(first.stderr)?.[0].split(' ') ?? [];
        execFileSync(command, args);
        const third = await other.run(launcher.wherry, ['ps']);
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
      const { stdout, stderr } = await other.run(launcher.wherry, ['ps']);
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
      const { status, stdout, stderr } = launcher.prepared(
        'mount --bind /dev/null /usr/bin/newuidmap; cd /; exec $as "$wherry" ps',
      );
      expect(status).toBe(0);
      expect(stderr).toMatch(/newuidmap and newgidmap are not installed\nhint: Install them .*uidmap/);
      expect(JSON.parse(stdout).env.WHERRY_NAMESPACE).toBe('single');
    });

    test('without the right to gain privileges: containers have one id', async () => {
      const { stdout, stderr } = await launcher.user.run('setpriv', ['--no-new-privs', launcher.wherry, 'ps']);
      expect(stderr).toContain('this process may not gain privileges (no_new_privs)');
      expect(JSON.parse(stdout).env.WHERRY_NAMESPACE).toBe('single');
    });
  });

  test.runIf(root)('an ordinary user of a container gets only subordinate ids that the container has', async () => {
    const line = `
      mkdir -m 700 /run/u; chown 1000:1000 /run/u
      echo app:x:1000:1000::/:/bin/sh >/run/passwd; echo app:60000:65536 >/run/subuid; cp /run/subuid /run/subgid
      for file in passwd subuid subgid; do mount --bind /run/$file /etc/$file; done
      setpriv --reuid 1000 --regid 1000 --clear-groups env XDG_RUNTIME_DIR=/run/u "$wherry" ps
      kill $(cut -d" " -f1 /run/u/wherry/holder)`;
    const { status, stdout, stderr } = await launcher.nested('0 0 65536', line);
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    expect(JSON.parse(stdout).uidMap).toEqual([
      [0, 1000, 1],
      [1, 60000, 5536],
    ]);
  });
});
