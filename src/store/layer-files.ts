/** A layer's directory as the members of its archive: what unpacking that archive would make of it is the same again. */
import { lstatSync, readdirSync } from 'node:fs';
import type { Packable } from '#store/pack.ts';
import { raw } from '#store/tree.ts';
import { OPAQUE, WHITEOUT } from '#store/whiteout.ts';
import { getxattr } from '#sys/ffi.ts';

const EPOCH = { seconds: 0, nanoseconds: 0 };

/**
 * All of a layer, a directory before what is in it, names sorted by bytes. Deletions are files with reserved names; they
 * have no time of their own, so that the archive depends on what can be seen of the directory alone.
 */
export function* layerFiles(root: string): Generator<Packable, void, void> {
  yield* below(Buffer.from(root).toString('latin1'), '');
}

function* below(at: string, above: string): Generator<Packable, void, void> {
  const names = readdirSync(raw(at), { encoding: 'latin1' as 'utf8' });
  for (const name of names.sort()) {
    const path = above === '' ? name : `${above}/${name}`;
    const there = `${at}/${name}`;
    const stat = lstatSync(raw(there), { bigint: true });
    if (stat.isCharacterDevice() && stat.rdev === 0n) {
      yield mark(above, `${WHITEOUT}${name}`);
      continue;
    }
    yield { path, at: there, stat, live: false };
    if (!stat.isDirectory()) continue;
    if (isOpaque(there)) yield mark(path, OPAQUE);
    yield* below(there, path);
  }
}

const isOpaque = (at: string) => getxattr(raw(at), 'user.overlay.opaque')?.toString() === 'y';

function mark(above: string, name: string): Packable {
  return { kind: 'file', name: above === '' ? name : `${above}/${name}`, mode: 0o600, modified: EPOCH };
}
