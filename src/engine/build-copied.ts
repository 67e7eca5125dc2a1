/** A step's root where nothing can be mounted: a copy of the tree; what differs in the end is what the step has changed. */
import { closeSync, openSync, rmSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { flatten } from '#container/flatten.ts';
import { type Change, compareTrees } from '#store/changes.ts';
import { layerPath } from '#store/layers.ts';
import { packTree } from '#store/pack.ts';
import type { Store } from '#store/store.ts';
import { raw } from '#store/tree.ts';
import { layerPlaces, placeAt } from '#store/union.ts';
import { unpackFiles } from '#store/unpack-files.ts';
import { mknod, S_IF } from '#sys/ffi.ts';

interface Copied {
  /** Lowest first. */
  diffIds: readonly string[];
  /** The step's own directory; `merged` in it gets the copy. */
  place: string;
  /** Gets the changes, with deletions as an overlay has them. */
  upper: string;
}

export async function withCopiedRoot(
  store: Store,
  { diffIds, place, upper }: Copied,
  run: () => Promise<void>,
): Promise<void> {
  const root = join(place, 'merged');
  await flatten(
    diffIds.map((diffId) => layerPath(store, diffId)),
    root,
  );
  await run();
  const before = { layers: layerPlaces(store, diffIds, 'the tree of a build step'), marks: true };
  const changes = () => compareTrees(before, { layers: [placeAt(root)], marks: false });
  const archive = join(place, 'changes.tar');
  writeArchive(archive, changes());
  await unpackFiles(store, archive, upper);
  rmSync(archive);
  const at = Buffer.from(upper).toString('latin1');
  for (const { path, found } of changes()) if (found === undefined) mknod(raw(`${at}/${path}`), S_IF.CHR);
}

function writeArchive(path: string, changes: Generator<Change, void, void>): void {
  function* files() {
    for (const { path: at, found } of changes) if (found !== undefined) yield { path: at, ...found };
  }
  const fd = openSync(path, 'wx', 0o600);
  try {
    for (const piece of packTree(files())) for (let at = 0; at < piece.length; ) at += writeSync(fd, piece, at);
  } finally {
    closeSync(fd);
  }
}
