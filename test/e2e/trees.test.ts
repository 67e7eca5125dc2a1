import { createServer } from 'node:http';
import { join } from 'node:path';
import { gzipSync, zstdCompressSync } from 'node:zlib';
import { afterAll, afterEach, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { layout, tar } from '#test/support/image.ts';
import { listen } from '#test/support/ports.ts';
import { testUser } from '#test/support/user.ts';
import { BUSYBOX, eventually, mendStore, removeContainers, succeed, wherry, wherryPath } from '#test/support/wherry.ts';

/** What these tests make. */
const IMAGES = ['trees/one', 'trees/two', 'trees/flat'];

const removeImages = () => wherry(['rmi', '-f', ...IMAGES]);
beforeAll(async () => {
  await mendStore();
  await removeImages();
});
afterAll(() => removeContainers());
afterEach(async () => {
  await removeContainers();
  await removeImages();
});

const user = (line: string, env: Record<string, string> = {}) => testUser().run('sh', ['-c', line], { env });
const lines = (text: string) => text.split('\n').filter(Boolean);

/** Runs a script in a container that stays, by this name. */
const change = (name: string, script: string, flags: readonly string[] = []) =>
  succeed('run', '--name', name, '--network', 'none', ...flags, BUSYBOX, 'sh', '-c', script);
const runIn = (image: string, script: string) => succeed('run', '--rm', '--network', 'none', image, 'sh', '-c', script);

describe('diff', () => {
  test('says nothing of what every container has, and what was written else', async () => {
    await change('plain', 'true');
    expect(await succeed('diff', 'plain')).toBe('');
    await change('busy', 'echo x > /etc/new; rm /etc/passwd; echo x >> /etc/group; mkdir -p /q/w; rm -r /home', [
      '-v',
      '/data',
    ]);
    expect(lines(await succeed('diff', 'busy'))).toEqual([
      'A /data',
      'C /etc',
      'C /etc/group',
      'A /etc/new',
      'D /etc/passwd',
      'D /home',
      'A /q',
      'A /q/w',
    ]);
    expect(await wherry(['diff', 'nobody'])).toMatchObject({ status: 1, stderr: expect.stringContaining('nobody') });
  });
});

describe('export', () => {
  test('has the files of a container with their owners, and not what is in volumes', async () => {
    await change('one', 'echo kept > /file; chown 12:34 /file; chmod 4755 /file; ln /file /same; echo out > /data/x', [
      '-v',
      '/data',
    ]);
    const { stdout } = await user(`${wherryPath()} export one | tar -tv --numeric-owner`);
    const listed = new Map(lines(stdout).map((line) => [line.split(/\s+/).slice(5).join(' '), line]));
    expect(listed.get('file')).toMatch(/^-rwsr-xr-x 12\/34 +5 /);
    expect(listed.get('same link to file')).toMatch(/^h/);
    expect(listed.has('data/')).toBe(true);
    expect(listed.has('data/x')).toBe(false);
    expect(listed.get('etc/hosts')).toMatch(/^-\S+ 0\/0 +0 /);
  });

  test('writes a file that is whole, also from a container that runs and writes meanwhile', async () => {
    await succeed(
      'run',
      '-d',
      '--name',
      'busy',
      BUSYBOX,
      'sh',
      '-c',
      'while :; do date >> /log; rm -rf /d; mkdir /d; done',
    );
    await succeed('export', '-o', 'busy.tar', 'busy');
    const { status, stdout } = await user('tar -tf busy.tar; stat -c %a busy.tar; rm busy.tar');
    expect(status).toBe(0);
    expect(lines(stdout)).toEqual(expect.arrayContaining(['bin/busybox', 'log', '600']));
  });

  test('is refused to a terminal and to what is no file', async () => {
    await succeed('create', '--name', 'one', BUSYBOX, 'true');
    const terminal = await user(`script -qec '${wherryPath()} export one' /dev/null </dev/null`);
    expect(terminal.stdout).toContain('cowardly refusing to save to a terminal. Use the -o flag or redirect');
    expect(await wherry(['export', '-o', '/dev/null', 'one'])).toMatchObject({
      status: 1,
      stderr: 'failed to export container: cannot write to a character device file\n',
    });
  });
});

describe('import', () => {
  test('makes an image of an exported container, which runs as it did', async () => {
    await change('one', 'echo kept > /file; chown 12:34 /file; rm /etc/passwd');
    await user(`${wherryPath()} export one | ${wherryPath()} import -m flat -c 'CMD ["cat","/file"]' - trees/flat`);
    expect(await succeed('run', '--rm', 'trees/flat')).toBe('kept');
    expect(await runIn('trees/flat', 'stat -c %u:%g /file; test -e /etc/passwd || echo gone')).toBe('12:34\ngone');
    expect(await succeed('image', 'inspect', '-f', '{{.Comment}} {{len .RootFS.Layers}}', 'trees/flat')).toBe('flat 1');
  });

  test('takes archives that are compressed, from files and from the web', async () => {
    const { stdout } = await testUser().run('sh', ['-c', 'mkdir -p in; echo here > in/file; tar -C in -c . | base64']);
    const plain = Buffer.from(stdout, 'base64');
    const bodies: Record<string, Buffer> = {
      '/plain': plain,
      '/gzip': gzipSync(plain),
      '/zstd': zstdCompressSync(plain),
    };
    const server = createServer((request, response) => {
      const body = bodies[request.url ?? ''];
      response.statusCode = body === undefined ? 404 : 200;
      response.end(body);
    });
    onTestFinished(() => void server.close());
    const address = `http://127.0.0.1:${await listen(server)}`;
    const diffIds = new Set<string>();
    for (const path of Object.keys(bodies)) {
      expect(lines(await succeed('import', `${address}${path}`, 'trees/flat'))).toEqual([
        `Downloading from ${address}${path}`,
        expect.stringMatching(/^sha256:[0-9a-f]{64}$/),
      ]);
      diffIds.add(await succeed('image', 'inspect', '-f', '{{index .RootFS.Layers 0}}', 'trees/flat'));
    }
    expect(diffIds.size).toBe(1);
    expect(await wherry(['import', `${address}/none`])).toMatchObject({
      status: 1,
      stderr: `Error response from daemon: failed to GET ${address}/none with status 404\n`,
    });
    const xz = await user(`tar -C in -c . | xz | ${wherryPath()} import - trees/flat`);
    const hasXz = (await user('command -v xz')).status === 0;
    if (hasXz) expect(xz).toMatchObject({ status: 0 });
    else expect(xz.stderr).toContain('xz');
  });

  test('says what is wrong with what is no archive, and leaves nothing of it', async () => {
    const before = await succeed('images', '-aq');
    for (const [input, says] of [
      ['nonsense', /Cannot unpack the new layer: /],
      [gzipSync(Buffer.from('nonsense')), /Cannot unpack the new layer: /],
    ] as const) {
      expect(await wherry(['import', '-'], { input })).toMatchObject({
        status: 1,
        stderr: expect.stringMatching(says),
      });
    }
    expect(await wherry(['import', 'no-such-file'])).toMatchObject({
      status: 1,
      stderr: 'open no-such-file: no such file or directory\n',
    });
    expect(await succeed('images', '-aq')).toBe(before);
  });
});

describe('commit', () => {
  test('keeps what a container has changed, and its settings with those of --change over them', async () => {
    await change(
      'one',
      'rm /etc/passwd; echo x > /f; ln /f /g; chown 5:6 /f; chmod 4755 /f; rm -r /home; mkdir /home; touch /home/n',
      ['-e', 'A=1', '--label', 'k=v'],
    );
    const id = await succeed(
      'commit',
      '-a',
      'me',
      '-m',
      'why',
      '-c',
      'ENV B=$A',
      '-c',
      'CMD ["cat","/f"]',
      'one',
      'trees/one',
    );
    expect(id).toBe(await succeed('image', 'inspect', '-f', '{{.Id}}', 'trees/one'));
    await succeed('rm', 'one');
    expect(await succeed('run', '--rm', 'trees/one')).toBe('x');
    const looks = 'test -e /etc/passwd || echo gone; stat -c "%a %u:%g %h" /g; ls /home; echo $A$B';
    expect(await runIn('trees/one', looks)).toBe('gone\n4755 5:6 2\nn\n11');
    const shown = '{{.Author}} {{.Comment}} {{len .RootFS.Layers}} {{.Config.Labels.k}} {{json .Config.Cmd}}';
    expect(await succeed('image', 'inspect', '-f', shown, 'trees/one')).toBe('me why 2 v ["cat","/f"]');
  });

  test('works on containers that run, that never ran, that have changed nothing, and on those with --rm', async () => {
    const layers = async (image: string) => succeed('image', 'inspect', '-f', '{{len .RootFS.Layers}}', image);
    await succeed('create', '--name', 'fresh', BUSYBOX, 'true');
    await succeed('commit', 'fresh', 'trees/one');
    expect(await layers('trees/one')).toBe('1');
    await succeed(
      'run',
      '-d',
      '--rm',
      '--name',
      'runs',
      BUSYBOX,
      'sh',
      '-c',
      'while :; do date > /now; usleep 1000; done',
    );
    await eventually(
      () => succeed('diff', 'runs'),
      (changes) => changes.includes('/now'),
    );
    await succeed('commit', 'runs', 'trees/two');
    expect(await layers('trees/two')).toBe('2');
    // It has been stopped for the time of the commit, and goes on.
    const now = () => succeed('exec', 'runs', 'cat', '/now');
    const before = await now();
    await eventually(now, (time) => time !== before);
    await succeed('commit', '--pause=false', 'runs', 'trees/two');
    expect(await runIn('trees/two', 'test -e /now && echo kept')).toBe('kept');
  });

  test('one image on top of another, as deep as one likes; what is removed below stays for those above', async () => {
    await change('low', 'echo 1 > /low');
    await succeed('commit', 'low', 'trees/one');
    await succeed('run', '--name', 'high', 'trees/one', 'sh', '-c', 'echo 2 > /high; rm /low');
    await succeed('commit', 'high', 'trees/two');
    await succeed('rm', 'low', 'high');
    await succeed('rmi', 'trees/one');
    expect(await runIn('trees/two', 'cat /high; test -e /low || echo gone')).toBe('2\ngone');
    expect(await succeed('system', 'check')).toBe('No damage found');
  });

  test('says that the image of a container is gone, when it is', async () => {
    await change('low', 'true');
    await succeed('commit', 'low', 'trees/one');
    await succeed('run', '--name', 'orphan', 'trees/one', 'touch', '/x');
    await succeed('rmi', '-f', 'trees/one');
    expect(await wherry(['commit', 'orphan'])).toMatchObject({
      status: 1,
      stderr: expect.stringMatching(/^Error response from daemon: No such image: sha256:/),
    });
  });

  test('an image is not taken away while a container is committed to it', async () => {
    await change('low', 'dd if=/dev/urandom of=/large bs=1M count=30 2>/dev/null');
    await succeed('commit', 'low', 'trees/one');
    await succeed(
      'run',
      '--name',
      'high',
      'trees/one',
      'sh',
      '-c',
      'dd if=/dev/urandom of=/more bs=1M count=60 2>/dev/null',
    );
    const committing = wherry(['commit', 'high', 'trees/two']);
    await wherry(['rmi', '-f', 'trees/one']);
    await wherry(['image', 'prune', '-f']);
    const { status } = await committing;
    // Whichever came first: an image that is there is whole.
    if (status === 0) expect(await runIn('trees/two', 'stat -c %s /large /more')).toBe(`${30 << 20}\n${60 << 20}`);
    expect(await succeed('system', 'check')).toBe('No damage found');
  });
});

describe.each(['fuse-overlayfs', 'copy'])('with %s', (driver) => {
  test('diff, export and commit see the same as with the kernel’s overlay', async (context) => {
    if (driver === 'fuse-overlayfs' && (await user('command -v fuse-overlayfs')).status !== 0)
      context.skip('not installed');
    const env = { WHERRY_STORAGE_DRIVER: driver };
    const script = 'echo x > /etc/new; rm /etc/passwd; rm -r /home; mkdir /home; touch /home/n; echo y > /late';
    const flags = ['run', '-d', '--name', 'other', '--network', 'none', BUSYBOX, 'sh', '-c', `${script}; sleep 1000`];
    expect(await wherry(flags, { env })).toMatchObject({ status: 0 });
    await eventually(
      () => succeed('diff', 'other'),
      (changes) => changes.includes('/late'),
    );
    expect(lines(await succeed('diff', 'other'))).toEqual([
      'C /etc',
      'A /etc/new',
      'D /etc/passwd',
      'C /home',
      'A /home/n',
      'A /late',
    ]);
    const { stdout } = await user(`${wherryPath()} export other | tar -xO etc/new late`);
    expect(stdout).toBe('x\ny\n');
    await succeed('commit', 'other', 'trees/one');
    expect(await runIn('trees/one', 'cat /late; ls /home; test -e /etc/passwd || echo gone')).toBe('y\nn\ngone');
  });
});

describe('image mount', () => {
  test('shows an image inside the user’s namespace until it is unmounted as often', async () => {
    const path = await succeed('image', 'mount', BUSYBOX);
    expect(await succeed('image', 'mount', BUSYBOX)).toBe(path);
    expect(await succeed('unshare', 'ls', join(path, 'bin/busybox'))).toBe(join(path, 'bin/busybox'));
    expect((await wherry(['unshare', 'touch', join(path, 'x')])).stderr).toContain('Read-only file system');
    expect(await succeed('image', 'mount')).toMatch(new RegExp(`^localhost/busybox:latest +${path}$`));
    const [listed] = JSON.parse(await succeed('image', 'mount', '--format', 'json'));
    expect(listed).toMatchObject({ mountpoint: path, Repositories: ['localhost/busybox:latest'] });
    const id = listed.id;
    expect(await succeed('image', 'unmount', BUSYBOX)).toBe(id);
    expect((await wherry(['unshare', 'test', '-e', join(path, 'bin')])).status).toBe(0);
    expect(await succeed('image', 'unmount', BUSYBOX)).toBe(id);
    expect(await succeed('image', 'unmount', BUSYBOX)).toBe('');
    expect((await wherry(['unshare', 'test', '-e', join(path, 'bin')])).status).toBe(1);
  });

  test('shows that an image without layers is empty', async () => {
    const input = await tar(await layout([{ reference: 'localhost/trees/empty:latest', layers: [], config: {} }]));
    expect(await wherry(['load', '-q'], { input })).toMatchObject({ status: 0, stderr: '' });
    const path = await succeed('image', 'mount', 'localhost/trees/empty');
    expect(await succeed('unshare', 'ls', '-A', path)).toBe('');
    await succeed('image', 'unmount', '-a');
    await succeed('rmi', 'localhost/trees/empty');
  });

  test('keeps an image from removal, but not by force', async () => {
    await change('one', 'echo x > /f');
    await succeed('commit', 'one', 'trees/one');
    await succeed('rm', 'one');
    const path = await succeed('image', 'mount', 'trees/one');
    expect(await wherry(['rmi', 'trees/one'])).toMatchObject({
      status: 1,
      stderr: `Error response from daemon: conflict: unable to remove repository reference "trees/one" (must force) - image is mounted at ${path}\n`,
    });
    await succeed('rmi', '-f', 'trees/one');
    expect(await succeed('image', 'mount')).toBe('');
    expect(await succeed('system', 'check')).toBe('No damage found');
  });
});

test('image diff tells what the top layer changes, and how two images differ', async () => {
  await change('one', 'echo x > /f; rm /etc/passwd');
  await succeed('commit', 'one', 'trees/one');
  expect(await succeed('image', 'diff', 'trees/one')).toBe('C /etc\nD /etc/passwd\nA /f');
  expect(await succeed('image', 'diff', BUSYBOX, 'trees/one')).toBe('C /etc\nA /etc/passwd\nD /f');
  expect(JSON.parse(await succeed('image', 'diff', '--format', 'json', 'trees/one'))).toEqual({
    changed: ['/etc'],
    added: ['/f'],
    deleted: ['/etc/passwd'],
  });
});

test('unshare runs a program as root of the user’s namespace, with its own exit status', async () => {
  expect(await succeed('unshare', 'id', '-u')).toBe('0');
  expect(await wherry(['unshare', 'sh', '-c', 'exit 7'])).toMatchObject({ status: 7 });
  expect(await wherry(['unshare'], { input: 'echo from the shell\n' })).toMatchObject({ stdout: 'from the shell\n' });
  expect(await wherry(['unshare', 'no-such-program'])).toMatchObject({
    status: 127,
    stderr: 'exec: "no-such-program": executable file not found in $PATH\n',
  });
});
