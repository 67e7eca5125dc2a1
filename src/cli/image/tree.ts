/** `images --tree`: an image on one line with all its names before it. */
import type { Context } from '#cli/command.ts';
import { formatTable } from '#cli/table.ts';
import { containersByImage } from '#engine/images.ts';
import { imageTreeRows } from '#image/view.ts';

/** Prints the images as a table with one image a line; further names of an image stand above it. */
export async function imageTree(context: Context, filters: readonly string[]): Promise<void> {
  const used = containersByImage(context.store);
  const rows = imageTreeRows(context.store, filters).flatMap(({ names, id, size, content, fullId }) => {
    const last = names.at(-1) ?? '<untagged>';
    const above = names.slice(0, -1).map((name) => [name, '', '', '', '']);
    return [...above, [last, id, size, content, used.has(fullId) ? 'U' : '']];
  });
  context.err.line("WARNING: This is an experimental feature. The output may change and shouldn't be depended on.");
  context.out.write(await formatTable([['IMAGE', 'ID', 'DISK USAGE', 'CONTENT SIZE', 'EXTRA'], ...rows]));
}
