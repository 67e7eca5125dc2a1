/** RUN --mount=type=bind: a tree, or a context, in a step. What is written there is gone with the step. */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { hasCode, WherryError } from '#base/error.ts';
import { maskOf } from '#build/solve/mask.ts';
import type { SolvedMount } from '#build/solve/means.ts';
import { mountByDriver, storageDriver } from '#store/driver.ts';
import { layerPath } from '#store/layers.ts';
import type { Store } from '#store/store.ts';
import { bindInRoot } from '#sys/bind.ts';
import { unmountTree } from '#sys/overlay.ts';

export interface BoundSource {
  path: string;
  close: () => void;
}

/** place: a directory that is not there yet. Throws kind `not-found` where the source has no such path. */
export async function openSource(store: Store, mount: SolvedMount, place: string): Promise<BoundSource> {
  const at = (name: string) => join(place, name);
  for (const name of ['upper', 'work', 'tree', 'empty', 'mask']) mkdirSync(at(name), { recursive: true, mode: 0o755 });
  const lower = lowerOf(store, mount, at('mask'));
  if ((await storageDriver(store)).driver === 'copy') {
    const { flatten } = await import('#container/flatten.ts');
    await flatten(lower.toReversed(), at('tree'));
    return bound(mount, at);
  }
  const overlay = { lower: [...lower, at('empty')], upper: at('upper'), work: at('work'), target: at('tree') };
  await mountByDriver(store, { ...overlay, volatile: true }, 'a mount of a build step');
  return bound(mount, at);
}

/** The part that is asked for, of the tree that is there. */
function bound(mount: SolvedMount, at: (name: string) => string): BoundSource {
  const close = () => {
    unmountTree(at('part'));
    unmountTree(at('tree'));
  };
  try {
    bindInRoot(at('tree'), mount.source ?? '/', at('part'));
    return { path: at('part'), close };
  } catch (error) {
    close();
    if (!hasCode(error, 'ENOENT', 'ENOTDIR')) throw error;
    const path = (mount.source ?? '/').replace(/^\/*/, '/');
    const message = `failed to compute cache key: failed to calculate checksum of ref: "${path}": not found`;
    throw new WherryError('not-found', message, { cause: error });
  }
}

function lowerOf(store: Store, { from }: SolvedMount, mask: string): string[] {
  if (from === undefined) return [];
  if (from.kind === 'tree') return from.layers.map(({ diffId }) => layerPath(store, diffId)).reverse();
  const { source } = from;
  const top = source.tree.find('');
  if (top === undefined) return [];
  const directory = Buffer.from(top.at, 'latin1').toString();
  if (source.filter === undefined) return [directory];
  maskOf(source, mask);
  return [mask, directory];
}
