/** native/launcher/runtime.c: the user's runtime directory. */
import { chmodSync, existsSync, mkdirSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { describeLauncher, end, endHolder, expectRefusal, holderOf, root } from '#test/support/launcher.ts';

describeLauncher((launcher) => {
  describe('the runtime directory', () => {
    test('is the user’s alone', async () => {
      await launcher.look();
      expect(statSync(launcher.runtime).mode & 0o777).toBe(0o700);
      expect(statSync(join(launcher.runtime, 'holder')).mode & 0o777).toBe(0o600);
    });

    test('stays so with the oddest umask', async () => {
      const { stdout } = await launcher.user.run('sh', ['-c', 'umask 0777; exec "$0" ps', launcher.wherry]);
      expect(JSON.parse(stdout).umask).toBe(0o777);
      expect(statSync(launcher.runtime).mode & 0o777).toBe(0o700);
    });

    test('is closed again where others could look in', async () => {
      await launcher.look();
      chmodSync(launcher.runtime, 0o755);
      await launcher.look();
      expect(statSync(launcher.runtime).mode & 0o777).toBe(0o700);
    });

    test('that others may write to is refused', async () => {
      await launcher.look();
      chmodSync(launcher.runtime, 0o777);
      expectRefusal(await launcher.run(['ps']), /other users may write there/);
      chmodSync(launcher.runtime, 0o700);
    });

    test.runIf(root).each([
      ['relative', 'run/user'],
      ['another user’s', '/run/user/0'],
      ['readable to all', '/tmp'],
    ])('is the usual one when XDG_RUNTIME_DIR is %s', async (_title, value) => {
      expect((await launcher.look(['ps'], { env: { XDG_RUNTIME_DIR: value } })).env.WHERRY_RUNTIME_DIR).toBe(
        launcher.runtime,
      );
    });

    describe.runIf(root)('of a user who never logged in', () => {
      const cron = () => `/tmp/wherry-${launcher.user.uid}`;
      const env = { XDG_RUNTIME_DIR: undefined };
      const away = async <T>(body: () => Promise<T>): Promise<T> => {
        chmodSync(launcher.user.runtimeDir, 0o755); // not private, so not taken
        try {
          return await body();
        } finally {
          chmodSync(launcher.user.runtimeDir, 0o700);
        }
      };
      afterEach(async () => {
        if (existsSync(cron()) && statSync(cron()).isDirectory()) await endHolder(cron());
        rmSync(cron(), { recursive: true, force: true });
      });

      test('is in /tmp', async () => {
        expect((await away(() => launcher.look(['ps'], { env }))).env.WHERRY_RUNTIME_DIR).toBe(cron());
      });

      test('goes on in /tmp after the log-in, as long as its holder lives', async () => {
        const early = await away(() => launcher.look(['ps'], { env }));
        const late = await launcher.look();
        expect([late.user, late.env.WHERRY_RUNTIME_DIR]).toEqual([early.user, cron()]);
        await end(holderOf(cron()) ?? 0);
        expect((await launcher.look()).env.WHERRY_RUNTIME_DIR).toBe(launcher.runtime);
      });

      test.each([
        ['another user’s directory', () => mkdirSync(cron(), { mode: 0o777 }), /another user owns it/],
        [
          'a link to a directory of theirs',
          () => symlinkSync(launcher.user.home, cron()),
          /Not a directory|symbolic links/,
        ],
        ['a file', () => writeFileSync(cron(), ''), /Not a directory/],
      ])('is refused when it is %s', async (_title, plant, message) => {
        plant();
        expectRefusal(await away(() => launcher.run(['ps'], { env })), message);
        // After the log-in it is nothing to anybody.
        expect((await launcher.look()).env.WHERRY_RUNTIME_DIR).toBe(launcher.runtime);
      });
    });
  });
});
