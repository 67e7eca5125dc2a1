/** The last resort where nothing can be mounted: a container's root as a plain copy of its image's layers. */
import { type Dirent, lstatSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { WherryError } from '#base/error.ts';
import { getxattr } from '#sys/ffi.ts';
import { run } from '#sys/process.ts';

/** Copies the layers, lowest first, into `target`; deletions (whiteouts, opaque directories) are carried out. */
export async function flatten(layers: readonly string[], target: string): Promise<void> {
  for (const layer of layers) {
    const whiteouts = makeWay(layer, target, '');
    const done = await run('cp', ['-a', '--reflink=auto', `${layer}/.`, target]);
    if (done.status !== 0) {
      throw new WherryError('unavailable', `Cannot copy a layer to "${target}": ${done.stderr.trim().split('\n')[0]}`);
    }
    for (const path of whiteouts) rmSync(join(target, path), { force: true });
  }
}

/** Removes from `target` what the layer hides or replaces by another kind; gives the whiteouts' paths. */
function makeWay(layer: string, target: string, below: string): string[] {
  const whiteouts: string[] = [];
  const here = join(layer, below);
  if (below !== '' && isOpaque(here)) {
    for (const name of list(join(target, below))) remove(join(target, below, name.name));
  }
  for (const entry of list(here)) {
    const path = join(below, entry.name);
    if (isMark(entry, join(layer, path))) {
      whiteouts.push(path);
      remove(join(target, path));
    } else if (entry.isDirectory()) {
      if (isOtherThanDirectory(join(target, path))) remove(join(target, path));
      whiteouts.push(...makeWay(layer, target, path));
    } else {
      remove(join(target, path));
    }
  }
  return whiteouts;
}

/** How layers mark an opaque directory where the file system has no attributes of users. */
const OPAQUE = '.wh..wh..opq';

/** A whiteout, or the mark of an opaque directory: carried out, and not kept. */
function isMark(entry: Dirent, path: string): boolean {
  return entry.name === OPAQUE || (entry.isCharacterDevice() && lstatSync(path).rdev === 0);
}

function isOpaque(directory: string): boolean {
  if (lstatSync(join(directory, OPAQUE), { throwIfNoEntry: false }) !== undefined) return true;
  return getxattr(directory, 'user.overlay.opaque')?.toString() === 'y';
}

function list(path: string): Dirent[] {
  return isOtherThanDirectory(path) ? [] : readdirSync(path, { withFileTypes: true });
}

function isOtherThanDirectory(path: string): boolean {
  const stat = lstatSync(path, { throwIfNoEntry: false });
  return stat === undefined || !stat.isDirectory();
}

const remove = (path: string) => rmSync(path, { recursive: true, force: true });
