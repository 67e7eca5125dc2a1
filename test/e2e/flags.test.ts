/** Flags of containers' commands whose effect no other test shows: in `inspect`, from inside, or on what is done. */
import { once } from 'node:events';
import { lstatSync, readlinkSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startRegistry } from '#test/support/registry.ts';
import { testUser } from '#test/support/user.ts';
import { BUSYBOX, eventually, removeContainers, startWherry, succeed, typed, wherry } from '#test/support/wherry.ts';

type Json = Record<string, unknown>;

const NETWORK = 'e2e-flags';
const ALONE = ['--network', 'none'];
const place = () => join(testUser().home, 'flags');
const file = (name: string) => join(place(), name);
const inspect = (name: string, format: string) => succeed('inspect', '--format', format, name);
const inside = (flags: readonly string[], script: string) =>
  succeed('run', '--rm', ...(flags.includes('--network') ? [] : ALONE), ...flags, BUSYBOX, 'sh', '-c', script);
const HOST_KINDS = ['cgroup', 'pid', 'ipc', 'uts'];
const sleeping = (name: string, ...flags: string[]) =>
  succeed(
    'run',
    '-d',
    '--name',
    name,
    ...(flags.includes('--network') ? [] : ALONE),
    ...flags,
    BUSYBOX,
    'sleep',
    '999',
  );

/** Ends as it is told by TERM and by INT, and says so. */
const TRAPS = 'trap "echo term; exit 3" TERM; trap "echo int; exit 4" INT; echo up; while :; do sleep 0.05; done';
const trapping = async (name: string) => {
  await succeed('run', '-d', '--name', name, ...ALONE, BUSYBOX, 'sh', '-c', TRAPS);
  await eventually(
    () => succeed('logs', name),
    (log) => log === 'up',
  );
};

beforeAll(async () => {
  await removeContainers();
  await wherry(['network', 'rm', NETWORK]);
  await testUser().run('sh', ['-c', 'rm -rf "$1" && mkdir "$1"', 'sh', place()]);
  await succeed('network', 'create', '--ipv6', '--subnet', '10.203.0.0/24', '--subnet', 'fd00:203::/64', NETWORK);
  await sleeping('held', '--ipc', 'shareable');
  writeFileSync(file('pairs'), 'A=from file\nB=2\n', { mode: 0o644 });
});
afterAll(async () => {
  await removeContainers();
  await wherry(['network', 'rm', NETWORK]);
  await wherry(['volume', 'prune', '--all', '--force']);
});

describe('inspect shows each flag of create:', () => {
  const asked = () =>
    `--annotation a=b --cgroup-parent /mine --cgroupns private --domainname example.com --isolation default
    --label-file ${file('pairs')} --runtime crun --publish-all --volume-driver local --volume named:/named
    --kernel-memory 10m --disable-content-trust --stop-timeout 7 --attach stderr --ipc shareable --uts host
    --device-cgroup-rule`.split(/\s+/);
  let shown: Json;
  beforeAll(async () => {
    await succeed('create', '--name', 'full', ...asked(), 'c 1:3 r', BUSYBOX, 'true');
    shown = JSON.parse(await inspect('full', '{{json .}}'));
  });

  test.each<[flag: string, path: string, value: unknown]>([
    ['--annotation', 'HostConfig.Annotations', { a: 'b' }],
    ['--attach', 'Config.AttachStdout', false],
    ['--cgroup-parent', 'HostConfig.CgroupParent', '/mine'],
    ['--cgroupns', 'HostConfig.CgroupnsMode', 'private'],
    // What only root may set is left out, with a warning.
    ['--device-cgroup-rule', 'HostConfig.DeviceCgroupRules', null],
    ['--domainname', 'Config.Domainname', 'example.com'],
    ['--ipc', 'HostConfig.IpcMode', 'shareable'],
    ['--isolation', 'HostConfig.Isolation', 'default'],
    ['--label-file', 'Config.Labels', { A: 'from file', B: '2' }],
    ['--publish-all', 'HostConfig.PublishAllPorts', true],
    ['--runtime', 'HostConfig.Runtime', 'crun'],
    ['--stop-timeout', 'Config.StopTimeout', 7],
    ['--uts', 'HostConfig.UTSMode', 'host'],
    ['--volume-driver', 'HostConfig.VolumeDriver', 'local'],
  ])('%s', (_flag, path, value) => {
    expect(shown).toHaveProperty(path, value);
  });
});

describe('each flag of run is seen from inside:', () => {
  test.each<[flags: string[], script: string, said: () => string | Promise<string>]>([
    [
      HOST_KINDS.flatMap((kind) => [kind === 'cgroup' ? '--cgroupns' : `--${kind}`, 'host']),
      HOST_KINDS.map((kind) => `readlink /proc/self/ns/${kind}`).join(';'),
      () => HOST_KINDS.map((kind) => readlinkSync(`/proc/self/ns/${kind}`)).join('\n'),
    ],
    [
      ['--pid', 'container:held', '--ipc', 'container:held'],
      'readlink /proc/self/ns/pid; readlink /proc/self/ns/ipc',
      () => succeed('exec', 'held', 'sh', '-c', 'readlink /proc/self/ns/pid; readlink /proc/self/ns/ipc'),
    ],
    [
      ['--domainname', 'example.com', '--oom-score-adj', '700'],
      'cat /proc/sys/kernel/domainname /proc/self/oom_score_adj',
      () => 'example.com\n700',
    ],
    [['--dns', '9.9.9.9', '--dns-option', 'ndots:3'], 'grep ^options /etc/resolv.conf', () => 'options ndots:3'],
    [
      ['--network', NETWORK, '--mac-address', '02:00:00:00:00:77', '--ip', '10.203.0.9', '--ip6', 'fd00:203::55'],
      'cat /sys/class/net/eth0/address; ip addr show eth0 | grep -oE "(10.203|fd00)[^ ]*/[0-9]+"',
      () => '02:00:00:00:00:77\n10.203.0.9/24\nfd00:203::55/64',
    ],
    [
      ['--network', NETWORK, '--link-local-ip', '169.254.9.9', '--link-local-ip', 'fe80::99'],
      'ip addr show eth0 | grep -oE "(169.254|fe80::9)[^ ]*/[0-9]+"',
      () => '169.254.9.9/16\nfe80::99/64',
    ],
    [['--label-file', '/dev/null', '--volume-driver', 'local', '-v', 'fresh:/x'], 'ls -d /x', () => '/x'],
  ])('%j', async (flags, script, said) => {
    expect(await inside(flags, script)).toBe(await said());
  });

  test('--publish-all publishes what --expose names', async () => {
    await sleeping('open', '--network', NETWORK, '-P', '--expose', '80', '--expose', '90-91/udp');
    const ports = (await succeed('port', 'open')).split('\n').map((line) => line.replace(/ -> .*/, ''));
    expect([...new Set(ports)]).toEqual(['80/tcp', '90/udp', '91/udp']);
  });

  test.each<[flags: string[], said: RegExp]>([
    [['--platform', 'linux/s390x', '--pull', 'never'], /platform \(.+\) does not match .* \(linux\/s390x\)/],
    [['--disable-content-trust=false'], /Cannot verify the image by content trust/],
    [['--storage-opt', 'size=1G'], /--storage-opt is supported only for/],
    [['--use-api-socket'], /bind source path does not exist: \/nowhere/],
    [['--link-local-ip', '10.1.1.1', '--network', NETWORK], /invalid link local IP address: 10\.1\.1\.1/],
    ...['--cpu-count', '--cpu-percent', '--io-maxbandwidth', '--io-maxiops'].map((flag): [string[], RegExp] => [
      [flag, '1'],
      /is only supported on a Docker daemon running on windows/,
    ]),
  ])('%j is refused with its reason', async (flags, said) => {
    const env = { DOCKER_HOST: 'unix:///nowhere' };
    const done = await wherry(['run', '--rm', ...flags, BUSYBOX, 'true'], { env });
    expect(done.status).not.toBe(0);
    expect(done.stderr).toMatch(said);
  });

  test('--pull always asks the registry again, and --quiet says nothing of it', async () => {
    const registry = await startRegistry();
    await registry.addImage('flags:1');
    const create = async (...flags: string[]) => {
      const before = registry.asked.length;
      const done = await wherry(['create', ...flags, `${registry.host}/flags:1`, 'true']);
      expect(done.status, done.stderr).toBe(0);
      return { said: done.stderr, asked: registry.asked.length > before };
    };
    expect(await create('--quiet')).toEqual({ said: '', asked: true });
    expect(await create()).toEqual({ said: '', asked: false });
    expect(await create('--pull', 'always')).toEqual({ said: expect.stringMatching(/Pulling|Status/), asked: true });
  });
});

describe('a terminal', () => {
  test('is left by the keys of --detach-keys: run, attach, start and exec', async () => {
    const keys = '--detach-keys ctrl-a,z';
    await succeed('create', '-it', '--name', 'made', ...ALONE, BUSYBOX, 'cat');
    for (const line of [
      `run -it ${keys} --name typed --network none ${BUSYBOX} cat`,
      `attach ${keys} typed`,
      `exec -it ${keys} typed cat`,
      `start -ai ${keys} made`,
    ]) {
      await typed(line, '\x01z');
    }
    expect(await inspect('typed', '{{.State.Running}}')).toBe('true');
    expect(await inspect('made', '{{.State.Running}}')).toBe('true');
  });

  test('is what exec --tty gives', async () => {
    expect(await succeed('exec', '-t', 'held', 'tty')).toMatch(/^\/dev\/pts\/\d+\r?$/);
  });
});

test('exec --env-file gives its variables', async () => {
  expect(await succeed('exec', '--env-file', file('pairs'), 'held', 'sh', '-c', 'echo $A $B')).toBe('from file 2');
});

describe('signals:', () => {
  test.each(['run', 'attach'])('%s --sig-proxy=false keeps them from the container', async (command) => {
    const name = `deaf-${command}`;
    if (command === 'attach') await trapping(name);
    const run = ['run', '--sig-proxy=false', '--name', name, ...ALONE, BUSYBOX, 'sh', '-c', TRAPS];
    const child = startWherry(command === 'run' ? run : ['attach', '--sig-proxy=false', name]);
    if (command === 'run') await once(child.stdout ?? child, 'readable');
    // An attached client has shown that it is there by the event that it made.
    else await eventually(() => attachedTo(name), Boolean);
    child.kill('SIGTERM');
    await once(child, 'exit');
    expect(await inspect(name, '{{.State.Running}}')).toBe('true');
    expect(await succeed('logs', name)).toBe('up');
  });

  async function attachedTo(name: string): Promise<boolean> {
    const until = String(Math.ceil(Date.now() / 1000));
    return (await succeed('events', '--since', '5m', '--until', until, '--filter', `container=${name}`)).includes(
      ' attach ',
    );
  }

  test('stop and restart send that of --signal', async () => {
    await trapping('told');
    await succeed('restart', '--signal', 'INT', '-t', '60', 'told');
    await eventually(
      () => succeed('logs', 'told'),
      (log) => log === 'up\nint\nup',
    );
    await succeed('stop', '--signal', 'INT', '-t', '60', 'told');
    expect(await inspect('told', '{{.State.ExitCode}}')).toBe('4');
  });
});

test('rm --link takes a name for another container away, and nothing else', async () => {
  await sleeping('store', '--network', 'bridge');
  await sleeping('shop', '--network', 'bridge', '--link', 'store:one', '--link', 'store:two');
  expect(await succeed('rm', '--link', 'shop/one')).toBe('shop/one');
  expect(await inspect('shop', '{{json .HostConfig.Links}}')).toBe('["/store:/shop/two"]');
  await succeed('restart', '-t', '0', 'store');
  const hosts = await succeed('exec', 'shop', 'cat', '/etc/hosts');
  expect(hosts).toMatch(/\ttwo /);
  expect(hosts).not.toMatch(/\tone /);
  expect(await wherry(['rm', '--link', 'shop'])).toMatchObject({
    status: 1,
    stderr: expect.stringContaining('cannot remove the default link name of the container'),
  });
});

test('start --interactive gives the container what is piped', async () => {
  await succeed('create', '-i', '--name', 'reader', ...ALONE, BUSYBOX, 'cat');
  expect(await wherry(['start', '-i', 'reader'], { input: 'piped' })).toMatchObject({ status: 0, stdout: 'piped' });
});

test.each(['--checkpoint', '--checkpoint-dir'])(
  'start %s is refused as by a Docker without experiments',
  async (flag) => {
    expect(await wherry(['start', flag, 'x', 'held'])).toMatchObject({
      status: 1,
      stderr: `"${flag}" is only supported on a Docker daemon with experimental features enabled\n`,
    });
  },
);

describe('cp', () => {
  test('--archive gives files to the user of the container, --follow-link brings the file behind a link, --quiet says nothing', async () => {
    await succeed('exec', 'held', 'sh', '-c', 'mkdir /into; ln -s /etc/passwd /link');
    await sleeping('owner', '--user', '33');
    await succeed('cp', '-a', file('pairs'), 'owner:/tmp/kept');
    await succeed('cp', file('pairs'), 'owner:/tmp/given');
    expect(await succeed('exec', 'owner', 'stat', '-c', '%u', '/tmp/kept', '/tmp/given')).toBe('33\n0');
    await succeed('cp', '-L', 'held:/link', file('followed'));
    expect(lstatSync(file('followed')).isFile()).toBe(true);
    await succeed('cp', 'held:/link', file('link'));
    expect(lstatSync(file('link')).isSymbolicLink()).toBe(true);
    symlinkSync(file('pairs'), file('outside'));
    await succeed('cp', '-L', file('outside'), 'held:/into/');
    expect(await succeed('exec', 'held', 'head', '-n', '1', '/into/outside')).toBe('A=from file');
    expect(await wherry(['cp', '--quiet', file('pairs'), 'held:/into/'])).toMatchObject({ status: 0, stderr: '' });
  });
});

describe('lists:', () => {
  test('ps --last and --latest show the newest, --size how large they are', async () => {
    await succeed('create', '--name', 'older', ...ALONE, BUSYBOX, 'true');
    await succeed('run', '--name', 'newest', ...ALONE, BUSYBOX, 'sh', '-c', 'head -c 3000 /dev/zero > /data');
    const names = ['--format', '{{.Names}}'];
    expect(await succeed('ps', '--last', '2', ...names)).toBe('newest\nolder');
    expect(await succeed('ps', '--latest', ...names)).toBe('newest');
    expect(await succeed('ps', '-l', '--size', '--format', '{{.Size}}')).toMatch(/^3kB \(virtual [\d.]+MB\)$/);
    expect(await succeed('inspect', '--size', '--format', '{{.SizeRw}}', 'newest')).toBe('3000');
    expect(await succeed('inspect', '--format', '{{.SizeRw}}', 'newest')).toBe('<nil>');
  });

  test('stats --all has those that do not run, --no-trunc the whole id', async () => {
    const id = await succeed('create', '--name', 'still', ...ALONE, BUSYBOX, 'true');
    const stats = (...flags: string[]) => succeed('stats', '--no-stream', ...flags, '--format', '{{.ID}}');
    const [running, all] = await Promise.all([stats(), stats('--all', '--no-trunc')]);
    expect(running).not.toContain(id.slice(0, 12));
    expect(all.split('\n')).toContain(id);
  });

  test('logs --details shows what --log-opt asks for', async () => {
    const options = ['--log-opt', 'labels=tier', '--label', 'tier=db'];
    await succeed('run', '--name', 'detailed', ...ALONE, ...options, BUSYBOX, 'echo', 'out');
    expect(await succeed('logs', '--details', 'detailed')).toBe('tier=db out');
  });

  test('container prune --filter takes what it is about, and asks nothing with --force', async () => {
    await succeed('create', '--name', 'doomed', '--label', 'doomed', ...ALONE, BUSYBOX, 'true');
    expect(await succeed('container', 'prune', '--force', '--filter', 'label=doomed')).toMatch(
      /^Deleted Containers:\n[0-9a-f]{64}\n\nTotal reclaimed space: 0B$/,
    );
  });
});
