import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { buildContext } from '#test/support/build-context.ts';
import { testUser } from '#test/support/user.ts';
import { BUSYBOX, eventually, removeContainers, succeed, wherry } from '#test/support/wherry.ts';

afterAll(() => removeContainers());

/** What a shell in the container says, started with these flags. */
const inside = (flags: readonly string[], script: string) =>
  succeed('run', '--rm', '--network', 'none', ...flags, BUSYBOX, 'sh', '-c', script);

/** A directory of the user's that everybody may look into; it goes when the test ends. */
const place = () => buildContext({});

describe('each flag is seen from inside', () => {
  test.each<[flags: string[], script: string, said: string | RegExp]>([
    [['--umask', '027'], 'umask', '0027'],
    [['--tz', 'local'], 'test -s /etc/localtime && stat -c %a /etc/localtime', '644'],
    [['--unsetenv-all', '--env-merge', 'A=$PATH:x'], 'echo $A', /:\/bin:x$/],
    [['--env-host'], 'echo $USER', /\w/],
    [['--security-opt', 'mask=/etc/passwd'], 'wc -c </etc/passwd', '0'],
    [['--security-opt', 'unmask=ALL'], 'grep -c " /proc/" /proc/mounts || :', '0'],
    [['--security-opt', 'unmask=/proc/b*'], 'grep -c " /proc/bus " /proc/mounts || :', '0'],
    [
      ['--security-opt', 'proc-opts=hidepid=2'],
      'grep " /proc " /proc/mounts | grep -o hidepid=[a-z0-9]*',
      'hidepid=invisible',
    ],
    [['--security-opt', 'systempaths=unconfined'], 'grep -c " /proc/" /proc/mounts || :', '0'],
    [['--passwd', '-u', '1234:55'], 'id -un; tail -1 /etc/group', '1234\n55:x:55:1234'],
    [['--passwd-entry', 'bob:*:$UID:$GID::/home:/bin/sh', '-u', '1234'], 'id -un; echo $HOME', 'bob\n/home'],
    [['--passwd', '--group-entry', 'crew:x:$GID:', '-u', '1234:55'], 'id -gn', 'crew'],
    [['--init', '--init-path', '/usr/bin/catatonit'], 'tr "\\0" " " </proc/1/cmdline', /^\/sbin\/docker-init -- sh -c/],
    [
      ['--read-only', '--read-only-tmpfs'],
      'touch /run/a /tmp/b /var/tmp/c && echo fine; touch /x 2>&1 || :',
      /^fine\n.*Read-only/,
    ],
    [['--no-hosts', '--no-hostname'], 'grep -cE "/etc/(hosts|hostname) " /proc/mounts || :', '0'],
    [['--personality', 'LINUX32'], 'uname -m', /86$|armv/],
    [['--systemd', 'always'], 'echo $container; grep -c "tmpfs /run/lock" /proc/mounts', 'wherry\n1'],
    [['--group-add', 'keep-groups'], 'id -u', '0'],
    [['--pid', 'private', '--uts', 'private', '--ipc', 'private', '--cgroupns', 'private'], 'echo $$', '1'],
    [['--ipc', 'none'], 'test -e /dev/shm || echo none', 'none'],
    [['--userns', 'host'], 'wc -l </proc/self/uid_map | tr -d " "', '2'],
    [['--userns', 'private'], 'touch /x && stat -c %u /x; wc -l </proc/self/uid_map | tr -d " "', '0\n2'],
    [['--userns', 'keep-id:uid=200,gid=300'], 'id -u; id -g; stat -c %u /bin', '200\n300\n0'],
    [['--userns', 'nomap'], 'id -u; touch /x; stat -c %u /x /bin /etc/hosts', '0\n0\n0\n0'],
    [['--userns', 'auto:size=2000'], 'tr -s " " </proc/self/uid_map; stat -c %u /bin', /^ 0 \d+ 2000\n0$/],
    [['--uidmap', '0:7:100'], 'tr -s " " </proc/self/uid_map', ' 0 7 100'],
  ])('%j', async (flags, script, said) => {
    const out = await inside(flags, script);
    if (typeof said === 'string') expect(out).toBe(said);
    else expect(out).toMatch(said);
  });

  test('--hostuser brings a user of the host', async () => {
    const { name, uid } = testUser();
    expect(await inside(['--hostuser', name, '-u', name], 'id -un; id -u')).toBe(`${name}\n${uid}`);
  });

  test('--timeout ends the container, --image-volume and --replace are taken', async () => {
    expect(
      await wherry(['run', '--rm', '--timeout', '1', '--image-volume', 'tmpfs', BUSYBOX, 'sleep', '60']),
    ).toMatchObject({
      status: 137,
    });
    const first = await succeed('run', '-d', '--name', 'again', BUSYBOX, 'sleep', '60');
    const second = await succeed('run', '-d', '--name', 'again', '--replace', BUSYBOX, 'sleep', '60');
    expect(second).not.toBe(first);
    expect(await succeed('ps', '-q', '--no-trunc', '--filter', 'name=again')).toBe(second);
  });

  test('--preserve-fds hands descriptors on, to run and to exec', async () => {
    const file = join(place(), 'data');
    writeFileSync(file, 'through\n', { mode: 0o644 });
    await succeed('run', '-d', '--name', 'preserved', BUSYBOX, 'sleep', '60');
    const line = (words: string) => `exec 3<${file}; exec "$0" ${words} sh -c 'cat <&3'`;
    const { wherryPath } = await import('#test/support/wherry.ts');
    for (const words of [`run --rm --preserve-fds 1 ${BUSYBOX}`, 'exec --preserve-fds 1 preserved']) {
      const done = await testUser().run('sh', ['-c', line(words), wherryPath()]);
      expect(done).toMatchObject({ status: 0, stdout: 'through\n' });
    }
    expect(await wherry(['run', '--rm', '--preserve-fds', '1', BUSYBOX, 'true'])).toMatchObject({
      status: 125,
      stderr: expect.stringMatching(/file descriptor 3 is not available/),
    });
  });

  test('--pidfile and --conmon-pidfile name the processes, --requires starts what is needed before', async () => {
    const path = place();
    await succeed('create', '--name', 'needed', BUSYBOX, 'sleep', '60');
    const files = ['--pidfile', join(path, 'pid'), '--conmon-pidfile', join(path, 'monitor')];
    await succeed('run', '-d', '--name', 'needing', '--requires', 'needed', ...files, BUSYBOX, 'sleep', '60');
    expect(await succeed('inspect', '-f', '{{.State.Running}}', 'needed')).toBe('true');
    expect(readFileSync(join(path, 'pid'), 'utf8')).toBe(await succeed('inspect', '-f', '{{.State.Pid}}', 'needing'));
    expect(existsSync(`/proc/${readFileSync(join(path, 'monitor'), 'utf8')}`)).toBe(true);
  });

  test('--rootfs runs a directory, and above it with :O', async () => {
    const root = place();
    const archive = join(place(), 'root.tar');
    await succeed('create', '--name', 'rooted', BUSYBOX, 'true');
    await succeed('export', '-o', archive, 'rooted');
    expect(await testUser().run('tar', ['-C', root, '--no-same-owner', '-xf', archive])).toMatchObject({ status: 0 });
    expect(await succeed('run', '--rm', '--rootfs', `${root}:O`, 'sh', '-c', 'touch /new; ls /new')).toBe('/new');
    expect(existsSync(join(root, 'new'))).toBe(false);
    await succeed('run', '--rm', '--rootfs', root, 'touch', '/new');
    expect(existsSync(join(root, 'new'))).toBe(true);
  });
});

describe('user namespaces', () => {
  test('with keep-id what is written in a bind mount is the user’s own', async () => {
    const { uid, name, home } = testUser();
    const path = join(home, 'kept');
    await testUser().run('mkdir', ['-p', path]);
    expect(await inside(['--userns', 'keep-id', '-v', `${path}:/w`], 'touch /w/x; id -un; stat -c %u /w/x')).toBe(
      `${name}\n${uid}`,
    );
    expect((await testUser().run('stat', ['-c', '%u', join(path, 'x')])).stdout).toBe(`${uid}\n`);
  });

  test('two containers never share ids of auto, and their ids are free when they are gone', async () => {
    const map = async (name: string) => {
      await succeed('run', '-d', '--name', name, '--userns', 'auto:size=3000', BUSYBOX, 'sleep', '60');
      return Number((await succeed('exec', name, 'cat', '/proc/self/uid_map')).trim().split(/\s+/)[1]);
    };
    const [one, two] = [await map('auto1'), await map('auto2')];
    expect(Math.abs(two - one)).toBeGreaterThanOrEqual(3000);
    await succeed('rm', '-f', 'auto1');
    expect(await map('auto3')).toBe(one);
  });

  test('another container’s is joined, and the network is its own all the same', async () => {
    await succeed('run', '-d', '--name', 'owner', '--userns', 'auto', BUSYBOX, 'sleep', '60');
    const ns = await succeed('exec', 'owner', 'readlink', '/proc/self/ns/user');
    const said = await succeed(
      'run',
      '--rm',
      '--userns',
      'container:owner',
      BUSYBOX,
      'sh',
      '-c',
      'readlink /proc/self/ns/user; cat /sys/class/net/eth0/mtu >/dev/null && echo linked',
    );
    expect(said).toBe(`${ns}\nlinked`);
  });

  test('a container with ids of its own is on its network, owns its sysctls and a fresh volume', async () => {
    const said = await succeed(
      ...['run', '--rm', '--userns', 'nomap', '-v', '/fresh', '--sysctl', 'net.core.somaxconn=77', BUSYBOX, 'sh', '-c'],
      'cat /proc/sys/net/core/somaxconn; touch /fresh/x && stat -c %u /fresh; ip -o -4 addr show eth0 | wc -l | tr -d " "',
    );
    expect(said).toBe('77\n0\n1');
  });
});

describe('devices by name', () => {
  const config = () => join(testUser().home, '.config/cdi');

  beforeAll(async () => {
    const file = [
      'cdiVersion: "0.6.0"',
      'kind: nvidia.com/gpu',
      'devices:',
      ...['0', 'all'].map((name) => `  - { name: "${name}", containerEdits: { env: [GPU=${name}] } }`),
      'containerEdits:',
      '  deviceNodes: [{ path: /dev/gpu, hostPath: /dev/null }]',
      '  mounts: [{ hostPath: /etc/hostname, containerPath: /gpu-library, options: [ro, bind] }]',
    ].join('\n');
    await testUser().run('sh', ['-c', 'mkdir -p "$1" && cat >"$1/nvidia.yaml"', 'sh', config()], { input: file });
  });
  afterAll(() => rmSync(config(), { recursive: true, force: true }));

  test.each([
    [['--device', 'nvidia.com/gpu=0'], '0'],
    [['--gpus', 'all'], 'all'],
    [['--gpus', '1'], '0'],
    [['--gpus', '"device=0"'], '0'],
  ])('%j gives what its vendor’s file says', async (flags, gpu) => {
    expect(await inside(flags, 'echo $GPU; test -c /dev/gpu && cat /gpu-library >/dev/null && echo there')).toBe(
      `${gpu}\nthere`,
    );
  });

  test('one that no file has is refused as Docker does', async () => {
    expect(await wherry(['run', '--rm', '--gpus', '2', BUSYBOX, 'true'])).toMatchObject({
      status: 125,
      stderr: expect.stringMatching(/CDI device injection failed: unresolvable CDI devices nvidia\.com\/gpu=1\n/),
    });
  });
});

describe('secrets', () => {
  test('a container has a secret as a file or as a variable, and inspect shows neither', async () => {
    const made = await wherry(['secret', 'create', '-l', 'a=b', 'word', '-'], { input: 'hunter2' });
    expect(made.stdout).toMatch(/^[0-9a-f]{25}\n$/);
    expect(await inside(['--secret', 'word'], 'cat /run/secrets/word; stat -c " %a %u" /run/secrets/word')).toBe(
      'hunter2 444 0',
    );
    expect(await inside(['--secret', 'word,target=/etc/w,mode=0400,uid=5'], 'stat -c "%a %u" /etc/w')).toBe('400 5');
    expect(await inside(['--secret', 'word,type=env,target=W'], 'echo $W')).toBe('hunter2');
    await succeed('create', '--name', 'secretive', '--secret', 'word,type=env,target=W', BUSYBOX, 'true');
    expect(await succeed('inspect', 'secretive')).not.toContain('hunter2');
    expect(await succeed('secret', 'ls', '--filter', 'label=a=b', '--format', '{{.Name}}|{{.Driver}}')).toBe(
      'word|file',
    );
    expect(await succeed('secret', 'inspect', '-f', '{{.Spec.Name}}', 'word')).toBe('word');
    expect(await succeed('secret', 'rm', 'word')).toBe('word');
    expect(await wherry(['secret', 'exists', 'word'])).toMatchObject({ status: 1 });
    expect(await wherry(['run', '--rm', '--secret', 'word', BUSYBOX, 'true'])).toMatchObject({
      status: 125,
      stderr: expect.stringMatching(/no such secret: word/),
    });
  });
});

describe('log drivers', () => {
  const logged = async (flags: readonly string[], script = 'echo out; echo err >&2') => {
    await succeed('run', '--name', 'logged', ...flags, BUSYBOX, 'sh', '-c', script);
    const logs = await wherry(['logs', 'logged']);
    const path = await succeed('inspect', '-f', '{{.LogPath}}', 'logged');
    return { ...logs, path };
  };
  const remove = () => succeed('rm', '-f', 'logged');

  test.each(['json-file', 'local', 'k8s-file'])('logs reads what %s keeps', async (driver) => {
    expect(await logged(['--log-driver', driver])).toMatchObject({ status: 0, stdout: 'out\n', stderr: 'err\n' });
    await remove();
  });

  test('a k8s-file is where its option says, in the form of Kubernetes', async () => {
    const path = join(place(), 'log');
    expect(await logged(['--log-driver', 'k8s-file', '--log-opt', `path=${path}`])).toMatchObject({
      stdout: 'out\n',
      path,
    });
    expect(readFileSync(path, 'utf8')).toMatch(/^\d{4}-\S+\+00:00 stdout F out\n/);
    await remove();
  });

  test('rotated files are compressed, and logs reads them', async () => {
    const flags = ['max-size=2k', 'max-file=9', 'compress=true'].flatMap((option) => ['--log-opt', option]);
    const { stdout, path } = await logged(flags, 'for i in $(seq 1 100); do echo line $i; done');
    expect(stdout).toBe(Array.from({ length: 100 }, (_, index) => `line ${index + 1}\n`).join(''));
    await eventually(
      () => testUser().run('ls', [`${path}.1.gz`]),
      ({ status }) => status === 0,
    );
    await remove();
  });

  test('passthrough writes where the command writes, also detached', async () => {
    const done = await wherry([
      'run',
      '-d',
      '--name',
      'logged',
      '--log-driver',
      'passthrough',
      BUSYBOX,
      'echo',
      'here',
    ]);
    expect(done.stdout).toMatch(/^[0-9a-f]{64}\nhere\n$/);
    expect(await wherry(['logs', 'logged'])).toMatchObject({
      status: 1,
      stderr: 'Error response from daemon: configured logging driver does not support reading\n',
    });
    await remove();
  });
});
