/** Which namespaces a running container's first process is in (namespaces(7)). */
import { readlinkSync } from 'node:fs';
import { hasCode } from '#base/error.ts';
import type { State } from '#container/record.ts';
import { isRunning } from '#container/state.ts';

/** The kernel's names of the kinds. */
const KINDS = ['cgroup', 'ipc', 'mnt', 'net', 'pid', 'user', 'uts'] as const;

export type NamespaceKind = (typeof KINDS)[number];

/** The number of each namespace as text; empty for a container that does not run. */
export function namespacesOf(state: State | undefined): Record<NamespaceKind, string> {
  const number = (kind: NamespaceKind) => (isRunning(state) ? read(state.pid, kind) : '');
  return Object.fromEntries(KINDS.map((kind) => [kind, number(kind)])) as Record<NamespaceKind, string>;
}

/** `net:[4026532644]`. The process may just have ended. */
function read(pid: number, kind: NamespaceKind): string {
  try {
    return /\d+/.exec(readlinkSync(`/proc/${pid}/ns/${kind}`))?.[0] ?? '';
  } catch (error) {
    if (hasCode(error, 'ENOENT', 'ESRCH', 'EACCES', 'EPERM')) return '';
    throw error;
  }
}
