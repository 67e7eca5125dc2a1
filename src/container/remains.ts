/** What a monitor that was killed left in the runtime directory: its registration, its socket, the runtime's state. */
import { existsSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { hostFacts } from '#container/facts.ts';
import { forgetInRuntime, runtimeOf } from '#container/monitor.ts';
import type { ContainerRecord } from '#container/record.ts';
import { isRegistered, socketPath } from '#container/state.ts';
import type { Store } from '#store/store.ts';

/** A container whose record need not be whole. */
type Remaining = Pick<ContainerRecord, 'id'> & Partial<Pick<ContainerRecord, 'hostConfig'>>;

/**
 * Removes all of it, and ends what the runtime started without anybody's noting it. Under the container's lock. What
 * belongs to a monitor that lives is left to that one.
 */
export async function removeRemains(store: Store, { id, hostConfig }: Remaining): Promise<void> {
  if (isRegistered(store, id)) return;
  rmSync(join(store.runtime, 'monitors', id), { force: true });
  rmSync(socketPath(store, id), { force: true });
  if (!readdirSync(store.runtime).some((kind) => existsSync(join(store.runtime, kind, id)))) return;
  const { manager: cgroupManager } = hostFacts(store).cgroup;
  await forgetInRuntime(
    store,
    id,
    runtimeOf(store, { hostConfig: { Runtime: hostConfig?.Runtime ?? '' } }, { cgroupManager }),
  );
}
