/** Projects of compose as a user brings them up, changes them and takes them down. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { testUser } from '#test/support/user.ts';
import { eventually, mendStore, removeContainers, startWherry, succeed, wherry } from '#test/support/wherry.ts';

const SLEEPER = '{image: localhost/busybox, command: [sleep, "1000"], init: true, stop_grace_period: 0s';

const folder = (name: string) => join(testUser().home, name);

/** Writes a project's files into a folder of its name. */
function project(name: string, files: Record<string, string>): void {
  mkdirSync(folder(name), { recursive: true, mode: 0o755 });
  for (const [file, text] of Object.entries(files)) writeFileSync(join(folder(name), file), text, { mode: 0o644 });
}

const compose = (name: string, ...args: string[]) => wherry(['compose', ...args], { cwd: folder(name) });

/** As compose(), for what has to succeed: what it printed, both streams. */
async function done(name: string, ...args: string[]): Promise<string> {
  const { status, stdout, stderr } = await compose(name, ...args);
  expect({ status, stderr }).toEqual({ status: 0, stderr: expect.any(String) });
  return stdout + stderr;
}

const idOf = (container: string) => succeed('container', 'inspect', '--format', '{{.Id}}', container);
const inside = (container: string, ...command: string[]) => succeed('exec', container, ...command);

beforeAll(mendStore);
afterAll(async () => {
  await removeContainers();
  await succeed('network', 'prune', '-f');
  await succeed('volume', 'prune', '-a', '-f');
});

describe('a project', () => {
  const FILE = (extra = '') => `
services:
  web: ${SLEEPER}, depends_on: {db: {condition: service_healthy}}, environment: {X: "1"${extra}}}
  db: ${SLEEPER}, healthcheck: {test: ["CMD", "test", "-d", "/data"], interval: 200ms}, volumes: [data:/data, /scratch]}
volumes: {data: {}}
`;

  test('comes up with one line, each service when what it needs is healthy, and finds its neighbours by name', async () => {
    project('shop', { 'compose.yaml': FILE() });
    const told = await done('shop', 'up', '-d', '--wait');
    expect(told).toContain(' Network shop_default  Created');
    expect(told).toContain(' Volume shop_data  Created');
    expect(told.indexOf('Container shop-db-1  Healthy')).toBeLessThan(told.indexOf('Container shop-web-1  Started'));
    expect(await inside('shop-web-1', 'ping', '-c', '1', '-w', '5', 'db')).toContain('1 packets received');
  });

  test('is left alone by a second up, and only what has changed is made anew, with its anonymous volumes', async () => {
    expect(await done('shop', 'up', '-d')).not.toMatch(/Creat|Recreat|Starting/);
    await inside('shop-db-1', 'touch', '/scratch/kept');
    const [web, db] = [await idOf('shop-web-1'), await idOf('shop-db-1')];
    project('shop', { 'compose.yaml': FILE(', Y: "2"') });
    expect(await done('shop', 'up', '-d')).toContain('Container shop-web-1  Recreated');
    expect([(await idOf('shop-web-1')) === web, (await idOf('shop-db-1')) === db]).toEqual([false, true]);
    await done('shop', 'up', '-d', '--force-recreate', 'db');
    expect(await inside('shop-db-1', 'ls', '/scratch')).toBe('kept');
    await done('shop', 'up', '-d', '-V', 'db');
    expect(await inside('shop-db-1', 'ls', '/scratch')).toBe('');
  });

  test('loses what its file does not name any more only when asked to', async () => {
    project('shop', { 'compose.yaml': `services:\n  db: ${SLEEPER}}\n` });
    expect(await done('shop', 'up', '-d')).toContain('Found orphan containers ([shop-web-1])');
    expect(await done('shop', 'up', '-d', '--remove-orphans')).toContain('Container shop-web-1  Removed');
  });

  test('goes with its networks, and with -v its volumes', async () => {
    project('shop', { 'compose.yaml': FILE() });
    await done('shop', 'down');
    expect(await succeed('volume', 'ls', '-q')).toContain('shop_data');
    expect(await done('shop', 'down', '-v')).toContain('Volume shop_data  Removed');
    expect(await succeed('network', 'ls', '-q', '--filter', 'name=shop')).toBe('');
    expect(await done('shop', 'down', '-v')).toBe('');
  });
});

describe('a service', () => {
  test('is scaled up and down, and keeps its first containers', async () => {
    project('many', { 'compose.yaml': `services:\n  one: ${SLEEPER}, scale: 2}\n` });
    await done('many', 'up', '-d');
    const first = await idOf('many-one-1');
    await done('many', 'up', '-d', '--scale', 'one=3');
    await done('many', 'scale', 'one=1');
    expect(await succeed('ps', '-aq', '--no-trunc', '--filter', 'name=many-')).toBe(first);
    await done('many', 'down');
  });

  test('that waits for a job starts when that has succeeded, and not when it has failed', async () => {
    const file = (command: string) =>
      `services:\n  job: {image: localhost/busybox, command: ["${command}"]}\n  late: ${SLEEPER}, depends_on: {job: {condition: service_completed_successfully}}}\n`;
    project('jobs', { 'compose.yaml': file('true'), 'bad.yaml': file('false') });
    expect(await done('jobs', 'up', '-d')).toContain('Container jobs-job-1  Exited');
    await done('jobs', 'down');
    const failed = await compose('jobs', '-f', 'bad.yaml', 'up', '-d');
    expect(failed).toMatchObject({
      status: 1,
      stderr: expect.stringContaining(`"job" didn't complete successfully: exit 1`),
    });
    await done('jobs', '-f', 'bad.yaml', 'down');
  });

  test('gets its configs and secrets, whatever they come from, with their owners and modes', async () => {
    project('files', {
      'a.conf': 'from a file\n',
      '.env': 'TOKEN=hush\n',
      'compose.yaml': `
services:
  a: ${SLEEPER}, configs: [c1, {source: c2, target: /etc/c2}], secrets: [s1, {source: s2, target: tok, uid: "5", gid: "6", mode: 0400}]}
configs: {c1: {file: ./a.conf}, c2: {content: "token \${TOKEN}"}}
secrets: {s1: {file: ./a.conf}, s2: {environment: TOKEN}}
`,
    });
    await done('files', 'up', '-d');
    expect(await inside('files-a-1', 'cat', '/c1', '/etc/c2', '/run/secrets/s1', '/run/secrets/tok')).toBe(
      'from a file\ntoken hushfrom a file\nhush',
    );
    expect(await inside('files-a-1', 'stat', '-c', '%u:%g %a', '/run/secrets/tok')).toBe('5:6 400');
    await done('files', 'down');
  });

  test('shares the network of another one', async () => {
    project('share', {
      'compose.yaml': `services:\n  main: ${SLEEPER}, hostname: boss}\n  side: ${SLEEPER}, network_mode: "service:main"}\n`,
    });
    await done('share', 'up', '-d');
    const address = (name: string) => inside(name, 'ip', '-o', '-4', 'addr');
    expect(await address('share-side-1')).toBe(await address('share-main-1'));
    await done('share', 'down');
  });

  test('finds what it is linked to by the names of the links, also when that was made anew', async () => {
    project('linked', {
      'compose.yaml': `services:\n  db: ${SLEEPER}}\n  web: ${SLEEPER}, links: ["db:store"], external_links: ["linked-db-1:far"]}\n`,
    });
    await done('linked', 'up', '-d');
    await done('linked', 'up', '-d', '--force-recreate', 'db');
    for (const name of ['store', 'far']) await inside('linked-web-1', 'ping', '-c', '1', '-w', '5', name);
    await done('linked', 'down');
  });

  test('is built where it has to be', async () => {
    project('made', {
      'compose.yaml': `services:\n  a: {build: {context: ., dockerfile_inline: "FROM localhost/busybox\\nRUN echo built > /made"}, command: [cat, /made]}\n`,
    });
    expect(await done('made', 'run', '--rm', '-T', 'a')).toContain('built\n');
    expect(await done('made', 'down', '--rmi', 'local')).toContain('Image made-a:latest  Removed');
  });

  test('is not built at all where one of its services can’t be', async () => {
    const build = 'context: ., dockerfile_inline: "FROM localhost/busybox\\nRUN true"';
    project('halved', {
      'compose.yaml': `services:\n  a: {build: {${build}}}\n  b: {build: {${build}, network: bogus}}\n`,
    });
    const { status, stdout, stderr } = await compose('halved', 'build');
    expect({ status, stdout, stderr }).toEqual({
      status: 1,
      stdout: '',
      stderr: expect.stringMatching(/^network mode "bogus" not supported by buildkit - /),
    });
  });

  test('says which of several services failed, in words that no daemon has said', async () => {
    const build = (step: string) => `{build: {context: ., dockerfile_inline: "FROM localhost/busybox\\n${step}"}}`;
    project('several', { 'compose.yaml': `services:\n  a: ${build('RUN true')}\n  b.c: ${build('COPY nope /')}\n` });
    const [all, one] = [await compose('several', 'build'), await compose('several', 'build', '-q', 'b.c')];
    const why = /failed to solve: failed to compute cache key: .*"\/nope": not found\n$/.source;
    expect(all).toMatchObject({ status: 1, stderr: expect.stringMatching(`---\ntarget b_c: ${why}`) });
    expect(one).toMatchObject({ status: 1, stderr: expect.stringMatching(`---\n${why}`) });
    expect(all.stderr).not.toContain('Built');
    await succeed('rmi', 'several-a');
  });

  test('is built with a --progress of old, which is known and checked as that before the verb', async () => {
    project('shown', { 'compose.yaml': 'services:\n  a: {image: localhost/busybox}\n' });
    const [known, other] = [
      await compose('shown', 'build', '--progress', 'plain'),
      await compose('shown', 'build', '--progress', 'other'),
    ];
    const old = '--progress is a global compose flag, better use `wherry compose --progress xx build ...\n';
    expect(known).toMatchObject({ status: 0, stdout: '', stderr: old });
    expect(other).toMatchObject({ status: 1, stdout: '', stderr: 'unsupported --progress value "other"\n' });
  });

  test('says which line of a Dockerfile failed, and makes nothing', async () => {
    project('broken', {
      'compose.yaml': 'services:\n  a: {build: .}\n',
      Dockerfile: 'FROM localhost/busybox\nRUN echo no; exit 3\n',
    });
    const { status, stderr } = await compose('broken', 'up', '-d');
    expect({ status, stderr }).toEqual({
      status: 1,
      stderr: expect.stringContaining('   2 | >>> RUN echo no; exit 3\n'),
    });
    expect(stderr).toMatch(/\nfailed to solve: process "\/bin\/sh -c echo no; exit 3" did not .*: exit code: 3\n$/);
    expect((await compose('broken', 'ps', '-aq')).stdout).toBe('');
  });
});

describe('a command on a service', () => {
  test('runs beside it, with its dependencies up and its own environment, and its status is run’s', async () => {
    project('once', {
      'compose.yaml': `services:\n  db: ${SLEEPER}}\n  web: ${SLEEPER}, depends_on: [db], environment: {A: b}}\n`,
    });
    const ran = await compose(
      'once',
      'run',
      '--rm',
      '-T',
      '-e',
      'B=c',
      'web',
      'sh',
      '-c',
      'echo $A $B; ping -c 1 -w 5 db >&2; exit 3',
    );
    expect(ran).toMatchObject({ status: 3, stdout: 'b c\n', stderr: expect.stringContaining('1 packets received') });
    expect(await compose('once', 'run', '--rm', '-T', '-u', 'nobody-known', 'web', 'true')).toMatchObject({
      status: 1,
    });
    expect(await succeed('ps', '-aq', '--filter', 'label=com.docker.compose.oneoff=True')).toBe('');
    const id = (await compose('once', 'run', '-d', 'web', 'sleep', '1000')).stdout.trim();
    expect(
      await succeed('inspect', '--format', '{{.Name}} {{index .Config.Labels "com.docker.compose.oneoff"}}', id),
    ).toMatch(/^\/once-web-run-[0-9a-f]{12} True$/);
    await done('once', 'down', '--remove-orphans', '-t', '0');
  });
});

describe('what is interrupted', () => {
  test('is continued by the next up', async () => {
    project('cut', {
      'compose.yaml': `services:\n  slow: ${SLEEPER}, healthcheck: {test: ["CMD", "test", "-e", "/ready"], interval: 100ms, retries: 1000}}\n  late: ${SLEEPER}, depends_on: {slow: {condition: service_healthy}}}\n`,
    });
    const up = startWherry(['compose', 'up', '-d'], { cwd: folder('cut'), stdio: 'ignore' });
    const status = () => wherry(['inspect', '--format', '{{.State.Status}}', 'cut-slow-1']);
    await eventually(status, ({ stdout }) => stdout.trim() === 'running');
    const ended = new Promise((resolve) => up.once('exit', resolve));
    up.kill('SIGINT');
    expect(await ended).toBe(130);
    await inside('cut-slow-1', 'touch', '/ready');
    expect(await done('cut', 'up', '-d')).toContain('Container cut-late-1  Started');
    await done('cut', 'down');
  });
});
