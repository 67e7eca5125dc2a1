/** What flags of podman's do, and other spellings of Docker's, where no other test shows it. */
import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { testUser } from '#test/support/user.ts';
import { BUSYBOX, removeContainers, startWherry, succeed, wherry, wherryPath } from '#test/support/wherry.ts';

const ALONE = ['--network', 'none'];
const NETWORK = 'e2e-podman-flags';
const ENVS = 'localhost/flags-envs';
const VOLUMES = 'localhost/flags-volumes';

const inspect = (name: string, format: string) => succeed('inspect', '--format', format, name);
const inside = async (flags: readonly string[], script: string, image = BUSYBOX) =>
  succeed('run', '--rm', ...ALONE, ...flags, image, 'sh', '-c', script);

beforeAll(async () => {
  await removeContainers();
  await wherry(['network', 'rm', NETWORK]);
  await succeed('network', 'create', NETWORK);
});
afterAll(async () => {
  await removeContainers();
  await wherry(['network', 'rm', NETWORK]);
  await wherry(['image', 'rm', ENVS, VOLUMES]);
});

describe('run and create:', () => {
  test('--uidmap and --gidmap each map their own ids', async () => {
    const maps = await inside(
      ['--uidmap', '0:7:100', '--gidmap', '0:9:50'],
      'cat /proc/self/uid_map /proc/self/gid_map',
    );
    expect(maps.trim().split(/\s+/)).toEqual(['0', '7', '100', '0', '9', '50']);
  });

  test('--http-proxy hands the proxies of the host on, and nothing else', async () => {
    const env = { HTTP_PROXY: 'http://proxy.example:1', no_proxy: 'localhost', OTHER: 'kept out' };
    const script = 'echo "$HTTP_PROXY $no_proxy $OTHER"';
    const line = ['run', '--rm', ...ALONE, '--http-proxy', BUSYBOX, 'sh', '-c', script];
    expect(await wherry(line, { env })).toMatchObject({ status: 0, stdout: 'http://proxy.example:1 localhost \n' });
  });

  test('--unsetenv leaves out a variable of the image, and no other', async () => {
    await succeed('create', '--name', 'envs', ...ALONE, BUSYBOX);
    await succeed('commit', '--change', 'ENV KEPT=1 GONE=2', 'envs', ENVS);
    expect(await inside(['--unsetenv', 'GONE'], 'echo "$KEPT-$GONE"', ENVS)).toBe('1-');
  });

  test('--image-volume says what becomes of a volume of the image', async () => {
    await succeed('create', '--name', 'volumes', ...ALONE, BUSYBOX);
    await succeed('commit', '--change', 'VOLUME /kept', 'volumes', VOLUMES);
    const script = 'grep " /kept " /proc/mounts | cut -d" " -f3';
    expect(await inside(['--image-volume', 'tmpfs'], script, VOLUMES)).toBe('tmpfs');
    expect(await inside(['--image-volume', 'ignore'], script, VOLUMES)).toBe('');
    const format = '{{range .Mounts}}{{.Type}} {{.Destination}}{{end}}';
    await succeed('create', '--name', 'anonymous', ...ALONE, '--image-volume', 'anonymous', VOLUMES, 'true');
    expect(await inspect('anonymous', format)).toBe('volume /kept');
  });

  test('--use-api-socket brings the socket of DOCKER_HOST, and what is known of registries', async () => {
    const socket = join(testUser().home, 'api.sock');
    const server = createServer().listen(socket);
    onTestFinished(() => void server.close());
    await once(server, 'listening');
    const script = 'test -S /var/run/docker.sock && echo "$DOCKER_CONFIG"';
    const line = ['run', '--rm', ...ALONE, '--use-api-socket', BUSYBOX, 'sh', '-c', script];
    expect(await wherry(line, { env: { DOCKER_HOST: `unix://${socket}` } })).toMatchObject({
      status: 0,
      stdout: '/run/secrets/docker\n',
    });
  });

  test.skipIf(process.getuid?.() !== 0)('--group-add keep-groups keeps those of who runs the command', async () => {
    const { uid, gid } = testUser();
    const groupsWith = async (...flags: string[]) => {
      const line = ['run', '--rm', ...ALONE, ...flags, BUSYBOX, 'id', '-G'];
      const who = ['--reuid', `${uid}`, '--regid', `${gid}`, '--groups', '4242', '--inh-caps=-all', '--'];
      const env = testUser().env();
      const { stdout } = spawnSync('setpriv', [...who, wherryPath(), ...line], { env, encoding: 'utf8' });
      return stdout.trim().split(' ');
    };
    // The host's group has no number inside.
    expect(await groupsWith('--group-add', 'keep-groups')).toContain('65534');
    expect(await groupsWith()).not.toContain('65534');
  });

  test('--net and --net-alias are --network and --network-alias', async () => {
    const format = `{{json (index .NetworkSettings.Networks "${NETWORK}").Aliases}}`;
    await succeed('create', '--name', 'aliased', '--net', NETWORK, '--net-alias', 'second', BUSYBOX, 'true');
    expect(JSON.parse(await inspect('aliased', format))).toContain('second');
    expect(await inspect('aliased', '{{.HostConfig.NetworkMode}}')).toBe(NETWORK);
  });

  test('--dns-opt is --dns-option', async () => {
    const line = ['run', '--rm', '--net', NETWORK, '--dns-opt', 'ndots:3', BUSYBOX, 'cat', '/etc/resolv.conf'];
    expect(await succeed(...line)).toMatch(/^options .*\bndots:3$/m);
  });
});

describe('lists:', () => {
  test('ps --noheading leaves the headers out', async () => {
    await succeed('create', '--name', 'listed', ...ALONE, BUSYBOX, 'true');
    expect(await succeed('ps', '-a', '--filter', 'name=listed', '--noheading')).toMatch(/^[0-9a-f]{12} .* listed$/);
  });

  test('ps --watch shows the list over and over', async () => {
    const [first, second] = await looks(
      'ps',
      '-a',
      '--watch',
      '1',
      '--filter',
      'name=listed',
      '--format',
      '{{.Names}}',
    );
    expect([first?.text, second?.text]).toEqual(['listed\n', 'listed\n']);
    expect((second?.at ?? 0) - (first?.at ?? 0)).toBeGreaterThan(900);
  });

  test('stats --interval waits so long between two looks, --no-reset leaves the screen as it is', async () => {
    await succeed('run', '-d', '--name', 'watched', ...ALONE, BUSYBOX, 'sleep', '999');
    const names = ['--format', '{{.Name}}', 'watched'];
    const [first, second] = await looks('stats', '--interval', '2', '--no-reset', ...names);
    expect([first?.text, second?.text]).toEqual(['watched\n', 'watched\n']);
    expect((second?.at ?? 0) - (first?.at ?? 0)).toBeGreaterThan(1900);
    const [cleared] = await looks('stats', ...names);
    expect(cleared?.text.startsWith('\x1b[H')).toBe(true);
  });

  /** What a command that goes on for ever writes with its first two looks, and when: milliseconds. */
  async function looks(...line: string[]): Promise<{ text: string; at: number }[]> {
    const child = startWherry(line);
    const seen: { text: string; at: number }[] = [];
    child.stdout?.on('data', (chunk: Buffer) => {
      seen.push({ text: chunk.toString(), at: performance.now() });
      if (seen.length === 2) child.kill();
    });
    await once(child, 'close');
    return seen;
  }
});

describe('mounts:', () => {
  test('mount --all mounts every container, --no-trunc and --notruncate show whole ids, unmount --force takes all back', async () => {
    await removeContainers();
    const ids = [];
    for (const name of ['one', 'two']) ids.push(await succeed('create', '--name', name, ...ALONE, BUSYBOX, 'true'));
    expect((await succeed('mount', '--all')).split('\n')).toHaveLength(2);
    await succeed('mount', 'one');
    for (const flag of ['--no-trunc', '--notruncate']) {
      const listed = (await succeed('mount', flag)).split('\n').map((line) => line.split(' ')[0]);
      expect(listed.sort()).toEqual([...ids].sort());
    }
    // One of its two mounts, and then both.
    await succeed('unmount', 'one');
    expect(await succeed('mount')).toContain(ids[0]?.slice(0, 12));
    await succeed('mount', 'one');
    await succeed('unmount', '--force', 'one');
    expect(await succeed('mount')).not.toContain(ids[0]?.slice(0, 12));
    await succeed('unmount', '--all');
    expect(await succeed('mount')).toBe('');
  });

  test('init --all makes every container ready', async () => {
    expect((await succeed('init', '--all')).split('\n')).toHaveLength(2);
    for (const name of ['one', 'two']) {
      expect(await wherry(['init', name])).toMatchObject({ stderr: expect.stringContaining('already been created') });
    }
    await succeed('container', 'cleanup', '--latest');
    expect(await succeed('init', 'two')).toBe('two');
    await removeContainers();
  });
});

describe('--latest', () => {
  let id = '';

  beforeAll(async () => {
    await succeed('run', '-d', '--name', 'older', ...ALONE, BUSYBOX, 'sleep', '999');
    id = await succeed('create', '--name', 'newest', ...ALONE, BUSYBOX, 'sleep', '998');
  });

  const state = () => inspect('newest', '{{.State.Status}} {{.State.ExitCode}}');

  test('of attach is the container that does not run, though an older one does', async () => {
    expect(await wherry(['attach', '--latest'])).toMatchObject({
      status: 1,
      stderr: expect.stringContaining('You cannot attach to a stopped container'),
    });
  });

  test.each<[line: string, said: RegExp]>([
    ['mount --latest', /\/merged$/],
    ['unmount --latest', /^ID$/],
    ['start --latest', /^ID$/],
    ['exec --latest grep -c 998 /proc/1/cmdline', /^1$/],
    ['top --latest', / sleep 998$/],
    ['stats --latest --no-stream --format {{.Name}}', /^newest$/],
    ['inspect --latest --format {{.Name}}', /^\/newest$/],
    ['container inspect --latest --format {{.Name}}', /^\/newest$/],
    ['exec --latest touch /new', /^$/],
    ['diff --latest', /^A \/new$/],
    ['port --latest', /^$/],
    ['update --latest --restart on-failure', /^ID$/],
    ['inspect --format {{.HostConfig.RestartPolicy.Name}} newest', /^on-failure$/],
    ['update --latest --restart no', /^ID$/],
  ])('wherry %s', async (line, said) => {
    expect((await succeed(...line.split(' '))).replaceAll(id, 'ID')).toMatch(said);
  });

  test.each<[line: string, then: string]>([
    ['pause --latest', 'paused 0'],
    ['unpause --latest', 'running 0'],
    ['restart --latest --time 0', 'running 0'],
    ['kill --latest', 'exited 137'],
    ['start --latest', 'running 0'],
    ['stop --latest --time 0', 'exited 137'],
  ])('after wherry %s the container is %s', async (line, then) => {
    await succeed(...line.split(' '));
    expect(await state()).toBe(then);
    expect(await inspect('older', '{{.State.Status}}')).toBe('running');
  });
});
