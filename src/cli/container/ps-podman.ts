/** What podman's `ps` can beside Docker's: --ns and --sort. */
import { type NamespaceKind, namespacesOf } from '#container/namespaces.ts';
import type { psRow, Seen } from '#container/view.ts';

/** A row, and the container that it is about. */
export interface Shown {
  seen: Seen;
  row: ReturnType<typeof psRow>;
  /** Bytes of its own files, where they were measured. */
  bytes: number;
}

const COLUMNS: Readonly<Record<string, NamespaceKind>> = {
  CGROUPNS: 'cgroup',
  IPC: 'ipc',
  MNT: 'mnt',
  NET: 'net',
  PIDNS: 'pid',
  USERNS: 'user',
  UTS: 'uts',
};

/** The row with podman's columns beside its own: the namespaces of the container's first process. */
export function withNamespaces(row: Shown['row'], { state }: Seen): Shown['row'] {
  const numbers = namespacesOf(state);
  for (const [column, kind] of Object.entries(COLUMNS)) {
    Object.defineProperty(row, column, { value: numbers[kind], enumerable: true });
  }
  return Object.defineProperty(row, 'PID', { value: String(state?.pid ?? 0), enumerable: true });
}

export const SORTS = ['command', 'created', 'id', 'image', 'names', 'runningfor', 'size', 'status'] as const;

const KEYS: Readonly<Record<(typeof SORTS)[number], (shown: Shown) => string | number>> = {
  command: ({ row }) => row.Command,
  created: ({ seen }) => seen.record.created,
  id: ({ seen }) => seen.record.id,
  image: ({ row }) => row.Image,
  names: ({ row }) => row.Names,
  runningfor: ({ seen }) => seen.state?.startedAt ?? '',
  size: ({ bytes }) => bytes,
  status: ({ row }) => row.State,
};

/** Ascending; those that are alike stay in their order. */
export function sortRows(rows: readonly Shown[], by: (typeof SORTS)[number]): Shown[] {
  const keyed = rows.map((shown) => ({ shown, key: KEYS[by](shown) }));
  keyed.sort((one, other) => (one.key < other.key ? -1 : one.key > other.key ? 1 : 0));
  return keyed.map(({ shown }) => shown);
}
