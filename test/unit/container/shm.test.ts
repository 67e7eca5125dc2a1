import { existsSync, readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { mountShm, shmPath, unmountShm } from '#container/shm.ts';
import { ID, record } from '#test/support/requests.ts';
import { temporaryStore, unprivileged } from '#test/support/store.ts';

const mounted = (path: string) => readFileSync('/proc/self/mountinfo', 'utf8').includes(` ${path} `);

test('a container that shares no memory needs no mount, and its removal none either', async () => {
  const store = temporaryStore();
  await mountShm(store, record());
  expect(existsSync(shmPath(store, ID))).toBe(false);
  await unmountShm(store, ID);
});

test.skipIf(unprivileged)(
  'a container that shares its memory has it mounted once, and not any more afterwards',
  async () => {
    const store = temporaryStore();
    const sharing = record({ host: { IpcMode: 'shareable', ShmSize: 4096 } });
    await mountShm(store, sharing);
    await mountShm(store, sharing);
    expect(mounted(shmPath(store, ID))).toBe(true);
    await unmountShm(store, ID);
    expect(mounted(shmPath(store, ID))).toBe(false);
  },
);
