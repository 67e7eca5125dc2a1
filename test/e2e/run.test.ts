import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { testUser } from '#test/support/user.ts';
import { BUSYBOX, removeContainers, succeed, wherry } from '#test/support/wherry.ts';

afterAll(() => removeContainers());

/** What a shell in the container says, started with these flags. */
const inside = (flags: readonly string[], script: string) =>
  succeed('run', '--rm', '--network', 'none', ...flags, BUSYBOX, 'sh', '-c', script);

describe('each flag is seen from inside', () => {
  test.each<[flags: string[], script: string, said: string]>([
    [['-e', 'A=1', '--env', 'B=two words'], 'echo "$A $B"', '1 two words'],
    [['-w', '/var/deep/er'], 'pwd', '/var/deep/er'],
    [['-u', '33'], 'id -u; id -g', '33\n33'],
    [['-u', 'www-data:daemon'], 'id -un; id -gn', 'www-data\ndaemon'],
    [['-u', '1234:2345'], 'id -u; id -g', '1234\n2345'],
    [['--group-add', '77', '--group-add', 'daemon'], 'id -G', '0 1 77'],
    [['--hostname', 'box'], 'hostname; cat /etc/hostname', 'box\nbox'],
    [['--read-only'], 'touch /x 2>&1; echo done', 'touch: /x: Read-only file system\ndone'],
    [['--read-only', '--tmpfs', '/tmp'], 'touch /tmp/x && echo fine', 'fine'],
    [['--tmpfs', '/t:size=1m,mode=700'], 'stat -c %a /t; df -k /t | tail -1 | tr -s " " | cut -d" " -f2', '700\n1024'],
    [['--mount', 'type=tmpfs,target=/t,tmpfs-size=2m'], 'df -k /t | tail -1 | tr -s " " | cut -d" " -f2', '2048'],
    [['--shm-size', '3m'], 'df -k /dev/shm | tail -1 | tr -s " " | cut -d" " -f2', '3072'],
    [['--ulimit', 'nofile=100:200'], 'ulimit -n; ulimit -Hn', '100\n200'],
    [['--entrypoint', 'echo'], 'x', '-c x'],
    [['--init'], 'cat /proc/1/comm | grep -vc "^sh$"', '1'],
    [['--add-host', 'db:10.1.2.3'], 'grep db /etc/hosts | tr "\t" " "', '10.1.2.3 db'],
    [['--cap-drop', 'ALL'], 'grep CapEff /proc/self/status | cut -f2', '0000000000000000'],
    [['--cap-drop', 'ALL', '--cap-add', 'NET_RAW'], 'grep CapEff /proc/self/status | cut -f2', '0000000000002000'],
    [[], 'grep CapEff /proc/self/status | cut -f2', '00000000a80425fb'],
    [['--security-opt', 'no-new-privileges'], 'grep NoNewPrivs /proc/self/status | cut -f2', '1'],
    [[], 'grep Seccomp: /proc/self/status | cut -f2', '2'],
    [['--security-opt', 'seccomp=unconfined'], 'grep Seccomp: /proc/self/status | cut -f2', '0'],
    [['--device', '/dev/null:/dev/nothing'], 'test -c /dev/nothing && echo device', 'device'],
    [['--sysctl', 'net.ipv4.ip_default_ttl=42'], 'cat /proc/sys/net/ipv4/ip_default_ttl', '42'],
    [['--privileged'], 'grep Seccomp: /proc/self/status | cut -f2', '0'],
  ])('%j', async (flags, script, said) => {
    const out = flags.includes('--entrypoint')
      ? inside(flags, script).then((text) => text.replace(/^.*?(-c x)$/, '$1'))
      : inside(flags, script);
    expect(await out).toBe(said);
  });
});

test('--env-file gives its lines, comments apart, and bare names from the caller', async () => {
  const { home } = testUser();
  const file = join(home, 'vars');
  writeFileSync(file, '# a comment\nA=1\n\nB=with = signs\nFROM_OUTSIDE\n', { mode: 0o644 });
  const args = [
    'run',
    '--rm',
    '--network',
    'none',
    '--env-file',
    file,
    BUSYBOX,
    'sh',
    '-c',
    'echo "$A|$B|$FROM_OUTSIDE"',
  ];
  const done = await wherry(args, { env: { FROM_OUTSIDE: 'yes' } });
  expect(done).toMatchObject({ status: 0, stdout: '1|with = signs|yes\n' });
});

test('--cidfile gets the id, and one that is there is refused', async () => {
  const { home } = testUser();
  const file = join(home, `cid-${process.pid}`);
  const id = await succeed('run', '-d', '--network', 'none', '--cidfile', file, BUSYBOX, 'true');
  expect(await testUser().run('cat', [file])).toMatchObject({ stdout: id });
  const again = await wherry(['run', '--rm', '--cidfile', file, BUSYBOX, 'true']);
  expect(again.status).toBe(125);
  expect(again.stderr).toContain('container ID file found');
});

test('labels, stop signal and restart policy are in inspect', async () => {
  const flags = ['--label', 'tier=db', '--stop-signal', 'SIGINT', '--stop-timeout', '3', '--restart', 'on-failure:2'];
  const id = await succeed('create', '--network', 'none', ...flags, BUSYBOX, 'true');
  const format =
    '{{.Config.Labels.tier}} {{.Config.StopSignal}} {{.Config.StopTimeout}} {{.HostConfig.RestartPolicy.Name}} {{.HostConfig.RestartPolicy.MaximumRetryCount}}';
  expect(await succeed('inspect', '--format', format, id)).toBe('db SIGINT 3 on-failure 2');
});

test.each([
  [['--restart', 'sometimes'], /invalid restart policy/],
  [
    ['--rm', '--restart', 'always'],
    /[Cc]onflicting options: (--restart and --rm|cannot specify both --restart and --rm)/,
  ],
  [['-m', 'lots'], /invalid argument "lots" for "-m, --memory" flag/],
  [['-v', 'a:b:c:d'], /invalid volume specification: 'a:b:c:d'/],
  [['--cap-add', 'FLY'], /FLY/],
  [['-u', 'nobody-here'], /unable to find user nobody-here: no matching entries in passwd file/],
  [['-p', 'abc'], /Invalid containerPort: abc/],
])("%j is refused with 125 in Docker's words", async (flags, message) => {
  const done = await wherry(['run', ...flags, BUSYBOX, 'true']);
  expect(done.status).toBe(125);
  expect(done.stderr).toMatch(message);
});
