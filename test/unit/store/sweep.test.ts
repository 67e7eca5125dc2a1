import { chmodSync, closeSync, existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { stage } from '#store/blobs.ts';
import { stageDirectory, stagingName } from '#store/staging.ts';
import { sweep } from '#store/sweep.ts';
import { temporaryStore, unprivileged } from '#test/support/store.ts';

/** More than the kernel gives (PID_MAX_LIMIT): a process that has ended, and whose pid is nobody else's. */
const DEAD = 4_194_305;

describe('sweep()', () => {
  test('leaves what living processes stage', async () => {
    const store = temporaryStore();
    const staged = await stage(store);
    const lock = stageDirectory(store.path('tmp', stagingName('layer')), 0o755);
    await sweep(store);
    expect(readdirSync(store.path('tmp')).length).toBe(2);
    staged.discard();
    closeSync(lock);
  });

  test('removes what a dead one staged, at once', async () => {
    const store = temporaryStore();
    writeFileSync(store.path('tmp', `blob-${DEAD}-x-1`), 'half');
    mkdirSync(store.path('tmp', `layer-${DEAD}-x-2`, 'a', 'b'), { recursive: true });
    await sweep(store);
    expect(readdirSync(store.path('tmp'))).toEqual([]);
  });

  test('removes a tree that nobody may enter where it can, and goes on where it can not', async () => {
    const store = temporaryStore();
    const shut = store.path('tmp', `layer-${DEAD}-x-1`, 'shut');
    mkdirSync(join(shut, 'deep'), { recursive: true });
    writeFileSync(store.path('tmp', `blob-${DEAD}-x-2`), 'half');
    chmodSync(shut, 0);
    onTestFinished(() => {
      if (existsSync(shut)) chmodSync(shut, 0o700);
    });
    await sweep(store);
    expect(readdirSync(store.path('tmp'))).toEqual(unprivileged ? [`layer-${DEAD}-x-1`] : []);
  });

  test('leaves what is held, whatever pid its name has: the holder may be in another pid namespace', async () => {
    const store = temporaryStore();
    const path = store.path('tmp', `layer-${DEAD}-x-1`);
    const lock = stageDirectory(path, 0o755);
    await sweep(store);
    expect(readdirSync(store.path('tmp')).length).toBe(1);
    closeSync(lock);
    await sweep(store);
    expect(readdirSync(store.path('tmp'))).toEqual([]);
  });

  test('leaves what others have just begun, with or without a lock', async () => {
    const store = temporaryStore();
    mkdirSync(store.path('tmp', `volume-${DEAD}-abc`));
    mkdirSync(store.path('tmp', 'gone-0123456789abcdef'));
    mkdirSync(store.path('tmp', 'other-0123456789abcdef'));
    await sweep(store);
    expect(readdirSync(store.path('tmp')).length).toBe(3);
  });
});

test('sweep() takes away what a killed command had staged beside its place, and leaves what a living one has', async () => {
  const store = temporaryStore();
  const dead = store.path('names', `web.${2 ** 22 + 1}.1.tmp`);
  const living = store.path('names', `db.${process.pid}.1.tmp`);
  const name = store.path('names', 'kept.tmp');
  for (const path of [dead, living, name]) writeFileSync(path, '');
  await sweep(store);
  expect([dead, living, name].map((path) => existsSync(path))).toEqual([false, true, true]);
});
