/**
 * Images that only pass through the store on their way to a registry or into an archive. They have an entry as all have, so
 * that what works on images works on them; without a name, and with a mark (Entry.transient). Each command that needs one
 * holds its configuration meanwhile (holdImage), so that of several who have made the same the last one takes it away.
 */
import { type Entry, readCatalog } from '#image/catalog.ts';
import { type ImageUser, idOf, removing } from '#image/remove.ts';
import type { Store } from '#store/store.ts';

/**
 * Takes those away that no command at work holds any more, a killed one's too. What has got a name, or a container,
 * meanwhile stays. Nobody is told: nobody was told that they came.
 */
export async function dropTransient(store: Store, usedBy: () => readonly ImageUser[]): Promise<void> {
  const passes = ({ name, transient }: Entry) => transient === true && name === undefined;
  if (!readCatalog(store).some(passes)) return;
  await removing(store, usedBy, (entries, { users, held }) => {
    const isNeeded = (id: string) => held.blobs.has(id) || users.some(({ image }) => image === id);
    const kept = entries.filter((entry) => !passes(entry) || isNeeded(idOf(entry)));
    return kept.length === entries.length ? undefined : kept;
  });
}
