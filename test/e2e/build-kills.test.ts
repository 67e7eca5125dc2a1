/** Builds that are ended at some moment, beside each other, or on a disk that is full; and what is there afterwards. */
import { once } from 'node:events';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { random } from '#test/fuzz/random.ts';
import { buildContext } from '#test/support/build-context.ts';
import { processesWith, stuckMounts } from '#test/support/load.ts';
import { testUser } from '#test/support/user.ts';
import { BUSYBOX, eventually, readyStore, startWherry, succeed, wherry } from '#test/support/wherry.ts';

const NAME = 'ended/one';
/** Among the arguments of every step. */
const MARK = `step-${process.pid}`;
const seed = Number(process.env.WHERRY_SEED ?? Date.now() % 1_000_000);

beforeAll(readyStore);
afterAll(async () => {
  await wherry(['rmi', '-f', NAME]);
  await wherry(['builder', 'prune', '-af']);
});

const STAGES = `FROM ${BUSYBOX} AS a
RUN : ${MARK}; usleep 100000; head -c 500000 /dev/urandom > /a
FROM ${BUSYBOX} AS b
RUN : ${MARK}; mkdir /d; for i in $(seq 50); do echo $i > /d/$i; done
RUN : ${MARK}; usleep 50000; cat /proc/sys/kernel/random/uuid > /b
FROM ${BUSYBOX}
ARG N
COPY --from=a /a /
COPY --from=b /b /
COPY --from=b /d /d
RUN : ${MARK}; test $(ls /d | wc -l) = 50 && echo $N > /n
`;

test(`a build that is ended at any moment leaves nothing but what the next one uses (WHERRY_SEED=${seed})`, async () => {
  const root = buildContext({ Dockerfile: STAGES });
  const build = (n: number, ...flags: string[]) => ['build', '-t', NAME, '--build-arg', `N=${n}`, ...flags, root];
  const signals = ['SIGKILL', 'SIGINT', 'SIGTERM'] as const;
  for (let at = 0; at < 15; at += 1) {
    const child = startWherry(build(at, '--no-cache'), { stdio: 'ignore' });
    const closed = once(child, 'close');
    await new Promise((resolve) => setTimeout(resolve, random(seed, at).below(900)));
    child.kill(signals[at % signals.length] ?? 'SIGKILL');
    await closed;
  }
  expect(await wherry(build(15))).toMatchObject({ status: 0 });
  expect(await succeed('run', '--rm', '--network', 'none', NAME, 'sh', '-c', 'cat /n; ls /d | wc -l')).toBe('15\n50');
  const again = await wherry(build(15, '--progress', 'plain'));
  expect(again.stderr.match(/ CACHED$/gm)?.length).toBe(7);
  await eventually(
    () => processesWith(MARK),
    (strays) => strays.length === 0,
  );
  await eventually(stuckMounts, (mounts) => mounts.length === 0);
  expect(await succeed('ps', '-aq')).toBe('');
  expect((await wherry(['system', 'check'])).stdout).toBe('No damage found\n');
});

test('six builds of one file at once give the same image', async () => {
  const root = buildContext({ Dockerfile: STAGES });
  await succeed('builder', 'prune', '-af');
  const built = await Promise.all(Array.from({ length: 6 }, () => wherry(['build', '-q', '-t', NAME, root])));
  expect(built.map(({ status }) => status)).toEqual([0, 0, 0, 0, 0, 0]);
  expect(new Set(built.map(({ stdout }) => stdout)).size).toBe(1);
  expect((await wherry(['system', 'check'])).stdout).toBe('No damage found\n');
});

test('what a compression by force has replaced is gone', async () => {
  const root = buildContext({ Dockerfile: `FROM ${BUSYBOX}\nRUN echo one > /one\nRUN echo two > /two\n` });
  const blobs = () => readdirSync(join(testUser().home, '.local/share/wherry/blobs/sha256')).length;
  const build = (kind: string) =>
    succeed(
      'build',
      '-q',
      '-t',
      NAME,
      '-o',
      `type=oci,dest=${root}/x.tar,compression=${kind},force-compression=true`,
      root,
    );
  await build('zstd');
  const before = blobs();
  await build('gzip');
  expect(blobs()).toBe(before);
  expect((await wherry(['system', 'check'])).stdout).toBe('No damage found\n');
});

test('names that a killed bake has left go with the next one', async () => {
  const target = {
    base: { 'dockerfile-inline': `FROM ${BUSYBOX}\nRUN echo base > /base\n` },
    top: {
      'dockerfile-inline': `FROM base\nARG LONG\nRUN sleep $LONG; : ${MARK}\n`,
      args: { LONG: '100' },
      contexts: { base: 'target:base' },
    },
  };
  const root = buildContext({ 'docker-bake.json': JSON.stringify({ target }) });
  const linked = async () => (await succeed('images', '--format', '{{.Repository}}')).includes('wherry-bake');
  const child = startWherry(['buildx', 'bake', 'top'], { stdio: 'ignore', cwd: root });
  const closed = once(child, 'close');
  await eventually(
    () => processesWith(MARK),
    (found) => found.length > 0,
  );
  expect(await linked()).toBe(true);
  child.kill('SIGKILL');
  await closed;
  expect(await wherry(['buildx', 'bake', '--set', 'top.args.LONG=0', 'top'], { cwd: root })).toMatchObject({
    status: 0,
  });
  expect(await linked()).toBe(false);
  expect(processesWith(MARK)).toEqual([]);
});
