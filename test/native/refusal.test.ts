/** native/launcher/refusal.c, main.c: what is refused, and what is said then. */
import { spawnSync } from 'node:child_process';
import { chmodSync, unlinkSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'vitest';
import { describeLauncher, expectRefusal, root } from '#test/support/launcher.ts';

describeLauncher((launcher) => {
  describe('refusals', () => {
    /** A chroot forbids user namespaces; switches that this kernel lacks are files of our own. */
    const refused = (name: string, value: string) =>
      launcher.prepared(`
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
      expectRefusal(await launcher.nested('0 0 2000', line), /user\.max_user_namespaces=0.*\n.*sysctl/);
    });

    test.runIf(root)('a setuid bit is refused', async () => {
      const copy = join(launcher.another(), 'bin/wherry');
      chmodSync(copy, 0o4755);
      expectRefusal(await launcher.user.run(copy, ['ps']), /setuid.*\n.*chmod/);
    });

    test.runIf(root)('a setgid bit is refused', async () => {
      const copy = join(launcher.another(), 'bin/wherry');
      chmodSync(copy, 0o2755);
      expectRefusal(await launcher.user.run(copy, ['ps']), /setgid/);
    });

    test.runIf(root)('capabilities of the file are refused', async () => {
      const copy = join(launcher.another(), 'bin/wherry');
      if (spawnSync('setcap', ['cap_dac_override+ep', copy]).status !== 0) return;
      expectRefusal(await launcher.user.run(copy, ['ps']), /capability/);
    });

    test('a missing Node is named', async () => {
      const broken = launcher.another();
      unlinkSync(join(broken, 'node_modules'));
      expectRefusal(await launcher.user.run(join(broken, 'bin/wherry')), /Cannot start Node at .*No such file/);
    });
  });
});
