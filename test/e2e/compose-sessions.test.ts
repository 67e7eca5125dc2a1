/** Projects as a developer's day goes: several copies, a port that is taken, a kill -9, a session of up --watch. */
import { rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import { project, SLEEP } from '#test/support/compose-project.ts';
import { listen } from '#test/support/ports.ts';
import {
  BUSYBOX,
  eventually,
  listening,
  mendStore,
  monitorOf,
  readyStore,
  startWherry,
  succeed,
  wherry,
} from '#test/support/wherry.ts';

beforeAll(readyStore);
afterAll(() => mendStore());

test('two copies of a project stand side by side by their names, each with its own files, containers and volumes', async () => {
  const { root } = project({
    'compose.yaml': `
services:
  web: {image: ${BUSYBOX}, command: ${SLEEP}, environment: {NAME: base, KIND: plain}, volumes: ["data:/data"], ports: ["127.0.0.1:1:80"]}
volumes: {data: {}}
`,
    'compose.override.yaml': 'services: {web: {environment: {NAME: override}, ports: !reset []}}\n',
    'sub/prod.yaml':
      'services: {web: {environment: {NAME: prod}, ports: !override ["127.0.0.1::80"], volumes: ["./sub:/sub:ro"]}}\n',
  });
  const run = async (name: string, files: string | undefined, ...args: string[]) => {
    const env = { COMPOSE_FILE: files };
    const done = await wherry(['compose', '-p', name, ...args], { cwd: root, env });
    expect(done, done.stderr).toMatchObject({ status: 0 });
    return done.stdout.trim();
  };
  const dev = (...args: string[]) => run('twodev', undefined, ...args);
  const prod = (...args: string[]) => run('twoprod', 'compose.yaml:sub/prod.yaml', ...args);
  await Promise.all([dev('up', '-d'), prod('up', '-d')]);
  const told = ['exec', '-T', 'web', 'sh', '-c', 'echo $NAME $KIND; ls /sub 2>/dev/null; touch /data/$NAME; ls /data'];
  expect(await dev(...told)).toBe('override plain\noverride');
  expect(await prod(...told)).toBe('prod plain\nprod.yaml\nprod');
  expect(await prod('port', 'web', '80')).toMatch(/^127\.0\.0\.1:\d+$/);
  const listed = JSON.parse(await succeed('compose', 'ls', '--format', 'json')) as {
    Name: string;
    ConfigFiles: string;
  }[];
  expect(listed.map(({ Name, ConfigFiles }) => [Name, ConfigFiles.replaceAll(`${root}/`, '')])).toEqual([
    ['twodev', 'compose.yaml,compose.override.yaml'],
    ['twoprod', 'compose.yaml,sub/prod.yaml'],
  ]);
  await dev('down', '-v', '-t', '0');
  expect(await prod('exec', '-T', 'web', 'ls', '/data')).toBe('prod');
  await prod('down', '-v', '-t', '0');
});

test('a port that is taken is named, what was made stays, and the next up goes on from there', async () => {
  const taken = createServer();
  const port = await listen(taken);
  const { root, compose } = project({
    'compose.yaml': `
name: taken
services:
  first: {image: ${BUSYBOX}, command: ${SLEEP}}
  web: {image: ${BUSYBOX}, command: ${SLEEP}, depends_on: [first], ports: ["127.0.0.1:${port}:80"]}
  last: {image: ${BUSYBOX}, command: ${SLEEP}, depends_on: [web]}
`,
  });
  const states = async () => (await compose('ps', '-a', '--format', '{{.Service}} {{.State}}')).split('\n').sort();
  const failed = await wherry(['compose', 'up', '-d'], { cwd: root });
  expect(failed).toMatchObject({
    status: 1,
    stderr: expect.stringMatching(`127.0.0.1:${port}\\S*: address already in use`),
  });
  expect(await states()).toEqual(['first running', 'last created', 'web created']);
  const first = await compose('ps', '-q', 'first');
  await new Promise((resolve) => taken.close(resolve));
  await compose('up', '-d');
  expect(await states()).toEqual(['first running', 'last running', 'web running']);
  expect(await compose('ps', '-q', 'first')).toBe(first);
  await compose('down', '-t', '0');
});

test('when all monitors have been killed, up brings the same containers back with their data', async () => {
  const { compose } = project({
    'compose.yaml': `
name: killed
services:
  web: {image: ${BUSYBOX}, command: ${SLEEP}, depends_on: {db: {condition: service_healthy}}}
  db:
    image: ${BUSYBOX}
    command: ${SLEEP}
    volumes: [data:/data]
    healthcheck: {test: test -d /data, interval: 200ms}
volumes: {data: {}}
`,
  });
  await compose('up', '-d', '--wait');
  await compose('exec', '-T', 'db', 'sh', '-c', 'echo kept >/data/a; echo own >/own');
  const ids = async () => (await compose('ps', '-aq')).split('\n').sort();
  const before = await ids();
  for (const id of before) process.kill(await monitorOf(id), 'SIGKILL');
  const running = () => compose('ps', '-q');
  expect(await eventually(running, (text) => text === '')).toBe('');
  await compose('up', '-d', '--wait');
  expect(await ids()).toEqual(before);
  expect(await compose('exec', '-T', 'db', 'cat', '/data/a', '/own')).toBe('kept\nown');
  expect(await compose('exec', '-T', 'web', 'ping', '-c1', '-w5', 'db')).toContain('1 packets received');
  await compose('down', '-v');
  expect(await succeed('ps', '-aq', '--filter', 'label=com.docker.compose.project=killed')).toBe('');
});

test('a session of up --watch shows logs, takes changes in, builds anew, and ends with its containers at Ctrl-C', async () => {
  const { root, write, compose } = project({
    'compose.yaml': `
name: session
services:
  web:
    build: .
    command: ["sh", "-c", "trap 'exit 0' TERM; echo version $$(cat /version); httpd -f -p 80 -h /www & wait"]
    depends_on: {cache: {condition: service_started}}
    develop:
      watch:
        - {path: ./www, action: sync, target: /www, ignore: [drafts/]}
        - {path: ./version, action: rebuild}
  cache: {image: ${BUSYBOX}, command: ${SLEEP}}
`,
    Dockerfile: `FROM ${BUSYBOX}\nCOPY www /www\nCOPY version /version\n`,
    version: 'one',
    'www/index.html': 'first',
  });
  const session = startWherry(['compose', 'up', '--watch', '--build'], {
    cwd: root,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  onTestFinished(() => void session.kill('SIGKILL'));
  const ended = new Promise((resolve) => session.once('exit', (code) => resolve(code)));
  const { seen } = listening(session);
  const hears = (words: string) => seen((all) => all.includes(words));
  const shows = (path: string, wanted: string) =>
    eventually(
      async () =>
        (await wherry(['compose', 'exec', '-T', 'cache', 'wget', '-qO-', `http://web/${path}`], { cwd: root })).stdout,
      (text) => text === wanted,
    );
  await hears('Watch enabled');
  await hears('version one');
  await shows('', 'first');
  write('www/index.html', 'second');
  write('www/deep/a', 'deep');
  await shows('', 'second');
  await shows('deep/a', 'deep');
  write('www/drafts/b', 'not this');
  rmSync(join(root, 'www/deep'), { recursive: true });
  await shows('deep/a', '');
  expect(await compose('exec', '-T', 'web', 'ls', '/www')).toBe('index.html');
  write('version', 'two');
  await hears('version two');
  await shows('', 'second');
  session.kill('SIGINT');
  expect(await ended).toBe(130);
  expect(await compose('ps', '-q')).toBe('');
});
