/** native/launcher/standing.c: an answer is said again while all that it depends on is as it was, and no longer. */
import { chmodSync, chownSync, mkdirSync, renameSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, expect, test } from 'vitest';
import { startTime } from '#sys/process.ts';
import { describeLauncher, type Launcher } from '#test/support/launcher.ts';

const UP = ['compose', '-f', 'a.yaml', 'up', '-d'];

/** As the note tells what stat() says. */
function statOf(path: string): string {
  const { dev, ino, size, mtimeNs, ctimeNs } = statSync(path, { bigint: true });
  return [dev, ino, size, mtimeNs, ctimeNs].join(' ');
}

describeLauncher((launcher) => {
  const file = () => join(launcher.user.home, 'a.yaml');

  const forget = () => rmSync(join(launcher.runtime, 'standing'), { recursive: true, force: true });

  beforeEach(() => {
    writeFileSync(file(), 'services: {}\n');
    chownSync(file(), launcher.user.uid, launcher.user.gid);
  });

  /** Notes an answer to this command line, as Node would. */
  async function note(facts: readonly string[], { words = UP, answer = '2nothing to do\n' } = {}) {
    forget();
    const { WHERRY_STANDING = '' } = (await launcher.look(words)).env;
    const [name = '', stamp = ''] = WHERRY_STANDING.split(' ');
    expect(name).toMatch(/^[0-9a-f]{32}$/);
    write(launcher, name, [stamp, ...facts, answer, ''].join('\0'));
    return { name, stamp };
  }

  const isAnswered = async (options: Parameters<Launcher['run']>[1] = {}) =>
    (await launcher.run(UP, options)).stderr === 'nothing to do\n';

  test('it is said on the stream that it was said on, with status 0, and Node is not started', async () => {
    await note([`=${file()}`, statOf(file())]);
    expect(await launcher.run(UP)).toMatchObject({ status: 0, stdout: '', stderr: 'nothing to do\n' });
    await note([`=${file()}`, statOf(file())], { answer: '1all is well\n' });
    expect(await launcher.run(UP)).toMatchObject({ status: 0, stdout: 'all is well\n', stderr: '' });
    await note([], { answer: '2' });
    expect(await launcher.run(UP)).toMatchObject({ status: 0, stdout: '', stderr: '' });
  });

  test('not when a file has been written, replaced by its like, touched or removed', async () => {
    const facts = () => [`=${file()}`, statOf(file())];
    const changes = [
      () => writeFileSync(file(), 'services: {a: {}}\n'),
      () => utimesSync(file(), 1, 1),
      () => chmodSync(file(), 0o600),
      () => {
        writeFileSync(`${file()}.new`, 'services: {}\n');
        renameSync(`${file()}.new`, file());
      },
      () => rmSync(file()),
    ];
    for (const change of changes) {
      await note(facts());
      expect(await isAnswered()).toBe(true);
      change();
      expect(await isAnswered(), `${change}`).toBe(false);
      writeFileSync(file(), 'services: {}\n');
    }
  });

  test('not when a file has appeared that was looked for', async () => {
    const override = join(launcher.user.home, 'override.yaml');
    await note([`-${override}`, `-${file()}/below`]);
    expect(await isAnswered()).toBe(true);
    writeFileSync(override, '');
    expect(await isAnswered()).toBe(false);
    rmSync(override);
    expect(await isAnswered()).toBe(true);
  });

  test('not when a process has ended, or its number is now another one’s', async () => {
    const child = launcher.user.start('sleep', ['100']);
    const pid = child.pid ?? 0;
    const facts = [`@${pid}`, `${startTime(pid)}`];
    await note(facts);
    expect(await isAnswered()).toBe(true);
    await note([`@${pid}`, `${Number(startTime(pid)) + 1}`]);
    expect(await isAnswered()).toBe(false);
    await note(facts);
    child.kill('SIGKILL');
    await new Promise((resolve) => child.once('exit', resolve));
    expect(await isAnswered()).toBe(false);
  });

  test('not when a variable that was asked for is another', async () => {
    await note(['$TAG=a=b', '!OTHER']);
    const env = { TAG: 'a=b' };
    expect(await isAnswered({ env })).toBe(true);
    expect(await isAnswered({ env: { ...env, NEVER_ASKED: '1' } })).toBe(true);
    expect(await isAnswered({ env: { TAG: 'a=' } })).toBe(false);
    expect(await isAnswered({ env: { TAG: undefined } })).toBe(false);
    expect(await isAnswered({ env: { ...env, OTHER: '' } })).toBe(false);
    await note(['$TAG']);
    expect(await isAnswered({ env })).toBe(false);
  });

  test('not before its time, and not when that is over', async () => {
    const now = Date.now();
    await note([`~${now - 1000}`, `${now + 3_600_000}`]);
    expect(await isAnswered()).toBe(true);
    await note([`~${now - 1000}`, `${now}`]);
    expect(await isAnswered()).toBe(false);
    await note([`~${now + 3_600_000}`, `${now + 7_200_000}`]);
    expect(await isAnswered()).toBe(false);
  });

  test('not in another directory, with other words or settings, or by another program', async () => {
    await note([]);
    expect(await isAnswered()).toBe(true);
    for (const name of ['COMPOSE_PROFILES', 'DOCKER_CONFIG', 'WHERRY_ROOT', 'TERM', 'NO_COLOR']) {
      expect(await isAnswered({ env: { [name]: '1' } }), name).toBe(false);
    }
    expect(await isAnswered({ cwd: '/' })).toBe(false);
    expect(await launcher.look(['compose', '-f', 'b.yaml', 'up', '-d'])).toMatchObject({ words: expect.anything() });
    const { stderr } = await launcher.user.run(join(launcher.another(), 'bin/wherry'), UP);
    expect(stderr).toBe('');
  });

  test('not in a directory that has come in the place of the one that it was', async () => {
    const place = join(launcher.user.home, 'place');
    const make = () => mkdirSync(place, { mode: 0o777 });
    make();
    const { WHERRY_STANDING = '' } = (await launcher.look(UP, { cwd: place })).env;
    const [name = '', stamp = ''] = WHERRY_STANDING.split(' ');
    write(launcher, name, [stamp, '2nothing to do\n', ''].join('\0'));
    expect(await isAnswered({ cwd: place })).toBe(true);
    renameSync(place, `${place}.old`);
    make();
    expect(await isAnswered({ cwd: place })).toBe(false);
  });

  test('a note that is not whole is none', async () => {
    const { name, stamp } = await note([]);
    const broken = [
      '',
      stamp,
      `${stamp}\0`,
      `${stamp}\0=${file()}`,
      `${stamp}\0@12`,
      `${stamp}\0~0`,
      `${stamp}\0@x\0y\0`,
      `${stamp}\0?\0`,
    ];
    for (const text of [...broken, '2nothing to do\n\0', `\0\0${stamp}`, 'x'.repeat(2 ** 20 + 1)]) {
      write(launcher, name, text);
      expect(await isAnswered(), JSON.stringify(text.slice(0, 60))).toBe(false);
    }
  });

  test('only what may have an answer is told where to note, whatever the user has set', async () => {
    const env = { WHERRY_STANDING: 'a b' };
    expect((await launcher.look(['compose', 'stop'], { env })).env).not.toHaveProperty('WHERRY_STANDING');
    expect((await launcher.look(['ps'], { env })).env).not.toHaveProperty('WHERRY_STANDING');
    expect((await launcher.look(['run', 'up'], { env })).env).not.toHaveProperty('WHERRY_STANDING');
    forget();
    expect((await launcher.look(UP, { env })).env.WHERRY_STANDING).toMatch(/^[0-9a-f]{32} [0-9a-f]{32}$/);
  });
});

function write({ runtime, user }: Launcher, name: string, text: string): void {
  const directory = join(runtime, 'standing');
  mkdirSync(directory, { recursive: true });
  writeFileSync(join(directory, name), text);
  chownSync(directory, user.uid, user.gid);
}
