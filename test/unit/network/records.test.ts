import { writeFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { lookAtNetworks } from '#network/check.ts';
import { findNetwork, listAllNetworks, needNetwork } from '#network/records.ts';
import { networkRecord } from '#test/support/network.ts';
import { temporaryStore } from '#test/support/store.ts';

test('the default network is made once, whoever asks first and by either name', async () => {
  const store = temporaryStore();
  const all = await Promise.all(['bridge', 'default', 'bridge'].map((name) => needNetwork(store, name)));
  expect(all[0]).toMatchObject({ name: 'bridge', driver: 'bridge', interface: 'wherry0' });
  expect(all[0]?.id).toMatch(/^[0-9a-f]{64}$/);
  expect(all[1]).toEqual(all[0]);
  expect(all[2]).toEqual(all[0]);
});

test('needNetwork() finds a network by its record', async () => {
  const store = temporaryStore();
  const record = networkRecord();
  writeFileSync(store.path('networks', 'web.json'), JSON.stringify(record));
  for (const text of ['web', record.id, record.id.slice(0, 5)]) {
    expect(await needNetwork(store, text)).toMatchObject({ name: 'web' });
  }
});

test.each(['foo', 'Bridge', '', '.', '../networks/web'])('needNetwork(%j) is not found', async (name) => {
  await expect(needNetwork(temporaryStore(), name)).rejects.toThrow(
    expect.objectContaining({
      kind: 'not-found',
      message: `failed to set up container networking: network ${name} not found`,
    }),
  );
});

test('a default network of a version from before there were pools is made anew, and is no damage', async () => {
  const store = temporaryStore();
  const old = { name: 'bridge', id: '5'.repeat(64), driver: 'bridge', subnet: '172.18.0.0/16', gateway: '172.18.0.1' };
  writeFileSync(store.path('networks', 'bridge.json'), JSON.stringify(old));
  expect(lookAtNetworks(store)).toEqual([{ file: 'bridge.json', isWhole: true }]);
  const names = (await listAllNetworks(store)).map(({ name }) => name);
  expect(names).toEqual(['bridge', 'host', 'none']);
  expect((await findNetwork(store, 'bridge')).pools).toHaveLength(1);
});
