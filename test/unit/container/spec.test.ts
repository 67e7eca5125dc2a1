import { Ajv } from 'ajv';
import { describe, expect, test } from 'vitest';
import type { MountPoint } from '#base/api.ts';
import type { Facts } from '#container/facts.ts';
import type { ContainerRecord } from '#container/record.ts';
import { makeSpec, type SpecInput } from '#container/spec.ts';
import type { Spec } from '#oci/spec.ts';
import { found, ID, record, rootful, rootless, single, type Wish } from '#test/support/requests.ts';
import { RUNTIME_SPEC } from '#test/support/runtime-spec.ts';

const valid = new Ajv({ strict: true, allErrors: true }).compile(RUNTIME_SPEC);

/** The specification as the runtime reads it; whatever a test asks for must be valid by the schema. */
function spec(wish: Wish = {}, more: Partial<SpecInput> = {}, mounts: MountPoint[] = []): Spec {
  return specOf(record(wish, mounts), more);
}

function specOf(of: ContainerRecord, more: Partial<SpecInput> = {}): Spec {
  const made = makeSpec({
    record: of,
    rootfs: '/root-of-it',
    files: { hosts: '/c/hosts', hostname: '/c/hostname', resolv: '/c/resolv.conf' },
    found: found(),
    ...more,
  });
  const read = JSON.parse(JSON.stringify(made)) as Spec;
  valid(read);
  expect(valid.errors ?? []).toEqual([]);
  return read;
}

const at = ({ mounts }: Spec, destination: string) => mounts.find((mount) => mount.destination === destination);
const types = ({ linux }: Spec) => linux.namespaces.map(({ type }) => type).sort();
const on = (facts: Facts, more = {}) => ({ found: found(facts, more) });

const point = (more: Partial<MountPoint>): MountPoint => ({
  Type: 'bind',
  Source: '/src',
  Destination: '/data',
  Mode: '',
  RW: true,
  Propagation: 'rprivate',
  ...more,
});

test.each([
  ['an ordinary user', rootless],
  ['a user with a single id', single],
  ['root', rootful],
])('the bundle of %s is valid by the schema of the runtime specification', (_who, facts) => {
  const made = spec({}, on(facts));
  expect(made.root).toEqual({ path: '/root-of-it' });
  expect(made.process.args).toEqual(['true']);
  expect(types(made)).toEqual(['cgroup', 'ipc', 'mount', 'network', 'pid', 'uts']);
});

test('the schema refuses a property that is in no specification', () => {
  expect(valid({ ...spec(), linux: { ...spec().linux, maskPaths: [] } })).toBe(false);
});

describe('the process', () => {
  test("has Docker's default capabilities, as far as we have them ourselves", () => {
    expect(spec().process.capabilities?.bounding).toHaveLength(14);
    const few = { ...rootless, capabilities: ['CAP_CHOWN', 'CAP_SYS_ADMIN'] };
    expect(spec({}, on(few)).process.capabilities?.permitted).toEqual(['CAP_CHOWN']);
  });

  test('has PATH, HOSTNAME and HOME without a word about them, and TERM with a terminal', () => {
    expect(spec().process.env).toEqual([
      'PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
      'HOSTNAME=c0ffee111111',
      'HOME=/root',
    ]);
    expect(spec({ config: { Tty: true } }).process.env).toContain('TERM=xterm');
  });

  test('has what was asked for in place of that, and not what was taken away', () => {
    const { env } = spec({ config: { Env: ['HOME=/here', 'PATH=/bin', 'HOSTNAME', 'A=b=c'] } }).process;
    expect(env).toEqual(['PATH=/bin', 'HOME=/here', 'A=b=c']);
  });

  test('keeps what was set beside a name alone, and has a home where that is empty', () => {
    const { env } = spec({ config: { Env: ['A=1', 'HOSTNAME=x', 'A', 'HOSTNAME', 'HOME='] } }).process;
    expect(env).toEqual([expect.stringMatching(/^PATH=/), 'A=1', 'HOME=/root']);
  });

  test('starts in the working directory, as the user that was found', () => {
    const identity = { uid: 33, gid: 33, additionalGids: [33, 5], home: '/var/www' };
    const { user, cwd, env } = spec({ config: { WorkingDir: '/srv' } }, on(rootless, { identity })).process;
    expect(user).toEqual({ uid: 33, gid: 33, additionalGids: [33, 5] });
    expect(cwd).toBe('/srv');
    expect(env).toContain('HOME=/var/www');
  });

  test('can be nobody but root where there is one id, and has no further groups', () => {
    expect(spec({}, on(single)).process.user).toEqual({ uid: 0, gid: 0 });
    const identity = { uid: 999, gid: 999, additionalGids: [999], home: '/' };
    expect(() => spec({}, on(single, { identity }))).toThrow(
      'Cannot run as user 999: your user namespace does not have it',
    );
  });

  test('has the terminal in its first size', () => {
    const { terminal, consoleSize } = spec({ config: { Tty: true } }, { size: [24, 80] }).process;
    expect([terminal, consoleSize]).toEqual([true, { height: 24, width: 80 }]);
    expect(spec({}, { size: [24, 80] }).process.consoleSize).toBeUndefined();
  });

  test('goes no lower in the order of the OOM killer than we are ourselves, unless we are root', () => {
    const low = { host: { OomScoreAdj: -500 } };
    expect(spec(low, on({ ...rootless, oomScoreAdj: 200 })).process.oomScoreAdj).toBe(200);
    expect(spec(low, on(rootful)).process.oomScoreAdj).toBe(-500);
  });

  test('has an unlimited limit as the largest number of 64 bits, to the digit', () => {
    const limits = [{ Name: 'core', Soft: -1, Hard: -1 }];
    const made = makeSpec({
      record: record({ host: { Ulimits: limits } }),
      rootfs: '/r',
      files: {},
      found: found({ ...rootful, capabilities: [...rootful.capabilities, 'CAP_SYS_RESOURCE'] }),
    });
    expect(JSON.stringify(made.process.rlimits)).toBe(
      '[{"type":"RLIMIT_CORE","soft":18446744073709551615,"hard":18446744073709551615}]',
    );
  });

  test('is started by the init where one was asked for', () => {
    const made = spec({ host: { Init: true } }, on(rootless, { init: '/usr/bin/catatonit' }));
    expect(made.process.args).toEqual(['/sbin/docker-init', '--', 'true']);
    expect(at(made, '/sbin/docker-init')).toMatchObject({ source: '/usr/bin/catatonit', options: ['bind', 'ro'] });
  });
});

describe('mounts', () => {
  test("are Docker's, in its order, with its files in /etc", () => {
    expect(spec().mounts.map((mount) => mount.destination)).toEqual([
      '/proc',
      '/dev',
      '/dev/pts',
      '/sys',
      '/sys/fs/cgroup',
      '/dev/mqueue',
      '/dev/shm',
      '/etc/resolv.conf',
      '/etc/hostname',
      '/etc/hosts',
    ]);
  });

  test('give the group of terminals where it exists', () => {
    expect(at(spec(), '/dev/pts')?.options).toContain('gid=5');
    expect(at(spec({}, on(single)), '/dev/pts')?.options).not.toContain('gid=5');
  });

  test('give way to volumes at their places, and to what is below /dev', () => {
    const made = spec({}, {}, [point({ Destination: '/etc/hosts' }), point({ Destination: '/dev' })]);
    expect(made.mounts.filter((mount) => mount.destination === '/etc/hosts')).toHaveLength(1);
    expect(at(made, '/dev')?.source).toBe('/src');
    expect(at(made, '/dev/shm')).toBeUndefined();
  });

  test('put files of /etc on top of a volume at /etc', () => {
    const order = spec({}, {}, [point({ Destination: '/etc' })]).mounts.map((mount) => mount.destination);
    expect(order.indexOf('/etc')).toBeLessThan(order.indexOf('/etc/hosts'));
  });

  test('are read-only with all that is below, where the kernel can do that', () => {
    expect(at(spec({}, {}, [point({ RW: false })]), '/data')?.options).toEqual(['rbind', 'rro', 'rprivate']);
    const old = on({ ...rootless, kernel: [5, 11] });
    expect(at(spec({}, old, [point({ RW: false })]), '/data')?.options).toEqual(['rbind', 'ro', 'rprivate']);
  });

  test('let mounts of the host come in or go out where a volume says so', () => {
    expect(spec({}, {}, [point({ Propagation: 'rslave' })]).linux.rootfsPropagation).toBe('rslave');
    expect(spec({}, {}, [point({ Propagation: 'shared' })]).linux.rootfsPropagation).toBe('shared');
    expect(spec().linux.rootfsPropagation).toBeUndefined();
  });

  test.each([
    [['size=1m'], ['nosuid', 'noexec', 'nodev', 'rprivate', 'size=1m']],
    [
      ['exec', 'mode=700', 'mode=755'],
      ['nosuid', 'nodev', 'rprivate', 'exec', 'mode=755'],
    ],
    [
      ['rw', 'ro', 'suid'],
      ['noexec', 'nodev', 'rprivate', 'ro', 'suid'],
    ],
  ])('a tmpfs with %j is mounted with %j', (asked, expected) => {
    const made = spec({}, {}, [point({ Type: 'tmpfs', Source: '', Propagation: '', TmpfsOptions: asked })]);
    expect(at(made, '/data')).toEqual({ destination: '/data', type: 'tmpfs', source: 'tmpfs', options: expected });
  });

  test('of a read-only root stay writable where Docker leaves them so', () => {
    const made = spec({ host: { ReadonlyRootfs: true } }, {}, [point({})]);
    expect(made.root.readonly).toBe(true);
    const writable = made.mounts.filter((mount) => !mount.options.includes('ro')).map((mount) => mount.destination);
    expect(writable).toEqual(['/proc', '/dev', '/dev/pts', '/dev/mqueue', '/dev/shm', '/data']);
  });

  test('have no shared memory with --ipc none, the size asked for, or what another container shares', () => {
    expect(at(spec({ host: { IpcMode: 'none' } }), '/dev/shm')).toBeUndefined();
    expect(at(spec({ host: { ShmSize: 4096 } }), '/dev/shm')?.options).toContain('size=4096');
    const shared = spec({ host: { IpcMode: 'shareable' } }, on(rootless, { shm: '/c/shm' }));
    expect(at(shared, '/dev/shm')).toMatchObject({ type: 'bind', source: '/c/shm' });
  });
});

describe('namespaces', () => {
  test.each<[Wish['host'], string[]]>([
    [{ NetworkMode: 'host' }, ['cgroup', 'ipc', 'mount', 'pid', 'uts']],
    [{ PidMode: 'host', IpcMode: 'host' }, ['cgroup', 'mount', 'network', 'uts']],
    [{ UTSMode: 'host', CgroupnsMode: 'host' }, ['ipc', 'mount', 'network', 'pid']],
  ])('with %j are %j', (host, expected) => {
    expect(types(spec({ host: host ?? {} }))).toEqual(expected);
  });

  test("a user's namespace gets the host's own /proc, /sys and queues where it shares the host's namespaces", () => {
    const shared = { host: { PidMode: 'host', NetworkMode: 'host', IpcMode: 'host' } };
    const made = spec(shared);
    for (const path of ['/proc', '/sys', '/dev/mqueue', '/dev/shm']) {
      expect(at(made, path)).toMatchObject({ type: 'bind', source: path });
    }
    expect(at(made, '/sys')?.options).toContain('ro');
    expect(at(spec(shared, on(rootful)), '/proc')?.type).toBe('proc');
  });

  test('are joined where they are given', () => {
    const made = spec({}, { netns: '/run/netns/a', ...on(rootless, { namespaces: { pid: '/proc/7/ns/pid' } }) });
    expect(made.linux.namespaces).toContainEqual({ type: 'network', path: '/run/netns/a' });
    expect(made.linux.namespaces).toContainEqual({ type: 'pid', path: '/proc/7/ns/pid' });
  });

  test("shared with the host, names are the host's and are not set", () => {
    const made = spec({ host: { UTSMode: 'host' } });
    expect(made.hostname).toBeUndefined();
    expect(made.process.env).toContain('HOSTNAME=the-host');
  });

  test('a container in the network of another has its name', () => {
    const other = on(rootless, { hostname: 'theirs', domainname: 'example.org' });
    const made = spec({ host: { NetworkMode: 'container:x' } }, other);
    expect([made.hostname, made.domainname]).toEqual(['theirs', 'example.org']);
  });

  test("a network of its own has Docker's settings, with the groups that exist", () => {
    expect(spec().linux.sysctl).toEqual({
      'net.ipv4.ip_unprivileged_port_start': '0',
      'net.ipv4.ping_group_range': '0 65536',
    });
    expect(spec({}, on(rootful)).linux.sysctl?.['net.ipv4.ping_group_range']).toBe('0 2147483647');
    expect(spec({ host: { NetworkMode: 'host' } }).linux.sysctl).toEqual({});
  });

  test("settings of a namespace that is the host's are refused", () => {
    const host = { NetworkMode: 'host', Sysctls: { 'net.ipv4.ip_forward': '0' } };
    expect(() => spec({ host })).toThrow('sysctl "net.ipv4.ip_forward" not allowed in host network namespace');
  });
});

describe('security', () => {
  test("has Docker's hidden and read-only paths, but not for a privileged container", () => {
    const { linux } = spec();
    expect(linux.maskedPaths).toContain('/proc/kcore');
    expect(linux.readonlyPaths).toContain('/proc/sys');
    const open = spec({ host: { Privileged: true } });
    expect([open.linux.maskedPaths, open.linux.readonlyPaths, open.linux.seccomp]).toEqual([
      undefined,
      undefined,
      undefined,
    ]);
    expect(at(open, '/sys')?.options).not.toContain('ro');
    expect(at(open, '/sys/fs/cgroup')?.options).not.toContain('ro');
    expect(open.process.capabilities?.effective).toContain('CAP_SYS_ADMIN');
  });

  test.each([
    [['seccomp=unconfined'], undefined],
    [['seccomp=builtin'], 'SCMP_ACT_ERRNO'],
    [['seccomp={"defaultAction":"SCMP_ACT_LOG"}'], 'SCMP_ACT_LOG'],
  ])('the filter of system calls with %j answers %j by default', (SecurityOpt, expected) => {
    expect(spec({ host: { SecurityOpt } }).linux.seccomp?.defaultAction).toBe(expected);
  });

  test('no-new-privileges holds', () => {
    expect(spec({ host: { SecurityOpt: ['no-new-privileges'] } }).process.noNewPrivileges).toBe(true);
    expect(spec({ host: { SecurityOpt: ['no-new-privileges:false'] } }).process.noNewPrivileges).toBe(false);
  });

  test('an AppArmor profile is handed on where the kernel has AppArmor', () => {
    const host = { SecurityOpt: ['apparmor=mine'] };
    expect(spec({ host }, on({ ...rootless, apparmor: true })).process.apparmorProfile).toBe('mine');
    expect(spec({ host }).process.apparmorProfile).toBeUndefined();
  });
});

describe('devices', () => {
  const fuse = {
    source: '/dev/fuse',
    destination: '/dev/f',
    type: 'c',
    major: 10,
    minor: 229,
    mode: 0o666,
    uid: 0,
    gid: 0,
    access: 'rw',
  } as const;

  test("are the host's nodes, bound, for an ordinary user", () => {
    const made = spec({}, on(rootless, { devices: [fuse] }));
    expect(at(made, '/dev/f')).toMatchObject({ type: 'bind', source: '/dev/fuse' });
    expect(made.linux.devices).toBeUndefined();
  });

  test("are nodes of the container's own, with a rule, for root", () => {
    const made = spec({}, on(rootful, { devices: [fuse] }));
    expect(made.linux.devices).toEqual([
      { path: '/dev/f', type: 'c', major: 10, minor: 229, fileMode: 0o666, uid: 0, gid: 0 },
    ]);
    expect(made.linux.resources?.devices?.at(-1)).toEqual({
      allow: true,
      type: 'c',
      major: 10,
      minor: 229,
      access: 'rw',
    });
    expect(at(made, '/dev/f')).toBeUndefined();
  });
});

describe('cgroups', () => {
  const user: Facts = { ...rootless, cgroup: { ...rootful.cgroup } };

  test.each([
    ['the user manager of systemd', user, `user.slice:wherry:${ID}`],
    ['the system manager', rootful, `system.slice:wherry:${ID}`],
    [
      'a directory',
      { ...rootless, cgroup: { ...rootful.cgroup, manager: 'cgroupfs', parent: '/a/wherry' } },
      `/a/wherry/${ID}`,
    ],
    ['nobody', rootless, undefined],
  ] as [string, Facts, string | undefined][])('made by %s have their path', (_by, facts, path) => {
    expect(spec({}, on(facts)).linux.cgroupsPath).toBe(path);
  });

  test('hold the limits', () => {
    const host = {
      Memory: 100,
      MemorySwap: 200,
      NanoCpus: 1_500_000_000,
      PidsLimit: 7,
      CpuShares: 512,
      CpusetCpus: '0',
    };
    expect(spec({ host }, on(user)).linux.resources).toEqual({
      memory: { limit: 100, swap: 200 },
      cpu: { shares: 512, period: 100_000, quota: 150_000, cpus: '0' },
      pids: { limit: 7 },
    });
  });
});
