/** An attached `up` and what comes between: signals, a terminal's keys, readers that go, restarts from elsewhere. */
import { once } from 'node:events';
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeAll, expect, test } from 'vitest';
import { testUser } from '#test/support/user.ts';
import {
  BUSYBOX,
  listening,
  mendStore,
  removeContainers,
  startWherry,
  wherry,
  wherryPath,
} from '#test/support/wherry.ts';

const FILE = `
services:
  a: {image: ${BUSYBOX}, init: true, command: [sh, -c, "echo up; exec sleep 1000"], network_mode: none}
`;

const WATCHED = `
services:
  a:
    image: ${BUSYBOX}
    init: true
    command: [sh, -c, "echo up; exec sleep 1000"]
    network_mode: none
    develop: {watch: [{action: sync, path: ./from, target: /to}]}
`;

const folder = () => join(testUser().home, 'compose-front');
const compose = (...args: string[]) => wherry(['compose', ...args], { cwd: folder() });

beforeAll(async () => {
  await mendStore();
  mkdirSync(join(folder(), 'from'), { recursive: true });
  chmodSync(folder(), 0o777);
  writeFileSync(join(folder(), 'compose.yaml'), FILE);
  writeFileSync(join(folder(), 'watched.yaml'), WATCHED);
});
afterEach(() => removeContainers());

/** A program and what it has said so far. */
function started(child: ReturnType<typeof startWherry>) {
  const { said, seen } = listening(child);
  return { child, said, seen: (pattern: RegExp) => seen((all) => pattern.test(all)), ended: once(child, 'close') };
}

const up = (...args: string[]) => started(startWherry(['compose', 'up', ...args], { cwd: folder() }));

/** The same on a terminal of its own; what is written to its standard input are keys. */
function onTerminal(line: string) {
  const command = `stty rows 20 cols 70; exec "${wherryPath()}" compose ${line}`;
  return started(testUser().start('script', ['-qec', command, '/dev/null'], { cwd: folder(), env: { TERM: 'xterm' } }));
}

const isRunning = async () => (await compose('ps', '--format', '{{.Name}} {{.State}}')).stdout;

test('a restart from another terminal does not end it, and what comes then is shown', async () => {
  const { child, said, seen, ended } = up();
  await seen(/a-1 {2}\| up\n/);
  expect(await compose('restart', '-t', '0', 'a')).toMatchObject({ status: 0 });
  await seen(/a-1 exited with code \d+ \(restarting\)\n(.|\n)*a-1 {2}\| up\n/);
  expect(await compose('stop', '-t', '0')).toMatchObject({ status: 0 });
  expect(await ended).toEqual([0, null]);
  expect(said.all).toMatch(/a-1 exited with code \d+\n$/);
  expect(child.exitCode).toBe(0);
});

test('a terminal that goes away leaves the containers as they are', async () => {
  const { child, seen, ended } = up();
  await seen(/a-1 {2}\| up\n/);
  child.kill('SIGHUP');
  expect(await ended).toEqual([129, null]);
  expect(await isRunning()).toBe('compose-front-a-1 running\n');
});

test('a reader that goes away does so, too', async () => {
  const loud = `services: {a: {command: [sh, -c, "while :; do echo tick; sleep 0.1; done"]}}\n`;
  writeFileSync(join(folder(), 'loud.yaml'), loud);
  const line = `"${wherryPath()}" compose -f compose.yaml -f loud.yaml up | head -n 3; echo "\${PIPESTATUS[0]}"`;
  const done = await testUser().run('bash', ['-c', line], { cwd: folder() });
  expect(done.stdout).toBe('Attaching to a-1\na-1  | tick\na-1  | tick\n141\n');
  expect(await isRunning()).toBe('compose-front-a-1 running\n');
});

test('on a terminal there is a menu, whose key says that there is nothing to watch; Ctrl-C stops', async () => {
  const { child, said, seen, ended } = onTerminal('up');
  await seen(/up\r\n.*\[20;0H.*Enable Watch/s);
  child.stdin?.write('w');
  await seen(/watch is not yet configured/);
  child.stdin?.write('\x03');
  expect(await ended).toEqual([0, null]);
  expect(said.all).toMatch(/Gracefully Stopping\.\.\. press Ctrl\+C again to force(.|\s)*a-1 exited with code \d+/);
  expect(said.all).not.toContain('^C');
});

test('a question on a terminal is asked until it is answered, and left by Ctrl-C', async () => {
  expect(await compose('up', '--no-start')).toMatchObject({ status: 0 });
  const left = onTerminal('rm');
  await left.seen(/Going to remove compose-front-a-1 \[yN\] $/);
  left.child.stdin?.write('\x03');
  expect(await left.ended).toEqual([130, null]);
  expect(left.said.all).toMatch(/\^C\r\n$/);
  const answered = onTerminal('rm');
  await answered.seen(/\[yN\] $/);
  answered.child.stdin?.write('maybe\n');
  await answered.seen(/"maybe" is not a valid answer, please try again\.\r\n.*\[yN\] $/);
  answered.child.stdin?.write('Yes\n');
  expect(await answered.ended).toEqual([0, null]);
  expect((await compose('ps', '-aq')).stdout).toBe('');
});

test('a program answers it by a switch’s word', async () => {
  const left = async (input: string) => {
    expect(await compose('up', '--no-start')).toMatchObject({ status: 0 });
    const done = await testUser().run(wherryPath(), ['compose', 'rm'], { cwd: folder(), input });
    expect(done).toMatchObject({ status: 0, stdout: 'Going to remove compose-front-a-1' });
    return (await compose('ps', '-a', '--format', '{{.Service}}')).stdout;
  };
  expect(await left('yes\n')).toBe('a\n');
  expect(await left('\ny\n')).toBe('a\n');
  expect(await left('')).toBe('a\n');
  expect(await left('1')).toBe('');
  expect(await left('y indeed\n')).toBe('');
});

test('its key begins and ends watching', async () => {
  const { child, seen, ended } = onTerminal('-f watched.yaml up');
  await seen(/Enable Watch/);
  child.stdin?.write('w');
  await seen(/⦿ .*Watch enabled.*Disable Watch/s);
  writeFileSync(join(folder(), 'from', 'x'), 'new');
  await seen(/Syncing service "a" after 1 changes were detected/);
  child.stdin?.write('w');
  await seen(/Watch disabled.*Enable Watch/s);
  child.stdin?.write('\x03');
  expect(await ended).toEqual([0, null]);
});

test('without the menu the keys are the terminal’s own', async () => {
  const { child, said, seen, ended } = onTerminal('up --menu=false');
  await seen(/up\r\n/);
  child.stdin?.write('\x03');
  expect(await ended).toEqual([130, null]);
  expect(said.all).toContain('^CGracefully Stopping...');
  expect(said.all).not.toContain('Enable Watch');
});

test('--attach-dependencies shows what the others say, and ends with those that were asked for', async () => {
  const service = (line: string) => `{image: ${BUSYBOX}, init: true, command: [sh, -c, "${line}"], network_mode: none`;
  const web = `${service('echo web; sleep 1; exit 7')}, depends_on: [dep]}`;
  const dep = `${service('echo dep; exec sleep 1000')}}`;
  writeFileSync(join(folder(), 'depends.yaml'), `services:\n  web: ${web}\n  dep: ${dep}\n`);
  const done = await compose('-f', 'depends.yaml', 'up', '--attach-dependencies', 'web');
  expect(done.status).toBe(0);
  expect(done.stdout.split('\n').map((line) => line.replace(/^.*\r.\[K/, ''))).toEqual(
    expect.arrayContaining(['Attaching to dep-1, web-1', 'dep-1  | dep', 'web-1  | web', 'web-1 exited with code 7']),
  );
});

test('exec and logs -f are left by Ctrl-C', async () => {
  expect(await compose('up', '-d')).toMatchObject({ status: 0 });
  const exec = started(startWherry(['compose', 'exec', '-T', 'a', 'sh', '-c', 'echo in; exec cat'], { cwd: folder() }));
  await exec.seen(/in\n/);
  exec.child.kill('SIGINT');
  expect(await exec.ended).toEqual([null, 'SIGINT']);
  const logs = started(startWherry(['compose', 'logs', '-f'], { cwd: folder() }));
  await logs.seen(/up\n/);
  logs.child.kill('SIGINT');
  expect(await logs.ended).toEqual([130, null]);
});

test('what is left says an error without words, and so does a run with another status than 0', async () => {
  expect(await compose('up', '-d')).toMatchObject({ status: 0 });
  const modes = [
    ['plain', '\n'],
    ['json', '{"error":true}\n'],
  ] as const;
  for (const [mode, words] of modes) {
    for (const line of [
      ['logs', '-f'],
      ['events', '--since', '1h'],
    ]) {
      const left = started(startWherry(['compose', '--progress', mode, ...line], { cwd: folder() }));
      await left.seen(/\n/);
      left.child.kill('SIGINT');
      expect(await left.ended).toEqual([130, null]);
      expect(left.said.all.replace(/^(a-1 .*\n|.* container .*\n\n)/gm, '')).toBe(words);
    }
    const run = ['run', '--rm', '-T', 'a', 'sh', '-c', 'exit 3'];
    expect(await compose('--progress', mode, ...run)).toMatchObject({ status: 3, stderr: words });
  }
  expect(await compose('--progress', 'json', 'run', '-q', '--rm', '-T', 'a', 'false')).toMatchObject({ stderr: '\n' });
});

test('a dry run of a run pretends what it needs, and its container where that stays in the background', async () => {
  expect(await compose('--dry-run', 'run', '-d', '--name', 'pretended', 'a')).toMatchObject({
    status: 0,
    stdout: 'pretended\n',
  });
  expect(await compose('--dry-run', 'run', '-T', 'a')).toMatchObject({
    status: 1,
    stderr: 'interactive run is not supported in dry-run mode\n',
  });
  expect((await compose('ps', '-aq')).stdout).toBe('');
});

test('a dry run of exec and attach does nothing', async () => {
  expect(await compose('up', '-d')).toMatchObject({ status: 0 });
  expect(await compose('exec', '--dry-run', '-T', 'a', 'touch', '/x')).toMatchObject({
    status: 1,
    stderr: 'interactive exec is not supported in dry-run mode\n',
  });
  expect(await compose('--dry-run', 'exec', '-d', 'a', 'touch', '/x')).toMatchObject({
    status: 0,
    stderr: expect.stringContaining(' DRY-RUN MODE - Executing command ["touch" "/x"] in '),
  });
  expect(await compose('--dry-run', 'attach', 'a')).toMatchObject({ status: 1 });
  expect((await compose('exec', '-T', 'a', 'ls', '/x')).status).toBe(1);
});

test('what hooks print is heard in front, before and behind what their container says', async () => {
  const hooks = `
services:
  a:
    image: ${BUSYBOX}
    init: true
    command: [sh, -c, "echo up; exec sleep 1000"]
    network_mode: none
    stop_grace_period: 0s
    post_start: [{command: [sh, -c, "sleep 1000 & echo soon; echo bad >&2; printf last"]}]
    pre_stop: [{command: [sh, -c, "echo late"], user: "5"}]
`;
  writeFileSync(join(folder(), 'hooks.yaml'), hooks);
  const { child, said, seen, ended } = started(startWherry(['compose', '-f', 'hooks.yaml', 'up'], { cwd: folder() }));
  await seen(/a-1 -> {2}\| soon\na-1 -> {2}\| bad\na-1 -> {2}\| last\n/);
  child.kill('SIGINT');
  await ended;
  expect(said.all).toContain('a-1 ->  | late\n');
});

test('a hook that cannot be started ends an up in front, and is a warning to one that goes away', async () => {
  writeFileSync(
    join(folder(), 'nohook.yaml'),
    FILE.replace('init: true', 'init: true, post_start: [{command: [nope]}]'),
  );
  const { said, ended } = started(startWherry(['compose', '-f', 'nohook.yaml', 'up'], { cwd: folder() }));
  expect(await ended).toEqual([1, null]);
  expect(said.all).toMatch(/a-1 -> {2}\| OCI runtime exec failed: .*"nope": executable file not found in \$PATH\n/);
  expect(said.all).toContain('a hook exited with status 127\n');
  await removeContainers();
  const { status, stderr } = await compose('-f', 'nohook.yaml', 'up', '-d');
  expect(status, stderr).toBe(0);
  expect(stderr).toMatch(/level=warning msg="service a: a hook was not run: .*nope/);
});
