import { once } from 'node:events';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import {
  BUSYBOX,
  eventually,
  listening,
  mendStore,
  removeContainers,
  startWherry,
  succeed,
  wherry,
} from '#test/support/wherry.ts';

beforeAll(async () => {
  await mendStore();
  // Each that others have left would be told of where volumes are pruned.
  await succeed('volume', 'prune', '--all', '--force');
});
afterAll(() => mendStore());
afterEach(() => removeContainers());

interface Shown {
  Type: string;
  Action: string;
  Actor: { ID: string; Attributes: Record<string, string> };
}

/** When the test began: the store may have been there before. */
let begin = '';
beforeEach(() => {
  begin = String(Date.now() / 1000);
});

/** What happened in this very millisecond is meant, too. */
const now = () => String((Date.now() + 1) / 1000);

/** What happened in this test to the container of this name. */
async function happened(name: string): Promise<Shown[]> {
  const said = await succeed(
    'events',
    '--since',
    begin,
    '--until',
    now(),
    '--filter',
    `container=${name}`,
    '--format',
    'json',
  );
  return said
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line));
}

const actions = async (name: string) => (await happened(name)).map(({ Action }) => Action);

describe('wherry events', () => {
  test('shows the life of a container as it goes on, in Docker’s lines', async () => {
    const watching = startWherry(['events', '--filter', 'label=watched'], { stdio: ['ignore', 'pipe', 'inherit'] });
    const { said, seen } = listening(watching);
    // It hears what happens from some moment on.
    await eventually(
      async () => {
        await succeed('rm', await succeed('create', '--label', 'watched', BUSYBOX));
        return said.all;
      },
      (all) => all.includes('container destroy'),
    );
    said.all = '';
    const run = ['run', '--name', 'seen', '--label', 'watched=yes', '--network', 'none', BUSYBOX, 'sh', '-c', 'exit 3'];
    expect(await wherry(run)).toMatchObject({ status: 3 });
    await succeed('rm', 'seen');
    await seen((all) => all.includes('container destroy'));
    const id = '[0-9a-f]{64}';
    const line = (action: string, attributes = '') =>
      `\\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d:\\d\\d\\.\\d{9}\\S+ container ${action} ${id} \\(${attributes}image=${BUSYBOX}, name=seen, watched=yes\\)\n`;
    const lines = ['create', 'attach', 'start'].map((action) => line(action));
    expect(said.all).toMatch(
      new RegExp(`^${lines.join('')}${line('die', 'execDuration=0, exitCode=3, ')}${line('destroy')}$`),
    );
    watching.kill('SIGINT');
    expect(await once(watching, 'exit')).toEqual([130, null]);
  });

  test('tells of the end of a container whose command in front was killed', async () => {
    const front = startWherry(['run', '--name', 'left', '--network', 'none', BUSYBOX, 'sleep', '1000'], {
      stdio: 'ignore',
    });
    await eventually(
      () => wherry(['inspect', '--format', '{{.State.Running}}', 'left']),
      ({ stdout }) => stdout === 'true\n',
    );
    front.kill('SIGKILL');
    await once(front, 'exit');
    await succeed('kill', 'left');
    await eventually(
      () => wherry(['inspect', '--format', '{{.State.Running}}', 'left']),
      ({ stdout }) => stdout === 'false\n',
    );
    const all = await actions('left');
    expect(all).toEqual(['create', 'attach', 'start', 'kill', 'die']);
  });

  test('tells of each start by the restart policy, once', async () => {
    await succeed('run', '-d', '--name', 'again', '--restart', 'on-failure:2', '--network', 'none', BUSYBOX, 'false');
    await eventually(
      () => wherry(['inspect', '--format', '{{.State.Status}}{{.RestartCount}}', 'again']),
      ({ stdout }) => stdout === 'exited2\n',
    );
    expect(await actions('again')).toEqual(['create', 'start', 'die', 'start', 'die', 'start', 'die']);
  });

  test('tells of the end of a container whose monitor was killed', async () => {
    await succeed('run', '-d', '--name', 'orphan', '--network', 'none', BUSYBOX, 'sleep', '1000');
    const pid = await succeed('inspect', '--format', '{{.State.Pid}}', 'orphan');
    // Its monitor is its parent.
    await succeed('unshare', 'sh', '-c', `kill -9 $(cut -d' ' -f4 /proc/${pid}/stat)`);
    await eventually(
      () => succeed('ps', '-a', '--format', '{{.Status}}'),
      (status) => status.startsWith('Exited (255)'),
    );
    const last = (await happened('orphan')).at(-1);
    expect(last).toMatchObject({ Action: 'die', Actor: { Attributes: { exitCode: '255', name: 'orphan' } } });
  });

  test('tells of what is done to a container, with the words and attributes of Docker', async () => {
    await succeed('run', '-d', '--name', 'busy', '--network', 'none', BUSYBOX, 'sleep', '1000');
    await wherry(['exec', 'busy', 'sh', '-c', 'exit 3']);
    await succeed('exec', '-d', 'busy', 'true');
    await eventually(
      () => actions('busy'),
      (all) => all.filter((action) => action === 'exec_die').length === 2,
    );
    await succeed('kill', '--signal', 'HUP', 'busy');
    await succeed('restart', '-t', '0', 'busy');
    await succeed('stop', '-t', '0', 'busy');
    const shown = (await happened('busy')).map(({ Action, Actor: { Attributes } }) => {
      const { image, name, execID, execDuration, ...others } = Attributes;
      expect([image, name]).toEqual([BUSYBOX, 'busy']);
      return [Action, ...Object.values(others)].join(' ');
    });
    const stopped = ['kill 15', 'kill 9', 'die 137', 'stop'];
    const execs = [
      'exec_create: sh -c exit 3',
      'exec_start: sh -c exit 3',
      'exec_die 3',
      'exec_create: true ',
      'exec_start: true ',
      'exec_die 0',
    ];
    expect(shown).toEqual(['create', 'start', ...execs, 'kill 1', ...stopped, 'start', 'restart', ...stopped]);
  });

  test('tells of images, volumes and networks', async () => {
    await succeed('tag', BUSYBOX, 'eventful:1');
    await succeed('rmi', 'eventful:1');
    await succeed('run', '--rm', '-v', 'eventful:/data:ro', BUSYBOX, 'true');
    await succeed('volume', 'prune', '--all', '--force', '--filter', 'label!=kept');
    const said = await succeed('events', '--since', begin, '--until', now());
    const told = said
      .split('\n')
      .map((line) => line.replace(/^\S+ /, '').replace(/\b[0-9a-f]{64}\b/g, 'ID'))
      .filter((line) => !line.startsWith('container'));
    const network = (action: string) => `network ${action} ID (container=ID, name=bridge, type=bridge)`;
    expect(told).toEqual([
      'image tag sha256:ID (name=eventful:1)',
      'image untag sha256:ID (name=sha256:ID)',
      'volume create eventful (driver=local)',
      'volume mount eventful (container=ID, destination=/data, driver=local, propagation=, read/write=false)',
      network('connect'),
      network('disconnect'),
      'volume unmount eventful (container=ID, driver=local)',
      'volume destroy eventful (driver=local)',
      expect.stringMatching(/^volume prune {2}\(reclaimed=\d+\)$/),
    ]);
  });

  test('ends by itself at a moment to come, and as a program ends that was told to', async () => {
    const begun = Date.now();
    expect(await wherry(['events', '--until', String(begun / 1000 + 1)])).toMatchObject({ status: 0 });
    expect(Date.now() - begun).toBeGreaterThanOrEqual(1000);
    const watching = startWherry(['events'], { stdio: 'ignore' });
    await new Promise((resolve) => setTimeout(resolve, 300));
    watching.kill('SIGTERM');
    const [status, signal] = await once(watching, 'exit');
    expect(status ?? signal).toBeOneOf([143, 'SIGTERM']);
  });

  test('ends quietly when nobody reads it any more', async () => {
    await succeed('create', '--network', 'none', BUSYBOX);
    const watching = startWherry(['events', '--since', '1h'], { stdio: ['ignore', 'pipe', 'pipe'] });
    let errors = '';
    watching.stderr?.setEncoding('utf8').on('data', (piece: string) => {
      errors += piece;
    });
    watching.stdout?.once('data', () => watching.stdout?.destroy());
    const ended = once(watching, 'exit');
    let over = false;
    void ended.then(() => {
      over = true;
    });
    await eventually(
      () => succeed('create', '--network', 'none', BUSYBOX),
      () => over,
    );
    expect([await ended, errors]).toEqual([[141, null], '']);
  });
});
