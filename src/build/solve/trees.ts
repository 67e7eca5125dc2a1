/** The layers of a tree as files. */
import { digestFile } from '#build/solve/checksum.ts';
import { treeId } from '#build/solve/keys.ts';
import type { Source } from '#build/solve/source.ts';
import { readTree, type TreeReader } from '#build/solve/tree.ts';
import type { Store } from '#store/store.ts';
import { layerPlaces } from '#store/union.ts';

/** Throws kind `corrupt` when a layer is gone. */
export function treeReader(store: Store, layers: readonly { diffId: string }[]): TreeReader {
  const diffIds = layers.map(({ diffId }) => diffId);
  // Layers that came where directories have no attributes have marks in them; those that were built have none.
  return readTree({ layers: layerPlaces(store, diffIds, 'a tree of a build'), marks: MARKS });
}

/** Files with reserved names are deletions: what unpacking leaves where a file system has no attributes of users. */
const MARKS = true;

/** A tree to copy from; its layers are looked at when it is read, which a cached build never does. */
export function treeSource(store: Store, layers: readonly { diffId: string }[]): Source {
  let tree: TreeReader | undefined;
  const linked = new Map<string, string>();
  return {
    get tree() {
      tree ??= treeReader(store, layers);
      return tree;
    },
    id: treeId(layers),
    digest: (_path, found) => {
      const { dev, ino, nlink } = found.stat;
      if (nlink < 2n) return digestFile(found);
      // busybox has hundreds of names.
      const key = `${dev}:${ino}`;
      const digest = linked.get(key) ?? digestFile(found);
      linked.set(key, digest);
      return digest;
    },
  };
}
