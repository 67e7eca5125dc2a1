/** Sessions of compose watch, by real edits. */
import { once } from 'node:events';
import { mkdirSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import { project, SLEEP } from '#test/support/compose-project.ts';
import { BUSYBOX, eventually, listening, mendStore, readyStore, startWherry, wherry } from '#test/support/wherry.ts';

beforeAll(readyStore);
afterAll(() => mendStore());

/** Starts one; what it says is heard, and what its service `web` has is seen. */
function session(root: string, ...args: string[]) {
  const watching = startWherry(['compose', ...args], { cwd: root, stdio: ['ignore', 'pipe', 'pipe'] });
  onTestFinished(() => void watching.kill('SIGKILL'));
  const { seen } = listening(watching);
  return {
    watching,
    /** So many times. */
    hears: (words: string, times = 1) => seen((all) => all.split(words).length > times),
    shows: (script: string, wanted: string) =>
      eventually(
        async () => (await wherry(['compose', 'exec', '-T', 'web', 'sh', '-c', script], { cwd: root })).stdout.trim(),
        (text) => text === wanted,
      ),
  };
}

test('watch: what changes goes into the container, has it restarted, or built anew', async () => {
  const { root, write, compose } = project({
    'compose.yaml': `
name: watched
services:
  web:
    build: .
    command: ${SLEEP}
    develop:
      watch:
        - {path: ./src, action: sync, target: /app, ignore: ["*.tmp"], initial_sync: true}
        - {path: ./conf, action: sync+restart, target: /conf}
        - {path: ./hook, action: sync+exec, target: /hook, exec: {command: [cp, /hook/a, /tmp/ran]}}
        - {path: ./version, action: rebuild}
`,
    Dockerfile: `FROM ${BUSYBOX}\nCOPY version /version\n`,
    version: 'one',
    'src/a.js': 'first',
    'src/gone.js': 'x',
    'conf/x': 'x',
    'hook/a': 'x',
  });
  const { watching, hears, shows } = session(root, 'watch');
  await hears('Watch enabled');
  expect(await compose('exec', '-T', 'web', 'cat', '/app/a.js')).toBe('first');
  write('src/deep/b.js', 'second');
  write('src/c.tmp', 'left out');
  rmSync(join(root, 'src/gone.js'));
  await shows('cat /app/deep/b.js; ls /app', 'seconda.js\ndeep');
  write('hook/a', 'hooked');
  await shows('cat /tmp/ran', 'hooked');
  write('conf/x', 'changed');
  await hears('service(s) ["web"] restarted');
  expect(await compose('exec', '-T', 'web', 'cat', '/conf/x')).toBe('changed');
  write('version', 'two');
  await hears('service(s) ["web"] successfully built');
  await shows('cat /version', 'two');
  watching.kill('SIGINT');
  expect(await once(watching, 'exit')).toEqual([130, null]);
});

test('up --watch: the files go in beside the logs, a restart alone is one, and an interruption stops all', async () => {
  const { root, write, compose } = project({
    'compose.yaml': `
name: watchup
services:
  web:
    image: ${BUSYBOX}
    command: ["sh", "-c", "echo started; trap 'exit 0' TERM; sleep 1000 & wait"]
    volumes: ["./bound:/bound"]
    develop:
      watch:
        - {path: ./src, action: sync, target: /app, include: ["**/*.js"], ignore: [skip/]}
        - {path: ./bound, action: sync, target: /bound}
        - {path: ./one.txt, action: sync, target: /one.txt}
        - {path: ./later, action: sync, target: /later}
        - {path: ./conf, action: restart}
`,
    'src/a.js': 'first',
    'bound/b': 'b',
    'one.txt': '1',
    'conf/x': 'x',
  });
  const { watching, hears, shows } = session(root, 'up', '--watch');
  await hears('Watch enabled');
  await hears('| started');
  await hears(`path '${root}/bound' also declared by a bind mount volume, this path won't be monitored!`);
  // As editors write: another file in the place of the old one.
  write('src/new~', 'second');
  renameSync(join(root, 'src/new~'), join(root, 'src/a.js'));
  write('one.new', '2');
  renameSync(join(root, 'one.new'), join(root, 'one.txt'));
  write('src/deep/b.js', 'b');
  write('src/skip/c.js', 'c');
  write('src/d.css', 'd');
  write('later/l', 'l');
  await shows('cat /app/a.js /one.txt /later/l; find /app -type f | sort', 'second2l/app/a.js\n/app/deep/b.js');
  renameSync(join(root, 'src/deep/b.js'), join(root, 'src/e.js'));
  rmSync(join(root, 'src/deep'), { recursive: true });
  mkdirSync(join(root, 'src/f.js'));
  // The folder itself is none of the rule's.
  await shows('find /app | sort', '/app\n/app/a.js\n/app/deep\n/app/e.js\n/app/f.js');
  write('conf/x', 'y');
  await hears('service(s) ["web"] restarted');
  await hears('| started', 2);
  await shows('cat /app/a.js; ls /conf 2>/dev/null', 'second');
  watching.kill('SIGINT');
  expect(await once(watching, 'exit')).toEqual([130, null]);
  expect(await compose('ps', '--all', '--format', '{{.State}}')).toBe('exited');
});
