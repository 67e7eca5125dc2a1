import { existsSync, lstatSync, readFileSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { testUser } from '#test/support/user.ts';
import {
  BUSYBOX,
  mendStore,
  removeContainers,
  startWherry,
  succeed,
  wherry,
  wherryPath,
} from '#test/support/wherry.ts';

const place = () => join(testUser().home, 'copies');
const user = (line: string) => testUser().run('sh', ['-c', line], { cwd: place() });
const copy = (...args: string[]) => wherry(['cp', ...args], { cwd: place() });
const lines = (text: string) => text.split('\n').filter(Boolean);

const sleeping = (name: string, ...flags: string[]) =>
  succeed('run', '-d', '--name', name, '--network', 'none', ...flags, BUSYBOX, 'sleep', '1000');
const inside = (name: string, script: string) => succeed('exec', name, 'sh', '-c', script);

/** What is mounted in the user's namespace. */
const mounts = async () => (await succeed('unshare', 'cat', '/proc/self/mountinfo')).split('\n').length;

beforeAll(async () => {
  await mendStore();
  await user('true').catch(() => undefined);
  rmSync(place(), { recursive: true, force: true });
  await testUser().run('mkdir', [place()]);
  await user(
    'mkdir -p d/sub; echo one > d/one; echo two > d/sub/two; ln -s one d/link; ln d/one d/hard; chmod 640 d/one',
  );
});
afterAll(async () => {
  await removeContainers();
  await wherry(['volume', 'rm', '-f', 'copied']);
  await user('chmod -R u+rwx .; rm -rf ./*');
});

describe('cp', () => {
  test('brings files there and back: modes, times, links and contents stay, and each side owns its own', async () => {
    await sleeping('there');
    expect(await copy('d', 'there:/d')).toMatchObject({ status: 0, stdout: '', stderr: '' });
    expect(await inside('there', 'stat -c "%a %u:%g %h" /d/one; readlink /d/link; cat /d/sub/two')).toBe(
      '640 0:0 2\none\ntwo',
    );
    await inside('there', 'chown -R 12:34 /d; chmod 4755 /d/sub/two');
    expect(await copy('there:/d', 'back')).toMatchObject({ status: 0 });
    const { uid } = testUser();
    expect(statSync(join(place(), 'back/sub/two'))).toMatchObject({ uid, mode: 0o104755 });
    expect(statSync(join(place(), 'back/one'))).toMatchObject({ uid, nlink: 2 });
    expect(statSync(join(place(), 'back/one')).mtimeMs).toBe(
      Math.floor(statSync(join(place(), 'd/one')).mtimeMs / 1000) * 1000,
    );
    expect(lstatSync(join(place(), 'back/link')).isSymbolicLink()).toBe(true);
  });

  test('sees volumes and, while the container runs, what is in memory; nothing of the kernel', async () => {
    await sleeping('volumes', '-v', 'copied:/vol', '--tmpfs', '/mem');
    await inside('volumes', 'echo v > /vol/v; echo m > /mem/m');
    expect(await copy('volumes:/mem/m', 'm')).toMatchObject({ status: 0 });
    expect(await copy('d/one', 'volumes:/mem/')).toMatchObject({ status: 0 });
    expect(await inside('volumes', 'cat /mem/one')).toBe('one');
    expect(lines((await user(`${wherryPath()} cp volumes:/proc - | tar -t`)).stdout)).toEqual(['proc/']);
    await succeed('stop', '-t', '0', 'volumes');
    const before = await mounts();
    expect(await copy('volumes:/vol/v', 'v')).toMatchObject({ status: 0 });
    expect(await copy('d/one', 'volumes:/vol')).toMatchObject({ status: 0 });
    expect(await mounts()).toBe(before);
    await succeed('start', 'volumes');
    expect(await inside('volumes', 'cat /vol/one')).toBe('one');
  });

  test('reaches a volume before the first start, with what the image has there', async () => {
    await succeed('create', '--name', 'fresh', '-v', '/etc', BUSYBOX, 'cat', '/etc/one', '/etc/passwd');
    expect(await copy('d/one', 'fresh:/etc/')).toMatchObject({ status: 0 });
    expect(await succeed('start', '-a', 'fresh')).toMatch(/^one\nroot:/);
  });

  test('streams archives, compressed ones too', async () => {
    await sleeping('streams');
    await user(`tar -cz d | ${wherryPath()} cp - streams:/tmp`);
    expect(await inside('streams', 'cat /tmp/d/sub/two')).toBe('two');
    const { stdout } = await user(`${wherryPath()} cp streams:/tmp/d/. - | tar -t | sort`);
    expect(lines(stdout)).toEqual(['./', './hard', './link', './one', './sub/', './sub/two']);
  });

  test('leaves holes where a file is zeros, and brings all bytes of a large one', async () => {
    await sleeping('large');
    await user('truncate -s 300M large; echo end >> large');
    expect(await copy('large', 'large:/large')).toMatchObject({ status: 0 });
    expect(await inside('large', 'stat -c %s /large; tail -c 4 /large')).toBe('314572804\nend');
    expect(Number((await inside('large', 'du -k /large')).split('\t')[0])).toBeLessThan(1024);
    expect(await copy('large:/large', 'large2')).toMatchObject({ status: 0 });
    expect(await user('cmp large large2')).toMatchObject({ status: 0 });
    await user('rm large large2');
  });

  test("gives ids as the container's own user namespace has them", async () => {
    await sleeping('mapped', '--userns', 'auto:size=2000');
    expect(await copy('d/one', 'mapped:/tmp/one')).toMatchObject({ status: 0 });
    expect(await inside('mapped', 'chown 5:6 /tmp; stat -c %u:%g /tmp/one')).toBe('0:0');
    const { stdout } = await user(`${wherryPath()} cp mapped:/tmp - | tar -tv --numeric-owner`);
    expect(stdout).toMatch(/ 5\/6 .* tmp\/\n.* 0\/0 .* tmp\/one\n/);
  });

  test('tells of what it does', async () => {
    await sleeping('told');
    await copy('told:/etc/passwd', '.');
    await copy('d/one', 'told:/');
    // A whole second counts: this one has to end.
    const until = String(Math.ceil(Date.now() / 1000));
    const asked = ['--since', '5m', '--until', until, '--filter', 'container=told', '--format', '{{.Action}}'];
    const events = await succeed('events', ...asked);
    expect(events.split('\n').slice(-2)).toEqual(['archive-path', 'extract-to-dir']);
  });
});

describe('cp of a container with ids of its own', () => {
  /** The user namespace, who the container's user is in it, and what of the mode is set besides. */
  const MODES = {
    nomap: ['0:0', '--userns', 'nomap'],
    auto: ['100:200', '--userns', 'auto:size=2000', '-u', '100:200'],
    'keep-id': ['5:6', '--userns', 'keep-id:uid=5,gid=6'],
  } as const;

  test.each([
    ['auto', 'overlay'],
    ['nomap', 'fuse-overlayfs'],
    ['keep-id', 'fuse-overlayfs'],
    ['auto', 'copy'],
    ['keep-id', 'copy'],
  ] as const)('(%s, %s): who owns what is as inside, and ours here, running or not', async (mode, driver) => {
    if (driver === 'fuse-overlayfs' && (await user('command -v fuse-overlayfs')).status !== 0) return;
    const [owner, ...flags] = MODES[mode];
    const env = { WHERRY_STORAGE_DRIVER: driver };
    const made = await wherry(
      ['run', '-d', '--name', 'owned', ...flags, '-v', 'ownedvolume:/v', BUSYBOX, 'sleep', '1000'],
      { env },
    );
    expect(made).toMatchObject({ status: 0 });
    const put = async (name: string) => {
      expect(await copy('d/one', `owned:/tmp/${name}`)).toMatchObject({ status: 0 });
      expect(await copy('-a', 'd/one', `owned:/tmp/${name}-a`)).toMatchObject({ status: 0 });
      expect(await copy('-a', 'd/one', `owned:/v/${name}`)).toMatchObject({ status: 0 });
    };
    const get = async (name: string) => {
      const { stdout } = await user(
        `for f in tmp/${name} tmp/${name}-a v/${name}; do ${wherryPath()} cp owned:/$f - | tar -tvf - --numeric-owner; done`,
      );
      expect(lines(stdout).map((line) => line.split(/\s+/)[1]?.replace('/', ':'))).toEqual(['0:0', owner, owner]);
      expect(await copy(`owned:/tmp/${name}-a`, 'fetched')).toMatchObject({ status: 0 });
      const { uid, gid } = testUser();
      expect(statSync(join(place(), 'fetched'))).toMatchObject({ uid, gid, mode: 0o100640 });
    };
    await put('live');
    expect(await inside('owned', 'stat -c %u:%g /tmp/live /tmp/live-a /v/live')).toBe(`0:0\n${owner}\n${owner}`);
    await get('live');
    await succeed('stop', '-t', '0', 'owned');
    await put('resting');
    await get('resting');
    await succeed('start', 'owned');
    expect(await inside('owned', 'stat -c %u:%g /tmp/resting /tmp/resting-a /v/resting')).toBe(
      `0:0\n${owner}\n${owner}`,
    );
    await succeed('rm', '-f', 'owned');
    await succeed('volume', 'rm', 'ownedvolume');
  });
});

describe('a container that swaps a directory for a link to the host while it is copied', () => {
  const SWAP = 'while :; do rm -rf /r/x; ln -s $0 /r/x; rm /r/x; mkdir /r/x; echo own > /r/x/f; done';

  test('gets nothing of the host, and writes nothing there', async () => {
    const canary = join(testUser().home, 'canary');
    await testUser().run('mkdir', ['-p', canary]);
    await testUser().run('sh', ['-c', 'echo secret > canary/f']);
    const target = `/../../../../../../../..${canary}`;
    await succeed('run', '-d', '--name', 'swap', '--network', 'none', BUSYBOX, 'sh', '-c', `mkdir /r; ${SWAP}`, target);
    for (let round = 0; round < 6; round += 1) {
      await copy('d/sub/two', 'swap:/r/x/planted');
      await copy('d/sub', 'swap:/r/x');
      await copy('swap:/r/x/f', `got${round}`);
      await copy('swap:/r', `all${round}`);
      for (const path of [`got${round}`, `all${round}/x/f`]) {
        if (
          existsSync(join(place(), path)) &&
          !lstatSync(join(place(), `all${round}/x`), { throwIfNoEntry: false })?.isSymbolicLink()
        ) {
          expect(readFileSync(join(place(), path), 'utf8')).not.toContain('secret');
        }
      }
    }
    expect((await testUser().run('ls', ['-A', canary])).stdout).toBe('f\n');
    await testUser().run('rm', ['-rf', canary]);
  }, 0);
});

test('a copy that is killed leaves nothing mounted and nothing locked', async () => {
  await succeed('create', '--name', 'killed', BUSYBOX, 'true');
  const before = await mounts();
  const child = startWherry(['cp', '-', 'killed:/tmp'], { stdio: ['pipe', 'ignore', 'ignore'] });
  await new Promise((resolve) => setTimeout(resolve, 700));
  child.kill('SIGKILL');
  await new Promise((resolve) => child.once('close', resolve));
  // A container that ended before may have been cleaned up meanwhile.
  expect(await mounts()).toBeLessThanOrEqual(before);
  await succeed('start', '-a', 'killed');
});

test('rename: it is found by its new name at once, and the old one is free', async () => {
  await sleeping('before');
  await succeed('rename', 'before', 'after');
  expect(await succeed('exec', 'after', 'echo', 'there')).toBe('there');
  expect(await wherry(['exec', 'before', 'true'])).toMatchObject({ status: 1 });
  await sleeping('before');
  expect(await wherry(['rename', 'after', 'before'])).toMatchObject({ status: 1 });
  expect((await succeed('ps', '--format', '{{.Names}}')).split('\n')).toEqual(
    expect.arrayContaining(['after', 'before']),
  );
  expect(await succeed('system', 'check')).toBe('No damage found');
});

test("top shows the container's processes by the pids that the user sees", async () => {
  await sleeping('topped');
  await succeed('exec', '-d', 'topped', 'sleep', '77');
  const table = lines(await succeed('top', 'topped', '-eo', 'pid,args')).map((line) => line.split(/\s{3,}/));
  expect(table.map(([, command]) => command).sort()).toEqual(['COMMAND', 'sleep 1000', 'sleep 77']);
  const [pid = ''] = table.find(([, command]) => command === 'sleep 77') ?? [];
  expect(readFileSync(`/proc/${pid}/cmdline`, 'latin1')).toBe('sleep\x0077\0');
});

describe("podman's small commands", () => {
  test('exists says it by its status alone', async () => {
    await sleeping('known');
    for (const [kind, name] of [
      ['container', 'known'],
      ['image', BUSYBOX],
      ['network', 'bridge'],
    ] as const) {
      expect(await wherry([kind, 'exists', name])).toEqual(
        expect.objectContaining({ status: 0, stdout: '', stderr: '' }),
      );
      expect(await wherry([kind, 'exists', 'nowhere'])).toMatchObject({ status: 1, stdout: '', stderr: '' });
      expect(await wherry([kind, 'exists'])).toMatchObject({ status: 125 });
    }
    expect(await wherry(['volume', 'exists', 'nowhere'])).toMatchObject({ status: 1 });
  });

  test('mount counts, and stays while the container starts and ends', async () => {
    const id = await succeed('create', '--name', 'held', '--network', 'none', BUSYBOX, 'cat', '/new');
    const path = await succeed('mount', 'held');
    expect(await succeed('mount', 'held')).toBe(path);
    await succeed('unshare', 'sh', '-c', `echo by hand > ${path}/new`);
    expect(await succeed('start', '-a', 'held')).toBe('by hand');
    expect(await succeed('mount')).toContain(`${id.slice(0, 12)}  ${path}`);
    expect(JSON.parse(await succeed('mount', '--format', 'json'))).toContainEqual({
      id,
      Names: ['held'],
      mountpoint: path,
    });
    await succeed('unmount', 'held');
    expect(await succeed('unshare', 'cat', `${path}/new`)).toBe('by hand');
    await succeed('umount', 'held');
    expect(await wherry(['unshare', 'cat', `${path}/new`])).toMatchObject({ status: 1 });
    await succeed('mount', 'held');
    await succeed('rm', 'held');
    expect(existsSync(path)).toBe(false);
  });

  test('init makes everything ready, start uses it, cleanup takes it back', async () => {
    await succeed('create', '--name', 'ready', BUSYBOX, 'cat', '/ready');
    expect(await succeed('init', 'ready')).toBe('ready');
    expect(await wherry(['init', 'ready'])).toMatchObject({
      status: 1,
      stderr: expect.stringContaining('already been created'),
    });
    const id = await succeed('inspect', '-f', '{{.Id}}', 'ready');
    await succeed('unshare', 'sh', '-c', `echo yes > ~/.local/share/wherry/containers/${id}/merged/ready`);
    expect(await succeed('start', '-a', 'ready')).toBe('yes');
    const before = await mounts();
    await succeed('container', 'init', '--latest');
    await succeed('container', 'cleanup', 'ready');
    expect(await mounts()).toBe(before);
  });

  test('--latest is the container that was made last', async () => {
    const id = await succeed('create', '--name', 'newest', '--network', 'none', BUSYBOX, 'echo', 'hello');
    expect(await succeed('start', '--latest')).toBe(id);
    expect(await succeed('wait', '-l')).toBe('0');
    expect(await succeed('logs', '-l')).toBe('hello');
    expect(await wherry(['rm', '--latest', 'newest'])).toMatchObject({ status: 125 });
    expect(await succeed('rm', '--latest')).toBe(id);
  });
});
