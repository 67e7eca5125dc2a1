import { expect, test } from 'vitest';
import type { HostConfig } from '#base/api.ts';
import { readRecord } from '#container/names.ts';
import { type Update, updateContainer } from '#container/update.ts';
import { addContainer, playMonitor, recordOf, stateOf } from '#test/support/container.ts';
import { plainHost, rootful, rootless } from '#test/support/requests.ts';
import { temporaryStore } from '#test/support/store.ts';

const MB = 1024 * 1024;
const { id } = recordOf();
const nothing: Update = { Memory: 0, NanoCpus: 0, CpuShares: 0, PidsLimit: 0 };
const always = { Name: 'always', MaximumRetryCount: 0 } as const;

/** What becomes of a container with these settings that is not running. */
async function updated(host: Partial<HostConfig>, update: Partial<Update>, facts = rootful) {
  const store = temporaryStore();
  addContainer(store, recordOf({ hostConfig: { ...plainHost, ...host } as HostConfig }));
  const warnings = await updateContainer(store, 'web', { ...nothing, ...update }, facts);
  return { warnings, host: readRecord(store, id)?.hostConfig };
}

test('what is given changes, and nothing else', async () => {
  const { host, warnings } = await updated(
    { CpuShares: 7, PidsLimit: 9 },
    { MemoryReservation: 20 * MB, PidsLimit: 5 },
  );
  expect(warnings).toEqual([]);
  expect(host).toEqual({ ...plainHost, CpuShares: 7, PidsLimit: 5, MemoryReservation: 20 * MB });
});

test('a limit of processes is lifted by -1', async () => {
  expect((await updated({ PidsLimit: 9 }, { PidsLimit: -1 })).host?.PidsLimit).toBe(0);
});

test('a container that has no swap yet gets it together with its memory', async () => {
  const { host } = await updated({}, { Memory: 50 * MB, MemorySwap: 90 * MB });
  expect(host).toMatchObject({ Memory: 50 * MB, MemorySwap: 90 * MB });
});

const LARGER =
  'Memory limit should be smaller than already set memoryswap limit, update the memoryswap at the same time';

test.each<[Partial<HostConfig>, Partial<Update>, string]>([
  [{ Memory: 20 * MB, MemorySwap: 40 * MB }, { Memory: 50 * MB }, LARGER],
  [{}, { Memory: 50 * MB }, LARGER],
  [
    { CpuPeriod: 5000 },
    { NanoCpus: 1e9 },
    'Conflicting options: Nano CPUs cannot be updated as CPU Period has already been set',
  ],
  [
    { CpuQuota: 5000 },
    { NanoCpus: 1e9 },
    'Conflicting options: Nano CPUs cannot be updated as CPU Quota has already been set',
  ],
  [
    { NanoCpus: 1e9 },
    { CpuPeriod: 5000 },
    'Conflicting options: CPU Period cannot be updated as NanoCPUs has already been set',
  ],
  [
    { NanoCpus: 1e9 },
    { CpuQuota: 5000 },
    'Conflicting options: CPU Quota cannot be updated as NanoCPUs has already been set',
  ],
  [
    { AutoRemove: true },
    { RestartPolicy: always },
    'Restart policy cannot be updated because AutoRemove is enabled for the container',
  ],
])('what %j forbids changes nothing: %j', async (host, update, why) => {
  await expect(updated(host, update)).rejects.toMatchObject({
    kind: 'conflict',
    message: `Cannot update container ${id}: ${why}`,
  });
});

test('what makes no sense is refused before the container is looked for', async () => {
  const act = updateContainer(temporaryStore(), 'nobody', { ...nothing, Memory: MB }, rootful);
  await expect(act).rejects.toThrow('Minimum memory limit allowed is 6MB');
});

test('without cgroups limits are discarded with a warning, and the restart policy changes', async () => {
  const { warnings, host } = await updated({}, { Memory: 50 * MB, RestartPolicy: always }, rootless);
  expect(warnings).toEqual([expect.stringMatching(/^Your kernel does not support memory limit/)]);
  expect(host).toMatchObject({ Memory: 0, RestartPolicy: always });
});

test('the monitor of a running container hears of its new restart policy', async () => {
  const store = temporaryStore();
  addContainer(store, recordOf(), stateOf());
  const heard: string[] = [];
  await playMonitor(store, id, (client, word) => {
    heard.push(word);
    client.say('policy');
  });
  const policy = { Name: 'on-failure', MaximumRetryCount: 3 } as const;
  await updateContainer(store, 'web', { ...nothing, RestartPolicy: policy }, rootless);
  expect(heard).toEqual(['policy on-failure 3']);
  expect(readRecord(store, id)?.hostConfig.RestartPolicy).toEqual(policy);
});
