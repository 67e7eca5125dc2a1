import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { folderOf } from '#network/folder.ts';
import { enterRoom, pruneLeases, takeLease } from '#network/leases.ts';
import { startTime } from '#sys/process.ts';
import { lease, networkRecord } from '#test/support/network.ts';
import { temporaryStore } from '#test/support/store.ts';

const network = networkRecord({ name: 'bridge' });

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

const asked = (id: string) => ({ id, names: [], dns: [], links: [], by: { pid: 0, start: 0 } });

test('takeLease() gives a container the address it has, and others what is free', async () => {
  using room = await enterRoom(temporaryStore());
  const takeFor = (id: string) => takeLease(room, network, asked(id)).address;
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

test('takeLease() gives what was asked for, and says in words of Docker when somebody has it', async () => {
  using room = await enterRoom(temporaryStore());
  const take = (id: string, address: string) => takeLease(room, network, { ...asked(id), address }).address;
  expect(take('a', '10.1.2.5')).toBe('10.1.2.5');
  for (const taken of ['10.1.2.5', '10.1.2.1', '10.1.2.0', '10.1.2.7']) {
    expect(() => take('b', taken)).toThrow('Address already in use');
  }
});

test('takeLease() gives again what the container had last, unless somebody else has it by now', async () => {
  using room = await enterRoom(temporaryStore());
  const take = (id: string, last: string[]) => takeLease(room, network, { ...asked(id), last }).address;
  expect(take('a', ['10.1.2.5'])).toBe('10.1.2.5');
  expect(take('b', ['10.1.2.5'])).toBe('10.1.2.2');
  expect(take('c', ['10.9.9.9'])).toBe('10.1.2.3');
});

test('takeLease() never gives what the user has put aside', async () => {
  using room = await enterRoom(temporaryStore());
  const aux = { router: '10.1.2.2', printer: '10.1.2.3' };
  const aside = networkRecord({ pools: [{ subnet: '10.1.2.0/29', gateway: '10.1.2.1', aux }] });
  expect(takeLease(room, aside, asked('a')).address).toBe('10.1.2.4');
});

test('takeLease() gives one address of each version that the network has switched on', async () => {
  using room = await enterRoom(temporaryStore());
  const pools = [
    { subnet: '10.1.2.0/29', gateway: '10.1.2.1' },
    { subnet: 'fd00::/64', gateway: 'fd00::1' },
  ];
  const take = (name: string, ipv4: boolean, ipv6: boolean) =>
    takeLease(room, networkRecord({ name, pools, ipv4, ipv6 }), asked('a'));
  expect(take('both', true, true)).toMatchObject({ address: '10.1.2.2', address6: 'fd00::2' });
  expect(take('six', false, true)).toMatchObject({ address6: 'fd00::2' });
  expect(take('six', false, true)).not.toHaveProperty('address');
  expect(take('four', true, false)).not.toHaveProperty('address6');
});

test('pruneLeases() takes back what the dead have, but not from who is just being started', async () => {
  const store = temporaryStore();
  using room = await enterRoom(store);
  const by = { pid: process.pid, start: startTime(process.pid) ?? 0 };
  for (const id of ['dead', 'alive', 'starting', 'removed']) {
    if (id !== 'removed') mkdirSync(store.path('containers', id), { recursive: true });
    writeFileSync(join(room.folder, id), '');
    room.state.leases.push(lease({ id, ...(id === 'starting' ? { by } : {}) }));
  }
  await pruneLeases(store, room, (id) => id === 'alive');
  expect(room.state.leases.map(({ id }) => id)).toEqual(['alive', 'starting']);
  expect(existsSync(join(room.folder, 'dead'))).toBe(false);
});
