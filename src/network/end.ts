/** The end of the user's network namespace and of all that serves it, at once and not when its time has come. */
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { enterRoom } from '#network/leases.ts';
import { USER } from '#network/link.ts';
import type { Store } from '#store/store.ts';
import { releaseNamespace } from '#sys/netns.ts';
import { signalProcess } from '#sys/process.ts';

const SIGTERM = 15;

/** For when no container is left. */
export async function endNetworks(store: Store): Promise<void> {
  using room = await enterRoom(store);
  const { outside, servers = {}, lingerer } = room.state;
  // First the one that would do the same.
  for (const one of [lingerer, outside, ...Object.values(servers)]) {
    if (one !== undefined) await signalProcess(one.pid, one.start, SIGTERM);
  }
  await releaseNamespace(join(room.folder, USER));
  rmSync(join(room.folder, 'state.json'), { force: true });
}
