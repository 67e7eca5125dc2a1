/** What a build that was killed left running: its steps end before their files go. */
import { readdirSync } from 'node:fs';
import { hostFacts } from '#container/facts.ts';
import { forgetInRuntime, runtimeOf } from '#container/monitor.ts';
import { STEP } from '#network/leases.ts';
import type { Store } from '#store/store.ts';
import { readText, tryLock } from '#sys/file.ts';

/** Ends the programs of steps that no living command has. Costs a readdir(3) where there are none. */
export async function endLeftSteps(store: Store): Promise<void> {
  const places = readdirSync(store.path('tmp')).filter((name) => name.startsWith('step-') && !name.endsWith('.lock'));
  for (const place of places) {
    using held = await tryLock(store.path('tmp', place)).catch(() => undefined);
    const id = held === undefined ? undefined : readText(store.path('tmp', place, 'id'));
    if (id === undefined || !/^[\w-]+$/.test(id) || !id.startsWith(STEP)) continue;
    const { manager } = hostFacts(store).cgroup;
    await forgetInRuntime(store, id, runtimeOf(store, { hostConfig: { Runtime: '' } }, { cgroupManager: manager }));
  }
}
