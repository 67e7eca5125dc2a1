import { expect, test } from 'vitest';
import { type Sample, statsRow, takeSamples } from '#container/stats.ts';
import { addContainer, recordOf, stateOf } from '#test/support/container.ts';
import { temporaryStore } from '#test/support/store.ts';

const record = recordOf();
const options = { container: 'web', truncate: true };

const look = (change: Partial<Sample> = {}): Sample => ({
  pid: 7,
  cpu: 0,
  memory: 0,
  read: 0,
  written: 0,
  pids: 1,
  limit: 0,
  received: 0,
  sent: 0,
  machine: 0,
  processors: 2,
  ...change,
});

const between = (before: Partial<Sample>, after: Partial<Sample>) =>
  statsRow(record, { before: look(before), after: look(after) }, options);

test('one processor of two in full use is 100 %', () => {
  expect(between({ machine: 10e9, cpu: 5e9 }, { machine: 12e9, cpu: 6e9 }).CPUPerc).toBe('100.00%');
});

test.each<[string, Partial<Sample>, Partial<Sample>]>([
  ['another run', { pid: 7, cpu: 1e9, machine: 1e9 }, { pid: 8, cpu: 2e9, machine: 2e9 }],
  ['processes that went with what they used', { cpu: 2e9, machine: 1e9 }, { cpu: 1e9, machine: 2e9 }],
  ['no time in between', { cpu: 1e9, machine: 1e9 }, { cpu: 2e9, machine: 1e9 }],
])('after %s nothing is said of the processors', (_what, before, after) => {
  expect(between(before, after).CPUPerc).toBe('0.00%');
});

test('sizes are written as Docker writes them', () => {
  const now = { memory: 25 << 20, limit: 100 << 20, received: 1500, sent: 2.5e6, read: 4096, written: 0, pids: 12 };
  expect(between({}, now)).toEqual({
    BlockIO: '4.1kB / 0B',
    CPUPerc: '0.00%',
    Container: 'web',
    ID: 'c'.repeat(12),
    MemPerc: '25.00%',
    MemUsage: '25MiB / 100MiB',
    Name: 'web',
    NetIO: '1.5kB / 2.5MB',
    PIDs: '12',
  });
});

test('before the first look is over there are dashes', () => {
  const row = statsRow(record, { before: undefined, after: undefined }, { ...options, truncate: false });
  expect(row).toMatchObject({
    ID: record.id,
    CPUPerc: '--',
    MemUsage: '-- / --',
    MemPerc: '--',
    NetIO: '--',
    PIDs: '--',
  });
});

test('a container that does not run uses nothing', () => {
  const store = temporaryStore();
  addContainer(store, record, stateOf({ status: 'exited' }));
  expect(takeSamples(store, [record]).get(record.id)).toMatchObject({ pid: 0, memory: 0, limit: 0, pids: 0 });
});
