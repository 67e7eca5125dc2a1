import { existsSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeAll, expect, test } from 'vitest';
import { testUser } from '#test/support/user.ts';
import { BUSYBOX, removeContainers, succeed, wherry, wherryPath } from '#test/support/wherry.ts';

const home = (name: string) => join(testUser().home, name);

/** A line of a shell in which `wherry` is the installed one. */
const shell = (line: string, name = 'sh') =>
  testUser().run(name, ['-c', line.replaceAll('wherry ', `${wherryPath()} `)]);

let id = '';

beforeAll(async () => {
  await succeed('run', '--rm', BUSYBOX, 'true');
  id = await succeed('image', 'inspect', '--format', '{{.Id}}', BUSYBOX);
});

afterEach(async () => {
  await removeContainers();
  for (const name of readdirSync(testUser().home)) if (/\.tar/.test(name)) rmSync(home(name));
});

test('an image that was saved, removed and loaded again has its ID and runs', async () => {
  await succeed('tag', BUSYBOX, 'saved:1');
  await succeed('tag', BUSYBOX, 'saved:2');
  expect(await succeed('save', '-o', home('x.tar'), 'saved')).toBe('');
  expect(statSync(home('x.tar')).mode & 0o777).toBe(0o600);
  await succeed('rmi', '-f', id);
  expect(await succeed('load', '-i', home('x.tar'))).toBe('Loaded image: saved:1\nLoaded image: saved:2');
  expect(await succeed('image', 'inspect', '--format', '{{.Id}}', 'saved:2')).toBe(id);
  expect(await succeed('run', '--rm', '--network', 'none', 'saved:1', 'echo', 'here')).toBe('here');
  await succeed('tag', 'saved:1', BUSYBOX);
  await succeed('rmi', 'saved:1', 'saved:2');
});

test('an image by its ID comes back by its ID', async () => {
  await succeed('save', '-o', home('x.tar'), id.slice(7, 19));
  expect(await succeed('load', '-i', home('x.tar'))).toBe(`Loaded image ID: ${id}`);
});

test('save and load go through pipes, compressed or not, and through a file that a shell opens', async () => {
  for (const line of [
    `wherry save ${BUSYBOX} | wherry load`,
    `wherry save ${BUSYBOX} | gzip | wherry load`,
    `wherry save ${BUSYBOX} | xz -0 | wherry load`,
    `wherry save ${BUSYBOX} >x.tar; wherry load <x.tar`,
    `wherry save ${BUSYBOX} >x.tar; (head -c 0; wherry load) <x.tar`,
  ]) {
    expect([line, await shell(line)]).toMatchObject([line, { status: 0, stdout: `Loaded image: ${BUSYBOX}:latest\n` }]);
  }
});

test('nothing is saved to a terminal', async () => {
  const done = await testUser().run('script', ['-qec', `${wherryPath()} save ${BUSYBOX}`, '/dev/null']);
  expect(done.stdout).toContain('cowardly refusing to save to a terminal. Use the -o flag or redirect');
});

test('a reader that has enough ends save quietly', async () => {
  const line = `wherry save ${BUSYBOX} | head -c 1 | wc -c; echo "\${PIPESTATUS[0]}"`;
  expect(await shell(`(wherry save ${BUSYBOX}; echo status $? >&2) | head -c 1 >/dev/null`)).toMatchObject({
    stderr: 'status 141\n',
  });
  expect((await shell(line, 'bash')).stderr).toBe('');
});

test('what is no image is said before a file is made', async () => {
  const done = await wherry(['save', '-o', home('x.tar'), BUSYBOX, 'nothing-here']);
  expect(done).toMatchObject({ status: 1, stderr: 'Error response from daemon: No such image: nothing-here\n' });
  expect(existsSync(home('x.tar'))).toBe(false);
});

test('where a file must not become so large, none is left, and what was there before stays', async () => {
  const done = await shell(`echo old >x.tar; ulimit -f 64; wherry save -o x.tar ${BUSYBOX}`);
  expect(done.status).toBe(1);
  expect(done.stderr).toMatch(/^Error response from daemon: Cannot write in "[^"]*": the file would be larger than /);
  expect(readdirSync(testUser().home).filter((name) => /tar/.test(name))).toEqual(['x.tar']);
  expect(readFileSync(home('x.tar'), 'utf8')).toBe('old\n');
});

test('a save that is interrupted leaves no file', async () => {
  const line = `wherry save -o x.tar ${BUSYBOX} & sleep 0.0$((RANDOM % 10)); kill -INT $!; wait $!; echo $?`;
  for (let round = 0; round < 5; round += 1) {
    const { stdout } = await shell(`set -m; ${line}`, 'bash');
    expect(stdout).toMatch(/^(?:130|0)\n$/);
    const left = readdirSync(testUser().home).filter((name) => /tar/.test(name));
    expect(left).toEqual(stdout === '0\n' ? ['x.tar'] : []);
    rmSync(home('x.tar'), { force: true });
  }
});

test('an archive that is cut off is refused in one line, and nothing of it stays', async () => {
  await succeed('save', '-o', home('x.tar'), BUSYBOX);
  const size = statSync(home('x.tar')).size;
  for (const line of [
    `head -c ${size - 5000} x.tar >y.tar; wherry load -i y.tar`,
    `head -c ${size - 5000} x.tar | wherry load`,
  ]) {
    const done = await shell(line);
    expect(done.status).toBe(1);
    expect(done.stderr).toMatch(/^Cannot load "[^"]*": the archive is cut off\n$/);
  }
});

test('history shows the steps of an image', async () => {
  const lines = (await succeed('history', BUSYBOX)).split('\n');
  expect(lines[0]).toMatch(/^IMAGE +CREATED +CREATED BY +SIZE +COMMENT$/);
  expect(lines[1]).toMatch(new RegExp(`^${id.slice(7, 19)} +N/A +`));
  expect(await succeed('history', '-q', '--no-trunc', BUSYBOX)).toBe(id);
});
