/** What a running container does at its end: its monitor is told when that changes. */
import type { RestartPolicy } from '#base/api.ts';
import type { HealthAction } from '#base/extras.ts';
import { listenToMonitor } from '#container/ear.ts';
import type { Store } from '#store/store.ts';

/**
 * Gives the monitor of a container its new restart policy, which counts from the next end on; a restart that is due
 * already comes, as with Docker. When it resolves the monitor knows. Without a monitor nothing is to be told: the next
 * start reads the record, so write that first.
 */
export async function tellRestartPolicy(
  store: Store,
  id: string,
  { Name: name, MaximumRetryCount: most }: RestartPolicy,
): Promise<void> {
  await tell(store, id, `policy ${name || 'no'} ${most}`);
}

/** The same for what is done to it when it is found unhealthy. */
export async function tellHealthAction(store: Store, id: string, action: HealthAction): Promise<void> {
  await tell(store, id, `unhealthy ${action}`);
}

/** The answer begins with the word's beginning. */
async function tell(store: Store, id: string, word: string): Promise<void> {
  const ear = listenToMonitor(store, id);
  ear?.say(word);
  await ear?.answer(word.replace(/ .*/, ''), 'exit');
  ear?.hangUp();
}
