/** The launcher run by root: the machine's, a container's, a user namespace's. */
import { spawnSync } from 'node:child_process';
import { readlinkSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { describeLauncher, expectRefusal, type Here, root } from '#test/support/launcher.ts';

describeLauncher((launcher) => {
  describe.runIf(root)('real root', () => {
    test('has a mount namespace only, and the same one every time', () => {
      const line =
        'mount -t tmpfs -o mode=755 run /run; "$wherry" ps; "$wherry" ps; kill $(cut -d" " -f1 /run/wherry/holder)';
      const { status, stdout, stderr } = launcher.prepared(line);
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
      const { status, stdout, stderr } = launcher.prepared(line);
      expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
      const [here = '', outside] = stdout.trim().split('\n');
      expect(JSON.parse(here).mount).not.toBe(outside);
    });

    test('without CAP_SYS_ADMIN is refused', () => {
      expectRefusal(
        launcher.prepared('exec setpriv --bounding-set -sys_admin "$wherry" ps'),
        /no CAP_SYS_ADMIN.*\n.*--privileged/,
      );
    });

    test('of a user namespace is told who they are', () => {
      const { status, signal, stdout, stderr } = spawnSync(
        'setpriv',
        [
          '--reuid',
          String(launcher.user.uid),
          '--regid',
          String(launcher.user.gid),
          '--clear-groups',
          'unshare',
          '-rm',
          launcher.wherry,
          'ps',
        ],
        { encoding: 'utf8', cwd: '/', env: launcher.user.env() },
      );
      expectRefusal({ status, signal, stdout, stderr }, /"\/run\/wherry": Permission denied\n.*user namespace/);
    });

    test('of a container with some ids works like real root', async () => {
      const line = '"$wherry" ps; kill $(cut -d" " -f1 /run/wherry/holder)';
      const { status, stdout, stderr } = await launcher.nested('0 0 1\n1 100001 65535', line);
      expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
      expect(JSON.parse(stdout)).toMatchObject({ ids: [0, 0], env: { WHERRY_NAMESPACE: 'root' } });
      expect(JSON.parse(stdout).uidMap).toHaveLength(2);
    });
  });
});
