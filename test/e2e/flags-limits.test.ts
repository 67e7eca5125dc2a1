/** Limits hold where their controller is delegated, which limits.test.ts shows inside; else Docker's warning says not. */
import { existsSync, readdirSync } from 'node:fs';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { BUSYBOX, removeContainers, succeed, wherry } from '#test/support/wherry.ts';

type Json = Record<string, unknown>;

const ALONE = ['--network', 'none'];

afterAll(() => removeContainers());

const disk = readdirSync('/sys/class/block').find((name) => existsSync(`/dev/${name}`)) ?? 'vda';
const rate = { Path: `/dev/${disk}`, Rate: 1024 };
type Row = [flag: string, value: string, field: string, held: unknown, said: RegExp];

/** By create and by update. */
const BOTH: Row[] = [
  ['--blkio-weight', '500', 'BlkioWeight', 500, /Block I\/O weight .* Weight discarded/],
  ['--cpu-period', '20000', 'CpuPeriod', 20_000, /CPU period\/quota discarded/],
  ['--cpu-quota', '10000', 'CpuQuota', 10_000, /CPU period\/quota discarded/],
  ['--cpu-shares', '512', 'CpuShares', 512, /Shares discarded/],
  ['--cpuset-cpus', '0', 'CpusetCpus', '0', /Cpuset discarded/],
  ['--cpuset-mems', '0', 'CpusetMems', '0', /Cpuset discarded/],
  ['--memory', '64m', 'Memory', 64 << 20, /memory limit .* Limitation discarded/],
  ['--memory-reservation', '32m', 'MemoryReservation', 32 << 20, /memory soft limit .* Limitation discarded/],
  ['--memory-swap', '96m', 'MemorySwap', 96 << 20, /memory limit .* Limitation discarded|Memory limited without swap/],
  ['--pids-limit', '50', 'PidsLimit', 50, /PIDs limit discarded/],
];
const MADE: Row[] = [
  ...BOTH,
  ['--blkio-weight-device', `/dev/${disk}:300`, 'BlkioWeightDevice', [{ ...rate, Weight: 300 }], /Weight-device disc/],
  ['--device-read-bps', `/dev/${disk}:1kb`, 'BlkioDeviceReadBps', [rate], /BPS read limit discarded/],
  ['--device-read-iops', `/dev/${disk}:1024`, 'BlkioDeviceReadIOps', [rate], /IOPS read limit discarded/],
  ['--device-write-bps', `/dev/${disk}:1kb`, 'BlkioDeviceWriteBps', [rate], /BPS write limit discarded/],
  ['--device-write-iops', `/dev/${disk}:1024`, 'BlkioDeviceWriteIOps', [rate], /IOPS write limit discarded/],
  ['--memory-swappiness', '50', 'MemorySwappiness', 50, /Memory swappiness discarded/],
  ['--oom-kill-disable', 'true', 'OomKillDisable', true, /OomKillDisable discarded/],
];
/** Refused where they can't be had. */
const ALL_OR_NOTHING: Row[] = [
  ['--cpu-rt-period', '20000', 'CpuRealtimePeriod', 20_000, /does not support CPU real-time scheduler/],
  ['--cpu-rt-runtime', '10000', 'CpuRealtimeRuntime', 10_000, /does not support CPU real-time scheduler/],
  ['--cpus', '0.5', 'NanoCpus', 500_000_000, /NanoCPUs can not be set/],
];
const words = (rows: Row[]) => rows.map(([flag, value]) => `${flag}=${value}`);
const limits = async (name: string): Promise<Json> =>
  JSON.parse(await succeed('inspect', '--format', '{{json .HostConfig}}', name));
const expectEither = (is: unknown, said: string, [, , , held, discarded]: Row) =>
  discarded.test(said) ? expect(is).not.toEqual(held) : expect(is).toEqual(held);
const seen = { create: { said: '', host: {} as Json }, update: { said: '', host: {} as Json } };

beforeAll(async () => {
  const made = await wherry(['create', '--name', 'limited', ...ALONE, ...words(MADE), BUSYBOX, 'true']);
  seen.create = { said: made.stderr, host: await limits('limited') };
  await succeed('create', '--name', 'updated', ...ALONE, BUSYBOX, 'true');
  const updated = await wherry(['update', ...words(BOTH), 'updated']);
  seen.update = { said: updated.stdout, host: await limits('updated') };
  expect([made.status, updated.status]).toEqual([0, 0]);
});

test.each(MADE)('create %s is in inspect, or discarded with a warning', (...row) => {
  expectEither(seen.create.host[row[2]], seen.create.said, row);
});

test.each(BOTH)('update %s is in inspect, or discarded with a warning', (...row) => {
  expectEither(seen.update.host[row[2]], seen.update.said, row);
});

test.each(ALL_OR_NOTHING)('create and update %s is in inspect, or refused', async (...row) => {
  const name = `all${row[0]}`;
  const made = await wherry(['create', '--name', name, ...words([row]), BUSYBOX, 'true']);
  if (made.status === 0) expect((await limits(name))[row[2]]).toEqual(row[3]);
  else expect(made.stderr).toMatch(row[4]);
  const updated = await wherry(['update', ...words([row]), 'updated']);
  if (updated.status === 0) expect((await limits('updated'))[row[2]]).toEqual(row[3]);
  else expect(updated.stderr).toMatch(row[4]);
});
