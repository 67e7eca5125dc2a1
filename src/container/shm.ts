/** /dev/shm of a container that others may share (--ipc shareable): a tmpfs in our own mount namespace. */
import { existsSync, mkdirSync } from 'node:fs';
import type { ContainerRecord } from '#container/record.ts';
import type { Store } from '#store/store.ts';

/** Where it is mounted. */
export function shmPath(store: Store, id: string): string {
  return store.path('containers', id, 'shm');
}

/** Mounts it for a container that wants one; for all others nothing happens. What a killed command left goes first. */
export async function mountShm(store: Store, { id, hostConfig }: ContainerRecord): Promise<void> {
  if (hostConfig.IpcMode !== 'shareable') return;
  const { mount, MS } = await import('#sys/ffi.ts');
  const path = shmPath(store, id);
  await unmountShm(store, id);
  mkdirSync(path, { recursive: true, mode: 0o1777 });
  mount('shm', path, 'tmpfs', MS.NOSUID | MS.NODEV | MS.NOEXEC, `mode=1777,size=${hostConfig.ShmSize}`);
}

/** Unmounts it; containers that share it keep theirs. Nothing to do is fine. */
export async function unmountShm(store: Store, id: string): Promise<void> {
  const path = shmPath(store, id);
  if (!existsSync(path)) return;
  const { unmountTree } = await import('#sys/overlay.ts');
  unmountTree(path);
}
