/** Small directory trees, written down as tables. */
import { chmodSync, linkSync, mkdirSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { mknod, S_IF, setxattr } from '#sys/ffi.ts';

/**
 * What is planted at a path: a text is a file's content; null is a deletion as overlays have it; the rest by its key.
 * `directory: 'opaque'` hides what is below.
 */
export type Planted =
  | string
  | null
  | { directory: true | 'opaque' }
  | { symlink: string }
  | { link: string }
  | { fifo: true };

/** Makes these in a directory, with what is missing above them; everything has the same time. Gives the directory. */
export function plant(root: string, tree: Readonly<Record<string, Planted>>): string {
  mkdirSync(root, { recursive: true });
  for (const [name, planted] of Object.entries(tree)) {
    const path = join(root, name);
    mkdirSync(dirname(path), { recursive: true });
    if (planted === null) mknod(path, S_IF.CHR);
    else if (typeof planted === 'string') writeFile(path, planted);
    else if ('symlink' in planted) symlinkSync(planted.symlink, path);
    else if ('link' in planted) linkSync(join(root, planted.link), path);
    else if ('fifo' in planted) mknod(path, S_IF.FIFO | 0o644);
    else makeDirectory(path, planted.directory === 'opaque');
  }
  return root;
}

function writeFile(path: string, content: string): void {
  writeFileSync(path, content);
  chmodSync(path, 0o644);
  utimesSync(path, 1_000_000_000, 1_000_000_000);
}

function makeDirectory(path: string, opaque: boolean): void {
  mkdirSync(path, { recursive: true });
  if (opaque) setxattr(path, 'user.overlay.opaque', Buffer.from('y'));
}
