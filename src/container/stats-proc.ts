/** What processes use, by /proc: for containers without a cgroup of their own, or with one that lacks a controller. */
import { readText } from '#sys/file.ts';

/** Sums over a container's processes. What a process used that nobody waited for in time is lost with it. */
export interface Usage {
  /** Nanoseconds of processors, since their start. */
  cpu: number;
  /** Bytes; what several share counts for each in part (proc_pid_smaps(5), Pss). */
  memory: number;
  /** Bytes from and to disks. */
  read: number;
  written: number;
  /** Threads, as a cgroup counts them. */
  pids: number;
}

/** sysconf(_SC_CLK_TCK) is 100 on every Linux that we run on. */
const TICK = 1e7;

export function processUsage(pids: readonly number[]): Usage {
  const sum: Usage = { cpu: 0, memory: 0, read: 0, written: 0, pids: 0 };
  for (const pid of pids) {
    const stat = readText(`/proc/${pid}/stat`);
    if (stat === undefined) continue;
    // proc_pid_stat(5), from field 3 on; the second may hold anything.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    const number = (field: number) => Number(fields[field - 3] ?? 0);
    sum.cpu += (number(14) + number(15) + number(16) + number(17)) * TICK;
    sum.pids += number(20);
    sum.memory += memoryOf(pid);
    const io = quiet(() => readText(`/proc/${pid}/io`)) ?? '';
    sum.read += labelled(io, 'read_bytes');
    sum.written += labelled(io, 'write_bytes');
  }
  return sum;
}

function memoryOf(pid: number): number {
  const rollup = quiet(() => readText(`/proc/${pid}/smaps_rollup`));
  if (rollup) return labelled(rollup, 'Pss') * 1024;
  return labelled(readText(`/proc/${pid}/status`) ?? '', 'VmRSS') * 1024;
}

/** Some files are for the process's owner alone, and one that is just ending has no memory. */
function quiet<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch {
    return undefined;
  }
}

/** `Name:   12 kB` or `name: 12` in a file of lines; 0 where there is none. */
export function labelled(text: string, name: string): number {
  return Number(new RegExp(`^${name}:?\\s+(\\d+)`, 'm').exec(text)?.[1] ?? 0);
}

/** Bytes that came in and went out by all of a process's network devices but the loopback (proc_pid_net(5), dev). */
export function networkUsage(pid: number): { received: number; sent: number } {
  const total = { received: 0, sent: 0 };
  for (const line of (readText(`/proc/${pid}/net/dev`) ?? '').split('\n')) {
    const [, name = 'lo', counts = ''] = /^\s*([^:]+):(.*)$/.exec(line) ?? [];
    if (name === 'lo') continue;
    const fields = counts.trim().split(/\s+/).map(Number);
    total.received += fields[0] ?? 0;
    total.sent += fields[8] ?? 0;
  }
  return total;
}
