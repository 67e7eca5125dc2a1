/** What a context leaves out, as a layer that hides it: for who mounts the directory itself. */
import { lstatSync, mkdirSync } from 'node:fs';
import type { Source } from '#build/solve/source.ts';
import { joined } from '#build/solve/tree.ts';
import { raw } from '#store/tree.ts';
import type { Directory } from '#store/union.ts';
import { mknod, S_IF } from '#sys/ffi.ts';

/** Fills an empty directory with deletions. */
export function maskOf({ tree, filter }: Source, directory: string): void {
  const top = tree.directory('');
  if (filter === undefined || top === undefined) return;
  const at = Buffer.from(directory).toString('latin1');
  hide(top, '');

  function hide(of: Directory, above: string): void {
    for (const name of of.names()) {
      const found = of.find(name);
      if (found === undefined) continue;
      const path = joined(above, name);
      const text = Buffer.from(path, 'latin1').toString();
      const isDirectory = found.stat.isDirectory();
      const isTaken = filter?.takes(text, isDirectory) ?? true;
      if (!isTaken && !(isDirectory && filter?.enters(text))) {
        makeParents(above);
        mknod(raw(`${at}/${path}`), S_IF.CHR);
      } else if (isDirectory) {
        using below = of.enter(name);
        if (below !== undefined) hide(below, path);
      }
    }
  }

  function makeParents(path: string): void {
    if (path === '' || lstatSync(raw(`${at}/${path}`), { throwIfNoEntry: false }) !== undefined) return;
    makeParents(path.slice(0, Math.max(0, path.lastIndexOf('/'))));
    const { mode } = tree.find(path)?.stat ?? { mode: 0o755n };
    mkdirSync(raw(`${at}/${path}`), Number(mode) & 0o7777);
  }
}
