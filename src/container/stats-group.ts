/** What a container's own cgroup says that it uses: version 2, else version 1 as root has it on older machines. */
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { ownGroup } from '#container/processes.ts';
import { labelled, type Usage } from '#container/stats-proc.ts';
import { readText } from '#sys/file.ts';

/** What is undefined the group does not count: it lacks the controller. */
export type GroupUsage = { [K in keyof Usage]?: number } & {
  /** Bytes of memory that it may use; Infinity: no limit. */
  limit?: number;
};

export function groupUsage(pid: number, id: string): GroupUsage {
  const group = ownGroup(pid, id);
  return group === undefined ? version1(pid, id) : version2(group, lowestGroup(pid));
}

/** cgroups(7), Documentation/admin-guide/cgroup-v2.rst. Docker leaves out the page cache that could be dropped at once. */
function version2(group: string, lowest: string): GroupUsage {
  const text = (file: string) => readText(join(group, file));
  const usage: GroupUsage = {};
  const cpu = text('cpu.stat');
  if (cpu !== undefined) usage.cpu = labelled(cpu, 'usage_usec') * 1000;
  const memory = text('memory.current');
  if (memory !== undefined) {
    usage.memory = withoutCache(Number(memory), labelled(text('memory.stat') ?? '', 'inactive_file'));
    usage.limit = lowestLimit(group, lowest);
  }
  const io = text('io.stat');
  if (io !== undefined) {
    usage.read = total(io, /\brbytes=(\d+)/g);
    usage.written = total(io, /\bwbytes=(\d+)/g);
  }
  const pids = text('pids.current');
  if (pids !== undefined) usage.pids = Number(pids);
  return usage;
}

/** The first process's own group: some runtimes make one more below the container's, and limit that. */
const lowestGroup = (pid: number) =>
  join('/sys/fs/cgroup', /^0::(.*)$/m.exec(readText(`/proc/${pid}/cgroup`) ?? '')?.[1] ?? '');

/** The least of the limits from the first process's group up to the container's. */
function lowestLimit(group: string, lowest: string): number {
  const limits = [];
  for (let at = lowest; at.startsWith(group); at = dirname(at))
    limits.push(readLimit(readText(join(at, 'memory.max'))));
  return Math.min(...limits);
}

function version1(pid: number, id: string): GroupUsage {
  const groups = readText(`/proc/${pid}/cgroup`) ?? '';
  const text = (controller: string, file: string) => {
    const path = new RegExp(`^\\d+:(?:[^:]*,)?${controller}(?:,[^:]*)?:(.*)$`, 'm').exec(groups)?.[1];
    if (!path?.includes(id)) return undefined;
    const mounts = ['', 'cpu,cpuacct'].map((name) => join('/sys/fs/cgroup', name || controller, path, file));
    return readText(mounts.find((place) => existsSync(place)) ?? '');
  };
  const usage: GroupUsage = {};
  const cpu = text('cpuacct', 'cpuacct.usage');
  if (cpu !== undefined) usage.cpu = Number(cpu);
  const memory = text('memory', 'memory.usage_in_bytes');
  if (memory !== undefined) {
    const cache = labelled(text('memory', 'memory.stat') ?? '', 'total_inactive_file');
    usage.memory = withoutCache(Number(memory), cache);
    usage.limit = readLimit(text('memory', 'memory.limit_in_bytes'));
  }
  const io = text('blkio', 'blkio.throttle.io_service_bytes_recursive');
  if (io !== undefined) {
    usage.read = total(io, /^\S+ Read (\d+)$/gm);
    usage.written = total(io, /^\S+ Write (\d+)$/gm);
  }
  const pids = text('pids', 'pids.current');
  if (pids !== undefined) usage.pids = Number(pids);
  return usage;
}

const withoutCache = (used: number, cache: number) => (cache < used ? used - cache : used);

const readLimit = (text: string | undefined) =>
  text === undefined || text.startsWith('max') ? Number.POSITIVE_INFINITY : Number(text);

const total = (text: string, pattern: RegExp) =>
  [...text.matchAll(pattern)].reduce((sum, [, number]) => sum + Number(number), 0);
