import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, expect, test } from 'vitest';
import { testUser } from '#test/support/user.ts';
import { BUSYBOX, removeContainers, succeed, wherry } from '#test/support/wherry.ts';

afterAll(() => removeContainers());
afterEach(() => removeContainers());

const run = (flags: readonly string[], script: string) =>
  succeed('run', '--rm', '--network', 'none', ...flags, BUSYBOX, 'sh', '-c', script);
const user = (line: string) => testUser().run('sh', ['-c', line]);

test('a named volume is shared by containers and outlives them', async () => {
  await run(['-v', 'shared:/data'], 'echo kept > /data/file');
  expect(
    await run(
      ['--mount', 'source=shared,target=/elsewhere,readonly'],
      'cat /elsewhere/file; touch /elsewhere/x 2>&1 | grep -o Read-only',
    ),
  ).toBe('kept\nRead-only');
});

test('a new volume starts with what the image has there', async () => {
  expect(await run(['-v', 'filled:/etc'], 'test -s /etc/passwd && echo filled')).toBe('filled');
  expect(await run(['-v', 'bare:/etc:nocopy'], 'test -e /etc/passwd || echo bare')).toBe('bare');
});

test('files that root makes in a bind mount belong to the user outside', async () => {
  const directory = join(testUser().home, 'bound');
  await user(`mkdir -p ${directory}; echo outside > ${directory}/file`);
  expect(await run(['-v', `${directory}:/data`], 'cat /data/file; touch /data/made')).toBe('outside');
  expect((await user(`stat -c %u ${directory}/made`)).stdout.trim()).toBe(`${testUser().uid}`);
  const refused = await wherry(['run', '--rm', '-v', `${directory}:/data:ro`, BUSYBOX, 'touch', '/data/x']);
  expect(refused.stderr).toContain('Read-only file system');
});

test('a path relative to the working directory is bound, and a single file', async () => {
  const { home } = testUser();
  await user('mkdir -p here; echo text > here/file');
  const done = await wherry(
    ['run', '--rm', '--network', 'none', '-v', './here/file:/etc/one:ro', BUSYBOX, 'cat', '/etc/one'],
    { cwd: home },
  );
  expect(done).toMatchObject({ status: 0, stdout: 'text\n' });
});

test('--mount type=bind refuses a path that is missing, -v makes it', async () => {
  const missing = join(testUser().home, `missing-${process.pid}`);
  const refused = await wherry(['run', '--rm', '--mount', `type=bind,source=${missing},target=/x`, BUSYBOX, 'true']);
  expect(refused).toMatchObject({
    status: 125,
    stderr: expect.stringContaining(`bind source path does not exist: ${missing}`),
  });
  await run(['-v', `${missing}:/x`], 'true');
  expect((await user(`test -d ${missing}`)).status).toBe(0);
});

test.skipIf(process.getuid?.() !== 0)("what the user can't read stays unread (needs root)", async () => {
  const directory = mkdtempSync(join(tmpdir(), 'wherry-private-'));
  chmodSync(directory, 0o755);
  writeFileSync(join(directory, 'secret'), 'x', { mode: 0o600 });
  const done = await wherry(['run', '--rm', '--network', 'none', '-v', `${directory}:/p`, BUSYBOX, 'cat', '/p/secret']);
  rmSync(directory, { recursive: true });
  expect(done.stderr).toContain('Permission denied');
});

test('volumes are taken from another container', async () => {
  await succeed('create', '--name', 'donor', '--network', 'none', '-v', '/data', BUSYBOX, 'true');
  await run(['--volumes-from', 'donor'], 'echo x > /data/file');
  expect(await run(['--volumes-from', 'donor:ro'], 'cat /data/file; touch /data/y 2>/dev/null || echo ro')).toBe(
    'x\nro',
  );
});

test('rm -v takes anonymous volumes with it, and leaves named ones', async () => {
  const root = join(testUser().home, '.local/share/wherry/volumes');
  const before = (await user(`ls ${root} | wc -l`)).stdout;
  await succeed(
    'create',
    '--name',
    'both',
    '--network',
    'none',
    '-v',
    '/anonymous',
    '-v',
    `named-${process.pid}:/named`,
    BUSYBOX,
    'true',
  );
  await succeed('rm', '-v', 'both');
  expect(Number((await user(`ls ${root} | wc -l`)).stdout)).toBe(Number(before) + 1);
});

test('a volume in memory is one for all who have it, and goes with the last of them', async () => {
  await succeed('volume', 'create', '-o', 'type=tmpfs', '-o', 'device=tmpfs', '-o', 'o=size=1m,uid=1000', 'memory');
  await succeed('run', '-d', '--name', 'has', '-v', 'memory:/data', BUSYBOX, 'sleep', '1000');
  expect(await run(['-v', 'memory:/y'], 'stat -c %u /y; echo shared > /y/file; df -k /y | tail -1')).toMatch(
    /^1000\ntmpfs +1024 /,
  );
  expect(await succeed('exec', 'has', 'cat', '/data/file')).toBe('shared');
  expect((await wherry(['volume', 'rm', 'memory'])).stderr).toMatch(/^Error.*remove memory: volume is in use - \[/);
  await removeContainers();
  expect(await run(['-v', 'memory:/y'], 'ls /y')).toBe('');
  expect(await succeed('volume', 'rm', 'memory')).toBe('memory');
});

test('a volume can be a directory of the host, for reading only, and one that is not there fails the start', async () => {
  const directory = join(testUser().home, 'behind');
  await user(`mkdir -p ${directory}; echo outside > ${directory}/file`);
  const make = (name: string, device: string) =>
    succeed('volume', 'create', '-o', 'type=none', '-o', `device=${device}`, '-o', 'o=bind,ro', name);
  await make('behind', directory);
  await make('nowhere', `${directory}/nowhere`);
  expect(await run(['-v', 'behind:/data'], 'cat /data/file; touch /data/x 2>&1 | grep -o Read-only')).toBe(
    'outside\nRead-only',
  );
  const failed = await wherry(['run', '--rm', '-v', 'nowhere:/data', BUSYBOX, 'true']);
  expect(failed).toMatchObject({ status: 127, stderr: expect.stringContaining('no such file or directory') });
  await succeed('volume', 'rm', 'behind', 'nowhere');
});

test('a volume is exported with the owners that containers see', async () => {
  await run(['-v', 'exported:/data'], 'echo one > /data/file; chown 5:6 /data/file; ln -s file /data/link');
  const file = join(testUser().home, 'exported.tar');
  await succeed('volume', 'export', '--output', file, 'exported');
  const { stdout } = await user(`tar --numeric-owner -tvf ${file}`);
  expect(stdout).toMatch(/ 5\/6 .* file\n.* link -> file\n/);
  await run(['-v', 'imported:/data'], 'ln -s /etc/passwd /data/file; echo stays > /data/other');
  await succeed('volume', 'import', 'imported', file);
  expect(await run(['-v', 'imported:/data'], 'cat /data/link /data/other; stat -c %u:%g /data/file')).toBe(
    'one\nstays\n5:6',
  );
  const refused = await wherry(['volume', 'import', 'imported', '-'], { input: 'no archive at all' });
  expect(refused).toMatchObject({ status: 1, stderr: expect.stringMatching(/^[^\n]+\n(hint: [^\n]+\n)?$/) });
  await succeed('volume', 'rm', 'exported', 'imported');
});

test('a part of a volume is mounted, and no link in it leads out', async () => {
  await run(
    ['-v', 'parts:/data'],
    'mkdir /data/sub; echo in > /data/sub/file; ln -s /etc /data/out; ln -s sub /data/in',
  );
  const part = (path: string) => ['--mount', `source=parts,target=/part,volume-subpath=${path}`];
  expect(await run(part('sub'), 'cat /part/file')).toBe('in');
  expect(await run(part('in'), 'cat /part/file')).toBe('in');
  expect(await run(part('sub/file'), 'cat /part')).toBe('in');
  for (const path of ['out', 'nowhere']) {
    const refused = await wherry(['run', '--rm', ...part(path), BUSYBOX, 'ls', '/part']);
    expect(refused).toMatchObject({ status: 127, stderr: expect.stringContaining('cannot access path') });
  }
  await succeed('volume', 'rm', 'parts');
});

test('an image is mounted for reading, whole or a part of it, and stays while a container has it', async () => {
  await succeed('tag', BUSYBOX, 'mounted:1');
  const mount = (more: string) => ['--mount', `type=image,source=mounted:1,target=/image${more}`];
  expect(await run(mount(''), 'ls -d /image/bin; touch /image/x 2>&1 | grep -o Read-only')).toBe(
    '/image/bin\nRead-only',
  );
  expect(await run(mount(',image-subpath=bin'), 'test -x /image/busybox && echo there')).toBe('there');
  expect((await wherry(['run', '--rm', '--mount', 'type=image,source=nope,target=/x', BUSYBOX])).stderr).toContain(
    'No such image: nope:latest',
  );
  await succeed('rmi', 'mounted:1');
});

test('what is written above a directory is the container’s own, and one is given to its user where asked so', async () => {
  const directory = join(testUser().home, 'below');
  await user(`mkdir -p ${directory}; echo outside > ${directory}/file`);
  expect(await run(['-v', `${directory}:/data:O`], 'echo mine > /data/file; cat /data/file')).toBe('mine');
  expect((await user(`cat ${directory}/file`)).stdout).toBe('outside\n');
  expect(await run(['-u', '1000', '-v', 'given:/data:U'], 'touch /data/x; stat -c %u /data/x')).toBe('1000');
  await succeed('volume', 'rm', 'given');
});

test('a volume that was made with create has the image’s content before anything runs', async () => {
  await succeed('create', '--name', 'made', '-v', 'early:/etc', BUSYBOX, 'true');
  expect(await run(['-v', 'early:/data'], 'test -s /data/passwd && echo filled')).toBe('filled');
  expect(await run(['--volumes-from', 'made'], 'test -s /etc/passwd && echo filled')).toBe('filled');
  await removeContainers();
  await succeed('volume', 'rm', 'early');
});

test('a copy into a volume that was cut off is made anew', async () => {
  await succeed('volume', 'create', 'cut');
  const place = await succeed('volume', 'inspect', '--format', '{{.Mountpoint}}', 'cut');
  await user(`touch ${place}/half ${place}/../filling`);
  expect(await run(['-v', 'cut:/etc'], 'test -s /etc/passwd && test ! -e /etc/half && echo whole')).toBe('whole');
  await succeed('volume', 'rm', 'cut');
});

test('a directory of the host behind a volume stays whole when the volume is removed, whoever was killed before', async () => {
  const directory = join(testUser().home, 'precious');
  await user(`mkdir -p ${directory}; echo mine > ${directory}/file`);
  await succeed('volume', 'create', '-o', 'type=none', '-o', `device=${directory}`, '-o', 'o=bind', 'link');
  const place = await succeed('volume', 'inspect', '--format', '{{.Mountpoint}}', 'link');
  await succeed('unshare', 'mount', '--bind', directory, place);
  await succeed('volume', 'rm', 'link');
  expect((await user(`cat ${directory}/file`)).stdout).toBe('mine\n');
});

test('a tmpfs has the permissions of the directory that it covers', async () => {
  expect(
    await run(['--tmpfs', '/root', '--tmpfs', '/new', '--tmpfs', '/etc:mode=711'], 'stat -c %a /root /new /etc'),
  ).toBe('700\n1777\n711');
});

test('a mount at a link of the image that leads nowhere yet is made where the link says', async () => {
  const made = ['run', '--name', 'linked', '--network', 'none', BUSYBOX, 'ln', '-s', '/srv/new', '/place'];
  await succeed(...made);
  await succeed('commit', 'linked', 'linked:1');
  const flags = ['run', '--rm', '--network', 'none', '-v', 'place:/place', 'linked:1'];
  expect(await succeed(...flags, 'sh', '-c', 'echo x > /place/file; cat /srv/new/file')).toBe('x');
  await removeContainers();
  await succeed('rmi', 'linked:1');
  await succeed('volume', 'rm', 'place');
});

test('an image’s /proc never hides the kernel’s', async () => {
  const refused = await wherry(['run', '--rm', '-v', 'proc:/proc', BUSYBOX, 'true']);
  expect(refused).toMatchObject({ status: 125, stderr: expect.stringContaining('it is not of type proc') });
});

test('a source that has gone since the container was made is made anew for -v, and missed for --mount', async () => {
  const { home } = testUser();
  await user(`mkdir -p ${home}/gone1 ${home}/gone2`);
  await succeed('create', '--name', 'one', '--network', 'none', '-v', `${home}/gone1:/x`, BUSYBOX, 'ls', '-d', '/x');
  const bind = `type=bind,source=${home}/gone2,target=/x`;
  await succeed('create', '--name', 'two', '--network', 'none', '--mount', bind, BUSYBOX, 'ls', '-d', '/x');
  await user(`rmdir ${home}/gone1 ${home}/gone2`);
  expect(await succeed('start', '-a', 'one')).toBe('/x');
  expect(await wherry(['start', '-a', 'two'])).toMatchObject({
    status: 1,
    stderr: expect.stringContaining(`bind source path does not exist: ${home}/gone2`),
  });
});

test('what is mounted below a directory comes with it, read-only where asked so, and not where it is not wanted', async () => {
  const top = join(testUser().home, 'top');
  await succeed(
    'unshare',
    'sh',
    '-c',
    `mkdir -p ${top}/sub && mount -t tmpfs none ${top}/sub && touch ${top}/sub/there`,
  );
  const bind = (more: string) => ['--mount', `type=bind,source=${top},target=/x${more}`];
  expect(await run(bind(''), 'ls /x/sub; touch /x/sub/a && echo wrote')).toBe('there\nwrote');
  expect(await run(bind(',ro'), 'touch /x/sub/b 2>&1 | grep -o Read-only')).toBe('Read-only');
  expect(await run(bind(',ro,bind-recursive=writable'), 'touch /x/sub/b && echo wrote')).toBe('wrote');
  expect(await run(bind(',bind-recursive=disabled'), 'ls /x/sub')).toBe('');
  await succeed('unshare', 'umount', `${top}/sub`);
});

test('ids are mapped on what the user has mounted, and elsewhere it is said that the kernel lets nobody', async () => {
  await succeed('volume', 'create', '-o', 'type=tmpfs', '-o', 'device=tmpfs', '-o', 'o=mode=755,noexec', 'ids');
  await succeed('run', '-d', '--name', 'holds', '--network', 'none', '-v', 'ids:/x', BUSYBOX, 'sleep', '1000');
  const auto = ['--userns', 'auto'];
  expect(await run([...auto, '-v', 'ids:/x'], 'stat -c %u /x; touch /x/a 2>/dev/null || echo refused')).toBe(
    '65534\nrefused',
  );
  expect(
    await run([...auto, '-v', 'ids:/x:idmap'], 'stat -c %u /x; touch /x/a; grep -o " /x .*noexec" /proc/mounts'),
  ).toBe('0\n /x tmpfs rw,noexec');
  const directory = join(testUser().home, 'unmapped');
  const refused = await wherry(['run', '--rm', ...auto, '-v', `${directory}:/x:idmap`, BUSYBOX, 'true']);
  expect(refused).toMatchObject({ status: 125, stderr: expect.stringContaining('hint: Only who has mounted') });
  await removeContainers();
  await succeed('volume', 'rm', 'ids');
});
