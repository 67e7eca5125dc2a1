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
  const own = mountNamespaceOf(pid);
  return own === undefined ? [] : processIds().filter((one) => mountNamespaceOf(one) === own);
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
export const processIds = (): number[] => readdirSync('/proc').map(Number).filter(Number.isInteger);

/** A container has a mount namespace of its own, whatever namespaces it shares with others. Undefined: gone, or not ours. */
export function mountNamespaceOf(pid: number): string | undefined {
  try {
    return readlinkSync(`/proc/${pid}/ns/mnt`);
  } catch (error) {
    if (hasCode(error, 'ENOENT', 'ESRCH', 'EACCES', 'EPERM')) return undefined;
    throw error;
  }
}
