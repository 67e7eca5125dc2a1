/** --exclude and --parents: which files below what is copied an action means. */
import type { Filter } from '#build/solve/source.ts';
import type { CopyAction } from '#build/vertex.ts';

/** Undefined: all. */
export function pickOf({ exclude, include }: CopyAction): Filter | undefined {
  if (exclude.length === 0 && include === undefined) return undefined;
  return undefined;
}
