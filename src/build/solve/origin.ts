/** A cache's first content: a directory of a tree, copied. */
import { chmodSync, chownSync } from 'node:fs';
import { copyInto } from '#build/solve/copy.ts';
import type { Solved } from '#build/solve/means.ts';
import { matchSources } from '#build/solve/source.ts';
import { readTree } from '#build/solve/tree.ts';
import { treeSource } from '#build/solve/trees.ts';
import { finishUpper, openUpper } from '#build/solve/upper.ts';
import type { CopyAction } from '#build/vertex.ts';
import type { Store } from '#store/store.ts';

/** Into an empty directory, which gets the owner and the mode of the one that is copied. Throws kind `not-found` where the tree has no such path. */
export async function copyTree(store: Store, from: Solved, path: string, directory: string): Promise<void> {
  const source = from.kind === 'source' ? from.source : treeSource(store, from.layers);
  const action: CopyAction = {
    action: 'copy',
    from: 0,
    source: path,
    target: '/',
    exclude: [],
    unpack: false,
    wildcard: false,
    allowEmpty: false,
    followLinks: true,
    contentsOnly: true,
    createTarget: true,
  };
  const upper = openUpper(directory, readTree({ layers: [], marks: false }));
  const matched = matchSources(source, action);
  await copyInto(upper, { action, source, matched });
  finishUpper(upper);
  const top = matched[0]?.found;
  if (top === undefined || !top.stat.isDirectory()) return;
  chownSync(directory, Number(top.stat.uid), Number(top.stat.gid));
  chmodSync(directory, Number(top.stat.mode) & 0o7777);
}
