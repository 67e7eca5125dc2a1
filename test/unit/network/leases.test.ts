import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { enterRoom, folderOf, takeLease } from '#network/leases.ts';
import { temporaryStore } from '#test/support/store.ts';

const network = {
  name: 'bridge',
  id: 'n'.repeat(64),
  created: '2026-01-01T00:00:00.000Z',
  driver: 'bridge' as const,
  subnet: '10.1.2.0/29',
  gateway: '10.1.2.1',
  interface: 'wherry0',
  options: {},
  labels: {},
};

test('enterRoom() clears away what an earlier boot left', async () => {
  const store = temporaryStore();
  mkdirSync(folderOf(store), { recursive: true });
  writeFileSync(join(folderOf(store), 'user'), '');
  writeFileSync(join(folderOf(store), 'state.json'), '{"bootId":"earlier","bridges":["wherry0"],"leases":[{}]}');
  using room = await enterRoom(store);
  expect(room).toMatchObject({ isAlive: false, state: { bootId: store.bootId, bridges: [], leases: [] } });
  expect(existsSync(join(folderOf(store), 'user'))).toBe(false);
});

test('enterRoom() takes a state that is cut off for none', async () => {
  const store = temporaryStore();
  mkdirSync(folderOf(store), { recursive: true });
  writeFileSync(join(folderOf(store), 'state.json'), '{"bootId"');
  using room = await enterRoom(store);
  expect(room.state.leases).toEqual([]);
});

test('only one is in the room at a time, and leaving twice harms nobody', async () => {
  const store = temporaryStore();
  const events: string[] = [];
  const visit = async (name: string) => {
    using room = await enterRoom(store);
    events.push(`${name} in`);
    await new Promise((resolve) => setImmediate(resolve));
    events.push(`${name} out`);
    room.leave();
  };
  await Promise.all(['a', 'b', 'c'].map(visit));
  const pairs = [0, 2, 4].map((index) => events.slice(index, index + 2).map((event) => event[0]));
  expect(pairs.every(([first, second]) => first === second)).toBe(true);
});

test('takeLease() gives a container the address it has, and others what is free', async () => {
  const store = temporaryStore();
  using room = await enterRoom(store);
  const takeFor = (id: string) => {
    mkdirSync(store.path('containers', id), { recursive: true });
    writeFileSync(join(room.folder, id), '');
    return takeLease(store, room, network, id);
  };
  expect(['a', 'b', 'a', 'c', 'd', 'e'].map(takeFor)).toEqual([
    '10.1.2.2',
    '10.1.2.3',
    '10.1.2.2',
    '10.1.2.4',
    '10.1.2.5',
    '10.1.2.6',
  ]);
  expect(() => takeFor('f')).toThrow("no available IPv4 addresses on this network's address pools: bridge");
});
