/** A volume's content as a tar archive (podman volume export). */
import { packTree } from '#store/pack.ts';
import type { Store } from '#store/store.ts';
import { members, openUnion, placeAt } from '#store/union.ts';
import { volumeData } from '#volume/volume.ts';

/** In pieces, each there until the next one is asked for. Containers may be writing in it. */
export function* packVolume(store: Store, name: string): Generator<Buffer, void, void> {
  using root = openUnion({ layers: [placeAt(volumeData(store, name), { live: true })], marks: false });
  yield* packTree(members(root));
}
