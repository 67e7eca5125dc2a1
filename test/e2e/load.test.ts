import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { inTurns, stuckMounts } from '#test/support/load.ts';
import { testUser } from '#test/support/user.ts';
import { BUSYBOX, eventually, mendStore, removeContainers, succeed, wherry } from '#test/support/wherry.ts';

beforeAll(() => mendStore());
afterEach(() => removeContainers());
afterAll(() => removeContainers());

const numbers = (count: number) => Array.from({ length: count }, (_, index) => index);

test('fifty containers started at once all run, and all stop at once', async () => {
  const started = await Promise.all(
    numbers(50).map((index) => wherry(['run', '-d', '--name', `many${index}`, BUSYBOX, 'sleep', '1000'])),
  );
  expect(started.filter(({ status }) => status !== 0)).toEqual([]);
  const ids = started.map(({ stdout }) => stdout.trim());
  expect((await succeed('ps', '-q', '--no-trunc')).split('\n').sort()).toEqual(ids.toSorted());
  const addresses = await succeed('inspect', '-f', '{{.NetworkSettings.Networks.bridge.IPAddress}}', ...ids);
  expect(new Set(addresses.split('\n')).size).toBe(50);
  expect(await succeed('stop', '-t', '0', ...ids)).toBe(ids.join('\n'));
  expect(await succeed('ps', '-q')).toBe('');
  await succeed('rm', ...ids);
  await eventually(stuckMounts, (mounts) => mounts.length === 0);
});

test('twenty commands at once in one container each get their own streams and status', async () => {
  await succeed('run', '-d', '--name', 'busy', '--network', 'none', BUSYBOX, 'sleep', '1000');
  const done = await Promise.all(
    numbers(20).map((index) => {
      const line = `read x; echo $x out; echo $x err >&2; exit ${index}`;
      return wherry(['exec', '-i', 'busy', 'sh', '-c', line], { input: `${index}\n` });
    }),
  );
  const wanted = numbers(20).map((index) => ({ status: index, stdout: `${index} out\n`, stderr: `${index} err\n` }));
  expect(done.map(({ status, stdout, stderr }) => ({ status, stdout, stderr }))).toEqual(wanted);
});

test('whoever is first, stop, kill, wait and rm get on with a container that ends at that moment', async () => {
  const racers = [
    (name: string) => [['stop', '-t', '0', name]],
    (name: string) => [
      ['stop', name],
      ['rm', '-f', name],
    ],
    (name: string) => [
      ['rm', '-f', name],
      ['rm', '-f', name],
    ],
    (name: string) => [
      ['wait', name],
      ['kill', name],
    ],
    (name: string) => [
      ['restart', '-t', '0', name],
      ['stop', '-t', '0', name],
    ],
    (name: string) => [
      ['start', name],
      ['rm', name],
    ],
  ];
  /** Another one was quicker. */
  const late = /is not running|No such container|container is running/;
  await inTurns(numbers(36), 6, async (index) => {
    const name = `race${index}`;
    await succeed(
      'run',
      '-d',
      '--name',
      name,
      '--network',
      'none',
      BUSYBOX,
      'sh',
      '-c',
      `sleep 0.${index % 10}; exit 3`,
    );
    const lines = racers[index % racers.length]?.(name) ?? [];
    const done = await Promise.all(lines.map((line) => wherry(line)));
    for (const { status, stderr } of done) if (status !== 0) expect(`${status} ${stderr}`).toMatch(late);
    const gone = await wherry(['rm', '-f', name]);
    expect(gone).toMatchObject({ status: 0 });
  });
  expect(await succeed('ps', '-aq')).toBe('');
  await eventually(stuckMounts, (mounts) => mounts.length === 0);
});

test('logs -f loses and repeats no line while the log rotates', async () => {
  const count = 20_000;
  const options = ['--log-opt', 'max-size=20k', '--log-opt', 'max-file=1000'];
  const script = `sleep 0.5; i=0; while [ $i -lt ${count} ]; do echo $i; i=$((i+1)); done`;
  await succeed('run', '-d', '--name', 'wheel', '--network', 'none', ...options, BUSYBOX, 'sh', '-c', script);
  const followed = await Promise.all(numbers(3).map(() => wherry(['logs', '-f', 'wheel'])));
  const wanted = `${numbers(count).join('\n')}\n`;
  for (const { stdout } of followed) expect(stdout === wanted).toBe(true);
  expect((await wherry(['logs', 'wheel'])).stdout === wanted).toBe(true);
});

test('a thousand containers are listed, found by name and by the start of an id, and removed', async () => {
  const first = await succeed('create', '--name', 'model', '--network', 'none', BUSYBOX, 'true');
  // The same record under other names: making each would be a test of create.
  const copy = `
    cd ~/.local/share/wherry
    for i in $(seq 999); do
      id=$(printf %04x%060x $i $i)
      mkdir -m 700 containers/$id
      sed "s/${first}/$id/g; s/\\"model\\"/\\"copy$i\\"/" containers/${first}/container.json > containers/$id/container.json
      sed "s/${first}/$id/" names/model > names/copy$i
    done`;
  expect(await testUser().run('sh', ['-c', copy])).toMatchObject({ status: 0, stderr: '' });
  const ids = (await succeed('ps', '-aq', '--no-trunc')).split('\n');
  expect(ids).toHaveLength(1000);
  expect(await succeed('inspect', '-f', '{{.Name}}', 'copy999', '03e6', '03e60000')).toBe(
    '/copy999\n/copy998\n/copy998',
  );
  expect((await wherry(['inspect', '--type', 'container', '00'])).status).toBe(1);
  expect((await succeed('rm', ...ids)).split('\n')).toHaveLength(1000);
  expect(await succeed('ps', '-aq')).toBe('');
  expect(await succeed('system', 'check')).toBe('No damage found');
});
