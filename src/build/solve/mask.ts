/** What a context leaves out, as a layer that hides it: for who mounts the directory itself. */
import { lstatSync, mkdirSync } from 'node:fs';
import type { Filter, Source } from '#build/solve/source.ts';
import { joined, type TreeReader, textOf } from '#build/solve/tree.ts';
import { parentOf, raw } from '#store/tree.ts';
import type { Directory } from '#store/union.ts';
import { mknod, S_IF } from '#sys/ffi.ts';

/** Fills an empty directory with deletions. */
export function maskOf({ tree, filter }: Source, directory: string): void {
  const top = tree.directory('');
  if (filter === undefined || top === undefined) return;
  const at = Buffer.from(directory).toString('latin1');
  for (const path of leftOut(top, '', filter)) {
    makeParents(tree, at, parentOf(path));
    mknod(raw(`${at}/${path}`), S_IF.CHR);
  }
}

/** What is left out: of a directory with all that is in it only itself. */
function* leftOut(of: Directory, above: string, filter: Filter): Generator<string, void, void> {
  for (const name of of.names()) {
    const found = of.find(name);
    if (found === undefined) continue;
    const path = joined(above, name);
    const [shown, isDirectory] = [textOf(path), found.stat.isDirectory()];
    if (!filter.takes(shown, isDirectory) && !(isDirectory && filter.enters(shown))) yield path;
    else if (isDirectory) {
      using below = of.enter(name);
      if (below !== undefined) yield* leftOut(below, path, filter);
    }
  }
}

function makeParents(tree: TreeReader, at: string, path: string): void {
  if (path === '' || lstatSync(raw(`${at}/${path}`), { throwIfNoEntry: false }) !== undefined) return;
  makeParents(tree, at, parentOf(path));
  const { mode } = tree.find(path)?.stat ?? { mode: 0o755n };
  mkdirSync(raw(`${at}/${path}`), Number(mode) & 0o7777);
}
