import { once } from 'node:events';
import { chmodSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { testUser } from '#test/support/user.ts';
import { BUSYBOX, eventually, mendStore, removeContainers, startWherry, wherry } from '#test/support/wherry.ts';

const FILE = `
services:
  web:
    image: ${BUSYBOX}
    command: [sh, -c, "echo hello; echo bad >&2; exec sleep 1000"]
    init: true
    stop_grace_period: 0s
    ports: ["127.0.0.1::80"]
    scale: 2
  job: {image: ${BUSYBOX}, command: [sh, -c, "echo done; exit 3"]}
`;

const STUBBORN = `
services:
  a: {image: ${BUSYBOX}, command: [sh, -c, "trap '' TERM; echo up; while :; do sleep 1; done"], stop_grace_period: 1000s}
  b: {image: ${BUSYBOX}, command: [sh, -c, "echo up; exec sleep 1000"], init: true}
`;

const folder = () => join(testUser().home, 'compose-view');
const compose = (...args: string[]) => wherry(['compose', ...args], { cwd: folder() });
const write = (name: string, text: string) => writeFileSync(join(folder(), name), text);

beforeAll(async () => {
  await mendStore();
  mkdirSync(folder(), { recursive: true });
  chmodSync(folder(), 0o777);
  write('compose.yaml', FILE);
  write('stubborn.yaml', STUBBORN);
  expect(await compose('up', '-d')).toMatchObject({ status: 0 });
});
afterAll(() => mendStore());

describe('a project that runs', () => {
  test('is listed with its state, and its containers with theirs', async () => {
    const isOver = ({ Status }: { Status: string }) => Status === 'exited(1), running(2)';
    const list = async () => JSON.parse((await compose('ls', '--all', '--format', 'json')).stdout);
    const projects = await eventually(list, ([project]) => isOver(project));
    expect(projects).toEqual([
      { Name: 'compose-view', Status: 'exited(1), running(2)', ConfigFiles: join(folder(), 'compose.yaml') },
    ]);
    const listed = await compose('ps', '--all', '--format', '{{.Name}} {{.State}} {{.ExitCode}}');
    expect(listed.stdout.split('\n')).toEqual([
      'compose-view-job-1 exited 3',
      'compose-view-web-1 running 0',
      'compose-view-web-2 running 0',
      '',
    ]);
  });

  test('is known by its name alone where no file is', async () => {
    const done = await wherry(['compose', '-p', 'compose-view', 'ps', '-q', 'web'], { cwd: testUser().home });
    expect(done.stdout).toMatch(/^([0-9a-f]{64}\n){2}$/);
  });

  test('shows its logs behind names of one width', async () => {
    const { stdout } = await compose('logs');
    expect(stdout.split('\n').sort()).toEqual([
      '',
      'job-1  | done',
      'web-1  | bad',
      'web-1  | hello',
      'web-2  | bad',
      'web-2  | hello',
    ]);
    expect((await compose('logs', '--no-log-prefix', '--tail', '1', 'job')).stdout).toBe('done\n');
  });

  test('tells where its ports are, its processes, and what happened', async () => {
    expect((await compose('port', '--index', '2', 'web', '80')).stdout).toMatch(/^127\.0\.0\.1:\d+\n$/);
    expect((await compose('top', 'web')).stdout).toMatch(/^SERVICE +# +UID .*\nweb +1 .*\n(.*\n)*web +2 /);
    // Of a duration Docker counts whole seconds: `0s` would leave out what happened within this one.
    const until = String(Math.ceil(Date.now() / 1000));
    const events = await compose('events', '--json', '--since', '10m', '--until', until, 'job');
    const lines = events.stdout.split('\n').filter(Boolean);
    expect(lines.map((line) => JSON.parse(line).action)).toEqual(['create', 'start', 'die']);
  });

  test('runs commands in the container that is asked for, with their exit status', async () => {
    const done = await compose(
      'exec',
      '-T',
      '--index',
      '2',
      '-e',
      'A=1',
      'web',
      'sh',
      '-c',
      'echo $A; hostname; exit 5',
    );
    const { stdout } = await compose('ps', '--format', '{{.Name}} {{.ID}}');
    const id = /compose-view-web-2 (\w+)/.exec(stdout)?.[1];
    expect(done).toMatchObject({ status: 5, stdout: `1\n${id}\n` });
  });

  test('gets files, gives files, and becomes an archive and an image', async () => {
    write('page', 'new\n');
    expect(await compose('cp', 'page', 'web:/tmp/page')).toMatchObject({ status: 0 });
    for (const index of ['1', '2']) {
      expect((await compose('exec', '-T', '--index', index, 'web', 'cat', '/tmp/page')).stdout).toBe('new\n');
    }
    expect(await compose('cp', 'web:/tmp/page', 'back')).toMatchObject({ status: 0 });
    expect(readFileSync(join(folder(), 'back'), 'utf8')).toBe('new\n');
    expect(await compose('export', '-o', 'web.tar', 'web')).toMatchObject({ status: 0 });
    expect(readFileSync(join(folder(), 'web.tar')).includes('tmp/page')).toBe(true);
    expect((await compose('commit', 'web', 'localhost/kept')).stderr).toContain('Committed as sha256:');
    expect(await wherry(['rmi', 'localhost/kept'])).toMatchObject({ status: 0 });
  });

  test('is left as it is by a dry run', async () => {
    const done = await compose('--dry-run', 'down', '-v');
    expect(done.stderr).toContain(' DRY-RUN MODE -  Container compose-view-web-2  Removed\n');
    expect((await compose('ps', '-q')).stdout).toMatch(/^([0-9a-f]{64}\n){2}$/);
  });

  test('is not published', async () => {
    const done = await compose('publish', 'x/y');
    expect(done).toMatchObject({ status: 1 });
    expect(done.stderr).toMatch(/^Cannot publish to x\/y: /);
  });
});

/** An attached `up` and what it has said so far. */
function attached(file: string, project: string) {
  const child = startWherry(['compose', '-f', file, '-p', project, 'up', '-t', '1000'], { cwd: folder() });
  const said = { out: '', err: '' };
  child.stdout?.on('data', (data) => {
    said.out += data;
  });
  child.stderr?.on('data', (data) => {
    said.err += data;
  });
  return { child, said, ended: once(child, 'close') };
}

describe('in front of a project', () => {
  test('Ctrl-C stops it gracefully, and once more kills what does not end', async () => {
    const { child, said, ended } = attached('stubborn.yaml', 'stubborn');
    await eventually(
      () => said.out,
      (out) => out.includes('a-1  | up') && out.includes('b-1  | up'),
    );
    expect(said.out).toMatch(/^Attaching to a-1, b-1\n/);
    child.kill('SIGINT');
    await eventually(
      () => said.err,
      (err) => err.includes('Container stubborn-b-1  Stopped'),
    );
    expect(said.out).toContain('Gracefully Stopping... press Ctrl+C again to force\n');
    child.kill('SIGINT');
    expect(await ended).toEqual([130, null]);
    const left = await wherry(['compose', '-p', 'stubborn', 'ps', '-a', '--format', '{{.Name}} {{.Status}}']);
    expect(left.stdout).toMatch(/^stubborn-a-1 Exited \(137\)/);
    await removeContainers();
  });

  test('the end of one container is the end of all, with its exit status', async () => {
    write('ends.yaml', `services: {b: {image: ${BUSYBOX}, command: [sh, -c, "echo going; exit 7"]}}\n`);
    const files = ['-f', 'stubborn.yaml', '-f', 'ends.yaml', '-p', 'stubborn'];
    const done = await compose(...files, 'up', '--abort-on-container-exit', '-t', '0');
    expect(done.status).toBe(7);
    expect(done.stdout).toContain('b-1  | going\n');
    expect(done.stdout).toContain('b-1 exited with code 7\n');
    expect(done.stderr).toContain('Aborting on container exit...');
    await removeContainers();
  });

  test('a container whose logs nobody keeps is heard all the same', async () => {
    const loud = 'while :; do echo tick; sleep 1; done';
    const service = `{image: ${BUSYBOX}, init: true, command: [sh, -c, "${loud}"], logging: {driver: none}}`;
    write('none.yaml', `services:\n  a: ${service}\n`);
    const { child, said, ended } = attached('none.yaml', 'mute');
    await eventually(
      () => said.out,
      (out) => out.includes('a-1  | tick'),
    );
    child.kill('SIGINT');
    expect(await ended).toEqual([130, null]);
    await removeContainers();
  });
});
