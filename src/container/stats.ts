/** stats: what containers use, worked out from two looks at them as Docker's client does (cli, calculateCPUPercentUnix). */
import { bytesSize, humanSize } from '#base/units.ts';
import { membersOf, type ProcessTable, readProcessTable } from '#container/processes.ts';
import type { ContainerRecord } from '#container/record.ts';
import { readState } from '#container/state.ts';
import { groupUsage } from '#container/stats-group.ts';
import { labelled, networkUsage, processUsage, type Usage } from '#container/stats-proc.ts';
import type { Store } from '#store/store.ts';
import { readText } from '#sys/file.ts';

/** One look at a container; bytes, and nanoseconds of processors. All 0 while it does not run. */
export interface Sample extends Usage {
  /** The first process: another one is another run. */
  pid: number;
  limit: number;
  received: number;
  sent: number;
  /** Of the whole machine, at the same moment. */
  machine: number;
  processors: number;
}

/** Looks at containers at one moment. */
export function takeSamples(store: Store, records: readonly ContainerRecord[]): Map<string, Sample> {
  let table: ProcessTable | undefined;
  const processes = (pid: number) => {
    table ??= readProcessTable();
    return processUsage(membersOf(pid, table));
  };
  return new Map(records.map((record) => [record.id, sampleOf(store, record, processes)]));
}

function sampleOf(store: Store, record: ContainerRecord, processes: (pid: number) => Usage): Sample {
  const state = readState(store, record.id);
  const isThere = state !== undefined && state.status !== 'exited' && state.pid > 0;
  if (!isThere) return { ...NOTHING, ...machineTime() };
  const group = groupUsage(state.pid, record.id);
  const counted = ['cpu', 'memory', 'read', 'written', 'pids'] as const;
  const rest = counted.every((name) => group[name] !== undefined) ? NOTHING : processes(state.pid);
  // The host's own devices are nobody's.
  const network = record.hostConfig.NetworkMode === 'host' ? NOTHING : networkUsage(state.pid);
  return {
    pid: state.pid,
    cpu: group.cpu ?? rest.cpu,
    memory: group.memory ?? rest.memory,
    read: group.read ?? rest.read,
    written: group.written ?? rest.written,
    pids: group.pids ?? rest.pids,
    limit: Math.min(group.limit ?? Number.POSITIVE_INFINITY, machineMemory()),
    received: network.received,
    sent: network.sent,
    ...machineTime(),
  };
}

const NOTHING = {
  pid: 0,
  cpu: 0,
  memory: 0,
  read: 0,
  written: 0,
  pids: 0,
  limit: 0,
  received: 0,
  sent: 0,
} as const;

/** The first line of proc_stat(5): user to softirq, in hundredths of seconds; and how many processors are online. */
function machineTime(): { machine: number; processors: number } {
  const lines = (readText('/proc/stat') ?? '').split('\n');
  const all = (lines[0] ?? '').trim().split(/\s+/).slice(1, 8);
  const machine = all.reduce((sum, field) => sum + Number(field), 0) * 1e7;
  return { machine, processors: lines.filter((line) => /^cpu\d/.test(line)).length };
}

const machineMemory = () => labelled(readText('/proc/meminfo') ?? '', 'MemTotal') * 1024;

export interface RowOptions {
  /** As the user named it, else its ID. */
  container: string;
  truncate: boolean;
}

/** A line with Docker's fields. before, after: two looks; without the second there is nothing to say yet. */
export function statsRow(
  record: Pick<ContainerRecord, 'id' | 'name'>,
  looks: { before: Sample | undefined; after: Sample | undefined },
  { container, truncate }: RowOptions,
) {
  const { before, after } = looks;
  const known = (text: (now: Sample) => string) => (after === undefined ? '--' : text(after));
  return {
    BlockIO: known(({ read, written }) => `${humanSize(read)} / ${humanSize(written)}`),
    CPUPerc: known((now) => percent(processorShare(before, now))),
    Container: container,
    ID: truncate ? record.id.slice(0, 12) : record.id,
    MemPerc: known(({ memory, limit }) => percent(limit === 0 ? 0 : (memory / limit) * 100)),
    MemUsage: after === undefined ? '-- / --' : `${bytesSize(after.memory)} / ${bytesSize(after.limit)}`,
    Name: record.name,
    NetIO: known(({ received, sent }) => `${humanSize(received)} / ${humanSize(sent)}`),
    PIDs: known(({ pids }) => String(pids)),
  };
}

const percent = (value: number) => `${value.toFixed(2)}%`;

/** Percent of one processor between two looks at the same run. */
function processorShare(before: Sample | undefined, after: Sample): number {
  if (before === undefined || before.pid !== after.pid) return 0;
  const [used, passed] = [after.cpu - before.cpu, after.machine - before.machine];
  return used > 0 && passed > 0 ? (used / passed) * after.processors * 100 : 0;
}
