import { command } from '#cli/command.ts';
import { findContainer } from '#container/names.ts';
import { containerChanges } from '#container/tree.ts';

export default command({
  usage: 'CONTAINER',
  summary: "Inspect changes to files or directories on a container's filesystem",
  details: `
    A: added, C: changed, D: deleted, each since the container was made from its image. What is in volumes is not told
    of.`,
  examples: [{ does: 'What a build left behind', line: 'wherry diff builder' }],
  flags: {},
  run: (context, [name = '']) => {
    const changes = containerChanges(context.store, findContainer(context.store, name));
    const lines = Array.from(changes, ({ kind, path }) => `${kind} /${path}\n`).join('');
    // Names are bytes, and come as such.
    context.out.write(Buffer.from(lines, 'latin1'));
  },
});
