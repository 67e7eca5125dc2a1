/** Which of the machine's processes are a container's: those of its cgroup, else those in its mount namespace. */
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';
import { hasCode } from '#base/error.ts';
import type { State } from '#container/record.ts';
import { readText } from '#sys/file.ts';

/** The pids of a container that runs, in no order. A process that is just coming or going may be missed. */
export function containerProcesses(id: string, { pid }: State): number[] {
  const group = ownGroup(pid, id);
  const members = group === undefined ? undefined : groupMembers(group);
  if (members !== undefined) return members;
  return membersOf(pid);
}

/** All processes, by pid: the mount namespace (undefined: not ours to see), and the parent. */
export type ProcessTable = ReadonlyMap<number, { namespace: string | undefined; parent: number }>;

export function readProcessTable(): ProcessTable {
  const own = mountNamespaceOf(process.pid);
  return new Map(
    processIds().map((pid) => {
      const namespace = mountNamespaceOf(pid);
      // Of those in our own, and of others' processes, no container descends.
      return [pid, { namespace, parent: namespace === undefined || namespace === own ? 0 : parentOf(pid) }];
    }),
  );
}

/**
 * The processes in the mount namespace of a container's first one, which is the container's own whatever it shares with
 * others, and all that descend from these: a process inside may have made further namespaces.
 */
export function membersOf(first: number, table: ProcessTable = readProcessTable()): number[] {
  const own = mountNamespaceOf(first);
  // Whoever is taken for a container's first process, and is in our own, is none.
  if (own === undefined || own === mountNamespaceOf(process.pid)) return [];
  const members = new Set([...table].filter(([, { namespace }]) => namespace === own).map(([pid]) => pid));
  for (let size = 0; size < members.size; ) {
    size = members.size;
    for (const [pid, { parent }] of table) if (members.has(parent)) members.add(pid);
  }
  return [...members];
}

/** proc_pid_stat(5), field 4; 0: gone. */
function parentOf(pid: number): number {
  const text = readText(`/proc/${pid}/stat`) ?? '';
  return Number(text.slice(text.lastIndexOf(')') + 2).split(' ')[1] ?? 0);
}

/** The directory of the container's own cgroup (version 2), which has its ID in its name; any other is not its alone. */
export function ownGroup(pid: number, id: string): string | undefined {
  const group = /^0::(.*)$/m.exec(readText(`/proc/${pid}/cgroup`) ?? '')?.[1];
  if (group === undefined || !group.includes(id)) return undefined;
  const end = group.indexOf('/', group.indexOf(id));
  return join('/sys/fs/cgroup', end === -1 ? group : group.slice(0, end));
}

/** All processes of a group and of those below it; undefined where it can't be seen. */
function groupMembers(group: string): number[] | undefined {
  try {
    const own = readFileSync(join(group, 'cgroup.procs'), 'latin1').split('\n').filter(Boolean).map(Number);
    const below = readdirSync(group, { withFileTypes: true }).filter((entry) => entry.isDirectory());
    return [...own, ...below.flatMap(({ name }) => groupMembers(join(group, name)) ?? [])];
  } catch (error) {
    if (hasCode(error, 'ENOENT', 'EACCES', 'ENODEV', 'EOPNOTSUPP')) return undefined;
    throw error;
  }
}

/** All pids that /proc has now. */
const processIds = (): number[] => readdirSync('/proc').map(Number).filter(Number.isInteger);

/** A container has a mount namespace of its own, whatever namespaces it shares with others. Undefined: gone, or not ours. */
function mountNamespaceOf(pid: number): string | undefined {
  try {
    return readlinkSync(`/proc/${pid}/ns/mnt`);
  } catch (error) {
    if (hasCode(error, 'ENOENT', 'ESRCH', 'EACCES', 'EPERM')) return undefined;
    throw error;
  }
}
