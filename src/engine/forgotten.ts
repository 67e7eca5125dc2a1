/** Containers made with --rm whose end nobody saw: the machine went down, or the log-out took all of the user's. */
import { listContainers } from '#container/names.ts';
import { hasMonitor, isRunning, readState } from '#container/state.ts';
import { cleanupContainer } from '#engine/start.ts';
import type { Store } from '#store/store.ts';

/** Removes them. What can't be removed stays, for `rm` to say why. Those that never ran stay, as with Docker. */
export async function removeForgotten(store: Store): Promise<void> {
  for (const { id, hostConfig } of listContainers(store)) {
    if (!hostConfig.AutoRemove) continue;
    const state = readState(store, id);
    if (state === undefined || isRunning(state) || hasMonitor(store, state)) continue;
    await cleanupContainer(store, id).catch(() => undefined);
  }
}
