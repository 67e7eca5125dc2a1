/** Dockerfiles of our own, built here and there: the same trees, settings and histories, and the same errors. */
import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { type Built, buildAll, imagesOf } from '#test/support/built.ts';
import { clearTheStage, ours, setTheStage } from '#test/support/compare.ts';
import { DOCKERFILES } from '#test/support/dockerfiles.ts';
import { REFUSED } from '#test/support/dockerfiles-refused.ts';
import { docker, dockerShell, noDocker } from '#test/support/peers.ts';
import { testUser } from '#test/support/user.ts';

const CASES = [...DOCKERFILES, ...REFUSED];
const PREFIX = 'diffbuild';
const root = mkdtempSync(join(tmpdir(), 'wherry-diff-build-'));
const built: { ours: Built[]; theirs: Built[] } = { ours: [], theirs: [] };
const titles = (cases: readonly { title: string }[], first: number) =>
  cases.map(({ title }, index): [string, number] => [title, first + index]);

describe.skipIf(noDocker)(`Docker and we (${noDocker ?? 'here'})`, () => {
  beforeAll(async () => {
    chmodSync(root, 0o755);
    await setTheStage([]);
    const { uid, gid } = testUser();
    const program = join(inject('prefix'), 'bin/docker');
    const own = (line: string) => testUser().run('sh', ['-c', line]);
    built.ours = await buildAll(CASES, {
      root: join(root, 'ours'),
      prefix: PREFIX,
      docker: program,
      run: own,
      uid,
      gid,
    });
    const theirs = { root: join(root, 'theirs'), prefix: PREFIX, docker: 'docker', run: dockerShell, uid: 0, gid: 0 };
    built.theirs = await buildAll(CASES, theirs);
  });

  afterAll(async () => {
    docker(['rmi', '-f', ...imagesOf(CASES, PREFIX)]);
    await ours(['rmi', '-f', ...imagesOf(CASES, PREFIX)]);
    await ours(['builder', 'prune', '-af']);
    await clearTheStage([]);
    rmSync(root, { recursive: true, force: true });
  });

  test.each(titles(DOCKERFILES, 0))('make the same of %s', (_title, index) => {
    expect(built.theirs[index]).toMatchObject({ status: 0, image: {} });
    expect(built.ours[index]).toEqual(built.theirs[index]);
  });

  test.each(titles(REFUSED, DOCKERFILES.length))('say the same to %s', (_title, index) => {
    expect(built.theirs[index]?.status).not.toBe(0);
    expect(built.ours[index]).toEqual(built.theirs[index]);
  });
});
