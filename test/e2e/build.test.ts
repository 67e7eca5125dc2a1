import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { buildContext, writeFiles } from '#test/support/build-context.ts';
import { testUser } from '#test/support/user.ts';
import { BUSYBOX, eventually, readyStore, startWherry, succeed, wherry } from '#test/support/wherry.ts';

const NAME = 'built/one';
beforeAll(readyStore);
afterAll(async () => {
  await wherry(['rmi', '-f', NAME]);
  await wherry(['builder', 'prune', '-af']);
});

const build = (root: string, ...flags: string[]) =>
  wherry(['build', '--progress', 'plain', '-t', NAME, ...flags, root]);
const runIn = (script: string) => succeed('run', '--rm', '--network', 'none', NAME, 'sh', '-c', script);
/** How often a step was not done but found. */
const cached = (text: string) => text.split('\n').filter((line) => line.endsWith(' CACHED')).length;

describe('steps', () => {
  test('an image has what its steps have made, in the stages that it takes from', async () => {
    const root = buildContext({
      'src/a.txt': 'hello\n',
      'run.sh': 'echo ran',
      Dockerfile: `FROM ${BUSYBOX} AS made
WORKDIR /w
COPY . .
RUN cat src/a.txt > out && rm -r src
FROM ${BUSYBOX}
COPY --from=made --chown=7:8 --chmod=640 /w/out /out
USER 7
CMD ["cat", "/out"]
`,
    });
    expect(await build(root)).toMatchObject({ status: 0 });
    expect(await succeed('run', '--rm', NAME)).toBe('hello');
    expect(await runIn('stat -c "%u:%g %a" /out; id -u')).toBe('7:8 640\n7');
  });

  test('a built image is built again from what is kept; a changed file changes what depends on it alone', async () => {
    const dockerfile = `FROM ${BUSYBOX}\nRUN echo ${Date.now()} > /first\nCOPY a.txt /\nRUN cat /a.txt > /last\n`;
    const root = buildContext({ 'a.txt': '1', 'other.txt': '1', Dockerfile: dockerfile });
    expect(cached((await build(root)).stderr)).toBe(0);
    const id = await succeed('images', '-q', '--no-trunc', NAME);
    writeFiles(root, { 'a.txt': '1', 'other.txt': '2' });
    expect(cached((await build(root)).stderr)).toBe(3);
    expect(await succeed('images', '-q', '--no-trunc', NAME)).toBe(id);
    writeFiles(root, { 'a.txt': '2' });
    expect(cached((await build(root)).stderr)).toBe(1);
    expect(await runIn('cat /last')).toBe('2');
    expect(cached((await build(root, '--no-cache')).stderr)).toBe(0);
  });

  test('a step that fails shows its lines, its place and its status, and leaves no image', async () => {
    const root = buildContext({ Dockerfile: `FROM ${BUSYBOX}\nRUN echo before && exit 3\n` });
    await wherry(['rmi', '-f', NAME]);
    const { status, stderr } = await build(root);
    expect(status).toBe(1);
    expect(stderr).toContain('2 | >>> RUN echo before && exit 3');
    expect(stderr).toContain('did not complete successfully: exit code: 3');
    expect((await wherry(['image', 'inspect', NAME])).status).toBe(1);
  });

  test('deletions and directories that are made anew hide what was below them', async () => {
    const root = buildContext({
      Dockerfile: `FROM ${BUSYBOX}
RUN mkdir -p /d/e/f && touch /d/old /d/e/old
RUN rm -r /d && mkdir -p /d/e && touch /d/e/new && rm /etc/passwd
RUN rm -r /d/e && touch /d/e
`,
    });
    expect(await build(root)).toMatchObject({ status: 0 });
    expect(await runIn('find /d | sort; ls /etc/passwd 2>&1; true')).toContain('/d\n/d/e\nls: /etc/passwd');
    const { status, stdout } = await wherry(['system', 'check']);
    expect(stdout).toBe('No damage found\n');
    expect(status).toBe(0);
  });
});

describe('mounts of RUN', () => {
  test('a cache stays from build to build and is in no layer', async () => {
    const id = `c${Date.now()}`;
    const mount = `--mount=type=cache,id=${id},target=/cache`;
    const file = (salt: number) => `FROM ${BUSYBOX}\nRUN ${mount} echo ${salt} >> /cache/log; cp /cache/log /log\n`;
    const root = buildContext({ Dockerfile: file(1) });
    expect(await build(root)).toMatchObject({ status: 0 });
    writeFiles(root, { Dockerfile: file(2) });
    expect(await build(root)).toMatchObject({ status: 0 });
    expect(await runIn('cat /log; ls -d /cache 2>&1; true')).toContain('1\n2\nls: /cache');
  });

  test('a secret is there while its step runs, and nowhere else', async () => {
    const root = buildContext({
      Dockerfile: `FROM ${BUSYBOX}\nRUN --mount=type=secret,id=word,env=WORD wc -c < /run/secrets/word > /size 2>/dev/null || echo $WORD | wc -c > /size\n`,
    });
    const done = await wherry(['build', '--progress', 'plain', '-t', NAME, '--secret', 'id=word,env=SECRET', root], {
      env: { SECRET: 'tell-nobody' },
    });
    expect(done).toMatchObject({ status: 0 });
    expect(done.stderr).not.toContain('tell-nobody');
    const all = await testUser().run('sh', [
      '-c',
      'grep -rl tell-nobody "$HOME/.local/share/wherry" "$XDG_RUNTIME_DIR/wherry" 2>/dev/null',
    ]);
    expect(all.stdout).toBe('');
    expect((await runIn('cat /size')).trim()).toBe('12');
  });

  test('what a step writes into a bound context is gone with it', async () => {
    const root = buildContext({
      'a.txt': 'same',
      Dockerfile: `FROM ${BUSYBOX}\nRUN --mount=type=bind,target=/ctx,rw echo other > /ctx/a.txt && cp /ctx/a.txt /kept\n`,
    });
    expect(await build(root)).toMatchObject({ status: 0 });
    expect(await runIn('cat /kept; ls -d /ctx 2>&1; true')).toContain('other\nls: /ctx');
  });
});

test('independent stages run at the same time', async () => {
  const stage = (name: string) => `FROM ${BUSYBOX} AS ${name}\nRUN date +%s > /start; sleep 2; date +%s > /end\n`;
  const copies = ['a', 'b'].map((name) => `COPY --from=${name} /start /end /${name}/\n`).join('');
  const root = buildContext({ Dockerfile: `${stage('a')}${stage('b')}FROM ${BUSYBOX}\n${copies}` });
  expect(await build(root, '--no-cache')).toMatchObject({ status: 0 });
  const [startA = 0, endA = 0, startB = 0, endB = 0] = (await runIn('cat /a/start /a/end /b/start /b/end'))
    .split('\n')
    .map(Number);
  expect(startA).toBeLessThanOrEqual(endB);
  expect(startB).toBeLessThanOrEqual(endA);
});

test('an interrupted build ends its programs and leaves the store whole', async () => {
  const root = buildContext({ Dockerfile: `FROM ${BUSYBOX}\nRUN echo begun; sleep 4321\n` });
  const running = async () => (await testUser().run('pgrep', ['-f', 'sleep 4321$'])).status === 0;
  const child = startWherry(['build', '--no-cache', root]);
  const ended = new Promise((resolve) => child.once('exit', resolve));
  await eventually(running, Boolean);
  child.kill('SIGINT');
  await ended;
  expect(await eventually(running, (is) => !is)).toBe(false);
  expect((await wherry(['system', 'check'])).stdout).toBe('No damage found\n');
});

test('an image that was built can be saved and loaded, and has the same ID', async () => {
  const root = buildContext({ Dockerfile: `FROM ${BUSYBOX}\nRUN echo ${Date.now()} > /x\n` });
  expect(await build(root)).toMatchObject({ status: 0 });
  const id = await succeed('images', '-q', '--no-trunc', NAME);
  const { stdout } = await testUser().run('sh', ['-c', 'mktemp -d']);
  const place = `${stdout.trim()}/image.tar`;
  await succeed('save', '-o', place, NAME);
  await succeed('rmi', '-f', NAME);
  await succeed('builder', 'prune', '-af');
  await succeed('load', '-i', place);
  expect(await succeed('images', '-q', '--no-trunc', NAME)).toBe(id);
});
