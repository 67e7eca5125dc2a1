/** What an `up` left that was killed between a container's successor and its name: the next one goes on from there. */
import type { Present } from '#compose/apply/identify.ts';
import type { Scope } from '#compose/apply/scope.ts';
import { LABEL } from '#compose/model/labels.ts';
import { findContainer } from '#container/names.ts';
import { renameContainer } from '#engine/rename.ts';
import { removeContainer } from '#engine/start.ts';

/** `OLDID_name`: made in the place of a container that had the name then. */
const TEMPORARY = /^([0-9a-f]{12})_(.+)$/;

/**
 * Half-made successors go as long as those are there whose places they were to take; else they get the names. Gives the
 * project's containers without those that went.
 */
export async function mendReplaced(scope: Scope, present: readonly Present[]): Promise<Present[]> {
  const mended: Present[] = [];
  for (const container of present) {
    const [, old = '', name = ''] = TEMPORARY.exec(container.name) ?? [];
    const isSuccessor = old !== '' && LABEL.replace in container.record.config.Labels;
    if (!isSuccessor || scope.pretended !== undefined) mended.push(container);
    else if (present.some(({ id }) => id.startsWith(old))) {
      await removeContainer(scope.store, container.id, { force: true });
    } else if (present.some((other) => other.name === name)) mended.push(container);
    else {
      await renameContainer(scope.store, container.id, name);
      mended.push({ ...container, name, record: findContainer(scope.store, container.id) });
    }
  }
  return mended;
}
