/** The monitor with the real runtime, in a user namespace of the test's own: terminals, execs, the runtime's refusals. */
import { copyFileSync, mkdirSync, readdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { describeMonitor, makePlace, type Place, type Settings, startMonitor } from '#test/support/monitor.ts';

const BUSYBOX = '/bin/busybox';

/** In a user namespace with one id, crun can't do cgroups; on a hybrid host it doesn't even look at them. */
const NAMESPACE = [
  'unshare',
  '-Urm',
  'sh',
  '-c',
  '[ ! -d /sys/fs/cgroup/unified ] || mount --bind /sys/fs/cgroup/unified /sys/fs/cgroup; exec "$@"',
  '-',
];

const crunAt = (place: Place) => [
  'crun',
  '--cgroup-manager=disabled',
  `--root=${place.at('crun')}`,
  '--log',
  place.at('runtime.log'),
  '--log-format',
  'json',
];

/** A bundle that runs these words in a busybox. */
function makeBundle(args: string[], terminal: boolean): Place {
  const place = makePlace();
  const bin = place.at('rootfs/bin');
  for (const name of ['bin', 'proc', 'dev', 'etc', 'tmp'])
    mkdirSync(join(place.at('rootfs'), name), { recursive: true });
  copyFileSync(BUSYBOX, join(bin, 'busybox'));
  for (const name of ['sh', 'cat', 'echo', 'sleep', 'stty', 'true', 'false', 'kill'])
    symlinkSync('busybox', join(bin, name));
  writeFileSync(place.at('rootfs/etc/passwd'), 'root:x:0:0::/:/bin/sh\n');
  const mount = (destination: string, type: string, ...options: string[]) => ({
    destination,
    type,
    source: type,
    options,
  });
  writeFileSync(
    place.at('config.json'),
    JSON.stringify({
      ociVersion: '1.0.2',
      process: processOf(args, terminal),
      root: { path: 'rootfs' },
      mounts: [
        mount('/proc', 'proc'),
        mount('/dev', 'tmpfs'),
        mount('/dev/pts', 'devpts', 'newinstance', 'ptmxmode=0666', 'mode=0620'),
      ],
      linux: { namespaces: ['pid', 'mount', 'ipc', 'uts'].map((type) => ({ type })) },
    }),
  );
  return place;
}

function processOf(args: string[], terminal: boolean) {
  const consoleSize = terminal ? { consoleSize: { height: 24, width: 80 } } : {};
  return { terminal, ...consoleSize, user: { uid: 0, gid: 0 }, args, env: ['PATH=/bin', 'TERM=xterm'], cwd: '/' };
}

describeMonitor((build) => {
  function run(
    args: string[],
    { terminal = false, settings = {} as Settings, before = (_place: Place): void => undefined } = {},
  ) {
    const place = makeBundle(args, terminal);
    before(place);
    const crun = crunAt(place);
    const id = `monitor-test-${process.pid}-${place.path.slice(-6)}`;
    const console = terminal ? ['@console@'] : [];
    const monitor = startMonitor({
      build,
      place,
      through: NAMESPACE,
      settings: {
        runtime: [...crun, 'run', '--detach', '--pid-file', place.at('pid'), '--bundle', place.path, ...console, id],
        delete: [...crun, 'delete', '--force', id],
        terminal: terminal ? 1 : 0,
        ...settings,
      },
    });
    /** One more process in this container, with a monitor of its own in the same namespaces. */
    const exec = async (words: string[], more: Settings = {}) => {
      await monitor.hear('started');
      const inside = makePlace();
      const isTerminal = more.terminal === 1;
      writeFileSync(inside.at('process.json'), JSON.stringify(processOf(words, isTerminal)));
      const flags = ['--detach', '--pid-file', inside.at('pid'), '--process', inside.at('process.json')];
      return startMonitor({
        build,
        place: inside,
        through: ['nsenter', '-t', String(monitor.child.pid), '-U', '-m', '--preserve-credentials'],
        settings: {
          mode: 'exec',
          state: undefined,
          delete: undefined,
          log: undefined,
          'runtime-log': place.at('runtime.log'),
          runtime: [...crun, 'exec', ...flags, ...(isTerminal ? ['@console@'] : []), id],
          ...more,
        },
      });
    };
    return { ...monitor, exec };
  }

  test('a container runs to its end, and the runtime forgets it', async () => {
    const monitor = run(['sh', '-c', 'echo out; echo err >&2; exit 42']);
    expect(await monitor.hear('exit')).toBe('exit 42 0');
    expect(
      monitor
        .log()
        .map(({ log, stream }) => `${stream} ${log}`)
        .sort(),
    ).toEqual(['stderr err\n', 'stdout out\n']);
    monitor.say('done');
    await monitor.ended;
    expect(readdirSync(monitor.place.at('crun'))).toEqual([]);
  });

  test('a container that is killed has the status of the signal', async () => {
    const monitor = run(['sleep', '1000']);
    const pid = Number((await monitor.hear('started')).split(' ')[1]);
    process.kill(pid, 'SIGKILL');
    expect(await monitor.hear('exit')).toBe('exit 137 0');
  });

  test('a container is restarted under its name', async () => {
    const monitor = run(['sh', '-c', 'echo run; exit 1'], { settings: { restart: 'on-failure', 'restart-max': 2 } });
    expect(await monitor.hear('exit')).toBe('exit 1 0');
    expect(monitor.log()).toHaveLength(3);
  });

  test.each([
    ['a pipe', false, 'neither ELF nor #!', 'exec /bin/alien: exec format error\n'],
    ['a terminal', true, 'neither ELF nor #!', 'exec /bin/alien: exec format error\r\n'],
    ['a pipe, without its interpreter', false, '#!/nosuch\n', 'exec /bin/alien: no such file or directory\n'],
  ])(
    'a program that the kernel refuses ends with 255 and Docker’s words, on %s',
    async (_where, terminal, file, words) => {
      const monitor = run(['/bin/alien'], {
        terminal,
        before: (place) => writeFileSync(place.at('rootfs/bin/alien'), file, { mode: 0o755 }),
      });
      expect(await monitor.hear('exit')).toBe('exit 255 0');
      expect(monitor.log().map(({ log }) => log)).toEqual([words]);
    },
  );

  test.each([
    ['nosuch', 127, 'exec: "nosuch": executable file not found in $PATH'],
    ['/etc/passwd', 126, 'exec: "/etc/passwd": permission denied'],
  ])('%s is refused with status %i', async (word, status, words) => {
    const monitor = run([word]);
    const error = await monitor.hear('error');
    expect(error).toMatch(new RegExp(`^error ${status} OCI runtime create failed: `));
    expect(error).toContain(words);
    expect(monitor.place.read('log')).toBe('');
  });

  describe('a terminal', () => {
    const SIZE = 'while read x; do stty size; done';

    test('is what the container has, and its client sees the first byte', async () => {
      const monitor = run(['sh', '-c', 'test -t 0 && test -t 1 && test -t 2 && echo tty'], {
        terminal: true,
        settings: { 'await-client': 1 },
      });
      await monitor.hear('ready');
      const client = await monitor.client('attach 7');
      expect(await client.hear('exit')).toBe('exit 0 0');
      expect(client.output().toString()).toBe('tty\r\n');
      expect(monitor.log()).toMatchObject([{ log: 'tty\r\n', stream: 'stdout' }]);
    });

    test('has the size of the start, then that of any client and of the command', async () => {
      const monitor = run(['sh', '-c', `stty size; ${SIZE}`], {
        terminal: true,
        settings: { 'await-client': 1, rows: 24, cols: 80, stdin: 1 },
      });
      await monitor.hear('ready');
      const client = await monitor.client('attach 7');
      await client.see('24 80');
      client.say('resize 50 132');
      client.type('\n');
      await client.see('50 132');
      monitor.say('resize 33 44');
      await monitor.hear('started');
      // The line and the client are two ways: what comes first is seen by asking again.
      while (!client.output().includes('33 44')) {
        client.type('\n');
        await new Promise((resolve) => client.socket.once('data', resolve));
      }
    });

    test('goes on without a client, and is there for the next', async () => {
      const monitor = run(['sh', '-c', 'while read x; do echo "<$x>"; done'], {
        terminal: true,
        settings: { stdin: 1 },
      });
      const first = await monitor.client('attach 7');
      first.type('one\n');
      await first.see('<one>');
      first.socket.destroy();
      const second = await monitor.client('attach 7');
      second.type('two\n');
      await second.see('<two>');
      expect(second.output().toString()).not.toContain('one');
      // Ctrl-D is the end of a terminal's input.
      second.type('\x04');
      expect(await second.hear('exit')).toBe('exit 0 0');
    });

    test('passes what the keyboard means as signals', async () => {
      const monitor = run(['sh', '-c', 'trap "echo caught" INT; echo up; while :; do sleep 0.05; done'], {
        terminal: true,
        settings: { stdin: 1 },
      });
      await monitor.place.file('log', (text) => text.includes('up'));
      const client = await monitor.client('attach 7');
      client.type('\x03');
      await client.see('caught');
    });
  });

  describe('an exec', () => {
    test('has streams and a status of its own', async () => {
      const container = run(['sleep', '1000']);
      const exec = await container.exec(['sh', '-c', 'read x; echo "got $x"; exit 9'], { stdin: 1, 'await-client': 1 });
      await exec.hear('ready');
      const client = await exec.client('attach 7');
      client.type('it\n');
      expect(await client.hear('exit')).toBe('exit 9 0');
      expect(client.output().toString()).toBe('got it\n');
      expect(await exec.hear('exit')).toBe('exit 9 0');
      expect(container.place.state().status).toBe('running');
    });

    test('has a terminal where it is asked for', async () => {
      const container = run(['sleep', '1000']);
      const exec = await container.exec(['sh', '-c', 'stty size; exit 3'], {
        terminal: 1,
        rows: 11,
        cols: 22,
        'await-client': 1,
      });
      await exec.hear('ready');
      const client = await exec.client('attach 7');
      expect(await client.hear('exit')).toBe('exit 3 0');
      expect(client.output().toString()).toMatch(/^(11 22|24 80)\r\n$/);
    });

    test('of what is not there is refused, in words that reach nobody twice', async () => {
      const container = run(['sleep', '1000']);
      const exec = await container.exec(['nosuch']);
      expect(await exec.hear('error')).toBe(
        'error 127 OCI runtime exec failed: exec failed: unable to start container process: exec: "nosuch": executable file not found in $PATH',
      );
    });
  });
});
