import { chmodSync, existsSync, mkdirSync, readFileSync, readlinkSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, test } from 'vitest';
import { bootUnitText, disableBoot, enableBoot, readBootUnit } from '#engine/boot-unit.ts';
import type { Store } from '#store/store.ts';
import { temporaryDirectory } from '#test/support/store.ts';

let at = '';
let store: Store;
const places = () => ({ booted: join(at, 'booted'), env: { PATH: join(at, 'bin'), XDG_RUNTIME_DIR: at } });
const asked = () => (existsSync(join(at, 'asked')) ? readFileSync(join(at, 'asked'), 'utf8') : '');
const unit = () => join(at, '.config/systemd/user/wherry-boot.service');
const link = () => join(at, '.config/systemd/user/default.target.wants/wherry-boot.service');

/** Programs that note how they are called. LINGER is what loginctl says; it may say another thing after enable-linger. */
function programs(enable: string): void {
  mkdirSync(join(at, 'bin'));
  for (const name of ['systemctl', 'loginctl']) {
    const text = `#!/bin/sh
      echo "${name} $*" >>${at}/asked
      case $1 in show-user) /bin/cat ${at}/linger ;; enable-linger) ${enable} ;; esac\n`;
    writeFileSync(join(at, 'bin', name), text);
    chmodSync(join(at, 'bin', name), 0o755);
  }
  writeFileSync(join(at, 'linger'), 'no\n');
}

beforeEach(() => {
  at = temporaryDirectory();
  store = { host: { uid: 1000, home: at } } as Store;
  writeFileSync(join(at, 'booted'), '');
});

describe('enable', () => {
  test('writes a unit of the user’s, links it, and has the user linger', async () => {
    programs(`echo yes >${at}/linger`);
    expect(await enableBoot(store, { linger: true }, places())).toEqual({ path: unit(), enabled: true, linger: 'on' });
    expect(readlinkSync(link())).toBe(unit());
    expect(readFileSync(unit(), 'utf8')).toMatch(/^ExecStart="\/.*\/bin\/wherry" system boot run$/m);
    expect(asked()).toContain('systemctl --user daemon-reload\n');
    expect(asked()).toContain('loginctl enable-linger 1000\n');
  });

  test('may be done twice', async () => {
    programs('true');
    await enableBoot(store, { linger: true }, places());
    expect((await enableBoot(store, { linger: true }, places())).enabled).toBe(true);
  });

  test('says where lingering was refused', async () => {
    programs('exit 1');
    expect((await enableBoot(store, { linger: true }, places())).linger).toBe('off');
  });

  test('leaves lingering alone where that was asked for', async () => {
    programs('true');
    await enableBoot(store, { linger: false }, places());
    expect(asked()).not.toContain('enable-linger');
  });

  test('names cron where there is no systemd', async () => {
    const nowhere = { ...places(), booted: join(at, 'nothing') };
    await expect(enableBoot(store, { linger: true }, nowhere)).rejects.toMatchObject({
      kind: 'unsupported',
      message: 'Cannot install a unit: systemd does not run here',
      hint: expect.stringMatching(/"@reboot \/.*\/bin\/wherry system boot run"/),
    });
    expect(existsSync(unit())).toBe(false);
  });
});

test('disable removes both, and once more nothing', async () => {
  programs('true');
  await enableBoot(store, { linger: true }, places());
  expect(await disableBoot(store, places())).toMatchObject({ enabled: false });
  expect([unit(), link()].filter(existsSync)).toEqual([]);
  expect(await disableBoot(store, places())).toMatchObject({ enabled: false });
});

test('a unit that somebody has disabled by systemctl is not enabled', async () => {
  programs('true');
  await enableBoot(store, { linger: true }, places());
  rmSync(link());
  expect((await readBootUnit(store, places())).enabled).toBe(false);
});

test.each([
  ['a store elsewhere', { WHERRY_ROOT: '/srv/my store' }, 'Environment="WHERRY_ROOT=/srv/my store"'],
  [
    'signs that mean something to systemd',
    { WHERRY_ROOT: '/a%b$c"d\\e' },
    'Environment="WHERRY_ROOT=/a%%b$c\\"d\\\\e"',
  ],
])('the unit knows %s', (_what, env, line) => {
  const text = bootUnitText({ program: '/opt/wherry/bin/wherry', isRoot: false, env });
  expect(text.split('\n')).toContain(line);
  expect(text).toContain('WantedBy=default.target');
});

test('the program may have any path', () => {
  const text = bootUnitText({ program: '/my $HOME/bin/wherry', isRoot: false, env: {} });
  expect(text).toContain('ExecStart="/my $$HOME/bin/wherry" system boot run\n');
});

test('root’s unit waits for the network and starts with the system', () => {
  const text = bootUnitText({ program: '/bin/wherry', isRoot: true, env: {} });
  expect(text).toContain('After=network-online.target');
  expect(text).toContain('WantedBy=multi-user.target');
});
