import { chmodSync, mkdirSync, statfsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { abilitiesOf, type CgroupPlaces, detectCgroup } from '#sys/cgroup.ts';
import { temporaryDirectory, unprivileged } from '#test/support/store.ts';

const user = { namespace: 'user', uid: 1000 } as const;
const root = { namespace: 'root', uid: 0 } as const;

/** A tree of plain directories, and what else is looked at; `magic` makes it one of version 2. */
function places(magic?: number): CgroupPlaces {
  const at = temporaryDirectory();
  mkdirSync(join(at, 'tree'));
  writeFileSync(join(at, 'own'), '0::/mine/inner\n');
  return {
    root: join(at, 'tree'),
    own: join(at, 'own'),
    booted: join(at, 'booted'),
    magic: magic ?? statfsSync(at).type,
  };
}

function group(where: CgroupPlaces, path: string, files: Record<string, string>): void {
  mkdirSync(join(where.root, path), { recursive: true });
  for (const [name, content] of Object.entries(files)) writeFileSync(join(where.root, path, name), content);
}

const found = (...args: Parameters<typeof detectCgroup>) => {
  const { controllers, ...rest } = detectCgroup(...args);
  return { ...rest, controllers: [...controllers].sort() };
};

const CONTROLLERS = { 'cgroup.controllers': 'cpu io memory pids\n' };
const OURS = { 'cgroup.procs': '', 'cgroup.subtree_control': '' };

describe('without a tree of version 2', () => {
  test('an ordinary user has none, and root has the controllers that are mounted', () => {
    const where = places(1);
    for (const name of ['memory', 'pids']) mkdirSync(join(where.root, name));
    expect(found(user, {}, where)).toMatchObject({ manager: 'disabled', reason: 'the cgroup tree is not version 2' });
    expect(found(root, {}, where)).toMatchObject({ manager: 'cgroupfs', version: 1, controllers: ['memory', 'pids'] });
  });

  test('nobody has any where nothing is mounted', () => {
    expect(found(root, {}, places(1)).manager).toBe('disabled');
    expect(found(user, {}, { ...places(), root: '/nowhere' }).manager).toBe('disabled');
  });

  test('nobody has any where it is there, but the controllers are in version 1', () => {
    const where = places();
    group(where, '.', { 'cgroup.controllers': 'hugetlb\n' });
    for (const who of [user, root]) {
      expect(found(who, {}, where).reason).toBe('the machine keeps its controllers in cgroups version 1');
    }
  });
});

describe('root', () => {
  test.each([
    [true, 'systemd'],
    [false, 'cgroupfs'],
  ])('on a machine that systemd booted (%j) has them by %s', (booted, manager) => {
    const where = places();
    group(where, '.', CONTROLLERS);
    if (booted) mkdirSync(where.booted);
    expect(found(root, {}, where)).toMatchObject({ manager, version: 2, parent: '/wherry' });
  });
});

describe('an ordinary user', () => {
  const service = 'user.slice/user-1000.slice/user@1000.service';

  function withSystemd(): CgroupPlaces & { env: { XDG_RUNTIME_DIR: string } } {
    const where = places();
    const runtime = temporaryDirectory();
    group(where, '.', CONTROLLERS);
    group(where, service, { 'cgroup.controllers': 'memory pids\n', 'memory.swap.max': 'max\n' });
    mkdirSync(where.booted);
    writeFileSync(join(runtime, 'bus'), '');
    return { ...where, env: { XDG_RUNTIME_DIR: runtime } };
  }

  test('with a session has those that systemd delegates', () => {
    const { env, ...where } = withSystemd();
    expect(found(user, env, where)).toEqual({
      manager: 'systemd',
      version: 2,
      controllers: ['memory', 'pids'],
      swap: true,
      parent: '',
      reason: 'systemd does not delegate cpu to you',
    });
  });

  test('without the bus of a session has none', () => {
    const { env: _env, ...where } = withSystemd();
    expect(found(user, { XDG_RUNTIME_DIR: '/nowhere' }, where).manager).toBe('disabled');
  });

  test('has those of the highest directory that is delegated to it', () => {
    const where = places();
    group(where, '.', CONTROLLERS);
    group(where, 'mine', { ...CONTROLLERS, ...OURS });
    group(where, 'mine/inner', OURS);
    expect(found(user, {}, where)).toMatchObject({
      manager: 'cgroupfs',
      parent: '/mine/wherry',
      controllers: ['cpu', 'io', 'memory', 'pids'],
    });
  });

  test('has only those handed down already where processes live in that directory', () => {
    const where = places();
    group(where, '.', CONTROLLERS);
    group(where, 'mine', { ...CONTROLLERS, ...OURS, 'cgroup.procs': '1\n', 'cgroup.subtree_control': 'pids\n' });
    group(where, 'mine/inner', OURS);
    expect(found(user, {}, where)).toMatchObject({
      controllers: ['pids'],
      reason: expect.stringMatching(/^processes live in \/mine/),
    });
  });

  test('has none where processes live in that directory and nothing is handed down: crun would refuse', () => {
    const where = places();
    group(where, '.', CONTROLLERS);
    group(where, 'mine', { ...CONTROLLERS, ...OURS, 'cgroup.procs': '1\n' });
    group(where, 'mine/inner', OURS);
    expect(found(user, {}, where)).toMatchObject({
      manager: 'disabled',
      reason: expect.stringMatching(/^processes live in \/mine/),
    });
  });

  test('has none where nothing is delegated', () => {
    const where = places();
    group(where, '.', CONTROLLERS);
    expect(found(user, {}, where).manager).toBe('disabled');
  });

  test.skipIf(!unprivileged)('has none in a directory of somebody else', () => {
    const where = places();
    group(where, '.', CONTROLLERS);
    group(where, 'mine/inner', OURS);
    chmodSync(join(where.root, 'mine/inner'), 0o555);
    expect(found(user, {}, where).manager).toBe('disabled');
  });
});

test('single disks have weights only where BFQ schedules them', () => {
  const where = places();
  group(where, 'user.slice', { 'io.weight': '' });
  const cgroup = { manager: 'systemd', version: 2, controllers: new Set(['io']), swap: true, parent: '' } as const;
  const able = () => abilitiesOf(cgroup, where.root);
  expect(able()).toMatchObject({ blockWeight: true, blockThrottle: true, blockWeightDevice: false });
  group(where, 'user.slice', { 'io.bfq.weight': '' });
  expect(able().blockWeightDevice).toBe(true);
});
