import { WherryError } from '#base/error.ts';
import { command } from '#cli/command.ts';
import { text } from '#cli/values.ts';

export default command({
  usage: 'IMAGE [IMAGE]',
  summary: "Inspect changes to the image's file systems",
  details: `
    A: added, C: changed, D: deleted, each in comparison with the layers below the image's top layer, or with the second
    image.`,
  examples: [{ does: 'What the last instruction of a build has changed', line: 'wherry image diff mine/server' }],
  flags: {
    format: { as: text, summary: 'Change the output format (json)' },
  },
  run: async (context, [name = '', other], { format }) => {
    if (format !== undefined && format !== 'json') {
      throw new WherryError('invalid', "only supported value for '--format' is 'json'");
    }
    const { imageChanges } = await import('#image/diff.ts');
    const changes = await imageChanges(context.store, name, other);
    const lines =
      format === undefined
        ? changes.map(({ kind, path }) => `${kind} /${path}\n`).join('')
        : `${JSON.stringify(grouped(changes), null, 5)}\n`;
    // Names are bytes, and come as such.
    context.out.write(Buffer.from(lines, 'latin1'));
  },
});

const GROUPS = { changed: 'C', added: 'A', deleted: 'D' } as const;

/** podman's form: a list of paths for each kind that there is. */
function grouped(changes: readonly { kind: string; path: string }[]): Record<string, string[]> {
  const lists = Object.entries(GROUPS).map(([name, kind]): [string, string[]] => [
    name,
    changes.filter((change) => change.kind === kind).map(({ path }) => `/${path}`),
  ]);
  return Object.fromEntries(lists.filter(([, paths]) => paths.length > 0));
}
