/** Where a container's published ports lead: its monitor is told when that changes. */
import { listenToMonitor } from '#container/ear.ts';
import type { Store } from '#store/store.ts';

/** Addresses by the version; none: the container is on no network that leads to it. near: see MonitorOptions. */
export interface Inside {
  addresses: Partial<Record<4 | 6, string>>;
  near: readonly string[];
}

/** Has the monitor of a running container forward to other addresses. Connections that are open go on as long as they can. */
export async function tellInside(store: Store, id: string, { addresses, near }: Inside): Promise<void> {
  const ear = listenToMonitor(store, id);
  if (ear === undefined) return;
  const words = [`lead ${Object.values(addresses).join(' ')}`, ...near.map((subnet) => `near ${subnet}`)];
  for (const word of words) {
    ear.say(word);
    await ear.answer(word.startsWith('lead') ? 'leads' : 'near', 'exit');
  }
  ear.hangUp();
}
