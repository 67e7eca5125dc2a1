import { command } from '#cli/command.ts';
import { boolean } from '#cli/values.ts';
import type { Checked } from '#engine/check.ts';

export default command({
  usage: '',
  summary: 'Check the store for damage, and mend it',
  details: `
    Looks for missing, truncated and altered blobs; for layers that are missing or not as their blob has them (names,
    kinds, sizes, modes, owners and times of change; contents are not read); for blobs and layers that nothing needs;
    and for records of images, containers, names, volumes and networks that are malformed, missing or lead nowhere. Each
    is named on a line with its path and what to do.

    --repair unpacks layers from their blobs again, writes anew what can be told from the rest, removes what nothing
    needs, and removes images that are lost, saying how to get them back. An image that has lost no more than the blob of
    a layer stays: it runs, but can't be pushed or saved before it is pulled again. What is of no use, but may be of
    value, such as the files of a container without a record, is moved to lost/ in the store.

    Other commands may run meanwhile; removing images waits. The exit status is 0 when the store is whole or all was
    mended, else 1.`,
  examples: [
    { does: 'Is everything there?', line: 'wherry system check --quick' },
    { does: 'Mend what a full disk or a power cut broke', line: 'wherry system check --repair' },
  ],
  flags: {
    quick: { short: 'q', as: boolean, summary: 'Check presence and sizes only, read no contents' },
    repair: { short: 'r', as: boolean, summary: 'Mend what can be mended' },
  },
  run: async (context, _args, { quick, repair }) => {
    const { checkStore } = await import('#engine/check.ts');
    const count = { left: 0, mended: 0, mendable: 0 };
    for await (const found of checkStore(context.store, { quick, repair, abort: context.abort })) {
      context.out.line(lineOf(found, repair));
      if (found.known) continue;
      if (found.mended) count.mended += 1;
      else {
        count.left += 1;
        if (found.mendable) count.mendable += 1;
      }
    }
    context.out.line(summary(context.program, count, repair));
    return count.left === 0 ? 0 : 1;
  },
});

function lineOf({ path, what, advice, mended, mendable, error, known }: Checked, repair: boolean): string {
  const about = `${path}: ${what}`;
  if (known) return `${about} (known: ${advice})`;
  if (mended) return `${about}; repaired: ${advice}`;
  if (error !== undefined) return `${about}; not repaired: ${error.message}`;
  return mendable && !repair ? `${about}; --repair: ${advice}` : `${about}; ${advice}`;
}

function summary(
  program: string,
  { left, mended, mendable }: { left: number; mended: number; mendable: number },
  repair: boolean,
): string {
  const damages = (count: number) => (count === 1 ? '1 damage' : `${count} damages`);
  if (left + mended === 0) return 'No damage found';
  if (repair) return left === 0 ? `${damages(mended)} repaired` : `${damages(mended)} repaired, ${left} left`;
  const hint = mendable > 0 ? `; to mend them: ${program} system check --repair` : '';
  return `${damages(left)} found${hint}`;
}
