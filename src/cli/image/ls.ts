import { WherryError } from '#base/error.ts';
import { command } from '#cli/command.ts';
import { listFormat } from '#cli/config-file.ts';
import { LIST_FORMAT_SUMMARY } from '#cli/format.ts';
import { printRows } from '#cli/table.ts';
import { boolean, filter, text } from '#cli/values.ts';
import { imageRows } from '#image/view.ts';

const HEADERS = {
  Repository: 'REPOSITORY',
  Tag: 'TAG',
  Digest: 'DIGEST',
  ID: 'IMAGE ID',
  CreatedSince: 'CREATED',
  CreatedAt: 'CREATED AT',
  Size: 'SIZE',
  Containers: 'CONTAINERS',
  VirtualSize: 'SIZE',
  SharedSize: 'SHARED SIZE',
  UniqueSize: 'UNIQUE SIZE',
};

export default command({
  usage: '[REPOSITORY[:TAG]]',
  summary: 'List images',
  details: `
    Filters: dangling=true|false, label=KEY[=VALUE], before and since=IMAGE, until=TIME, reference=PATTERN. The newest
    image comes first; SIZE is that of the unpacked layers, also of those that other images share.`,
  examples: [
    { does: 'Images that no name leads to', line: 'wherry images --filter dangling=true' },
    { does: 'Names only', line: "wherry images --format '{{.Repository}}:{{.Tag}}'" },
  ],
  flags: {
    all: { short: 'a', as: boolean, summary: 'Show all images (default hides intermediate images)' },
    digests: { as: boolean, summary: 'Show digests' },
    filter: { short: 'f', as: filter, summary: 'Filter output based on conditions provided' },
    format: { as: text, summary: LIST_FORMAT_SUMMARY },
    'no-trunc': { as: boolean, summary: "Don't truncate output" },
    quiet: { short: 'q', as: boolean, summary: 'Only show image IDs' },
    tree: { as: boolean, summary: 'List multi-platform images as a tree (EXPERIMENTAL)' },
  },
  run: async (context, [name], { digests, filter: filters, format: asked, noTrunc, quiet, tree }) => {
    const wanted = name === undefined ? filters : [...filters, `reference=${name}`];
    if (tree) {
      refuseWithTree({ quiet, noTrunc, digests, format: asked });
      const { imageTree } = await import('#cli/image/tree.ts');
      return imageTree(context, wanted);
    }
    const format = listFormat(context.err, 'imagesFormat', { format: asked, quiet });
    const counted = /\.Containers|^json$|json \./.test(format ?? '');
    const containers = counted ? (await import('#engine/images.ts')).containersByImage(context.store) : undefined;
    const rows = imageRows(context.store, {
      filters: wanted,
      digests: digests || /\.Digest/.test(format ?? ''),
      noTrunc,
      ...(containers === undefined ? {} : { containers }),
    });
    const columns = ['Repository', 'Tag', ...(digests ? ['Digest'] : []), 'ID', 'CreatedSince', 'Size'];
    await printRows(context.out, rows, {
      headers: HEADERS,
      columns,
      format,
      quiet: quiet ? 'ID' : undefined,
      raw: [
        'repository: {{.Repository}}',
        'tag: {{.Tag}}',
        ...(digests ? ['digest: {{.Digest}}'] : []),
        'image_id: {{.ID}}',
        'created_at: {{.CreatedAt}}',
        'virtual_size: {{.Size}}',
      ],
      type: 'imageContext',
      runPrefix: 'template parsing error: ',
    });
  },
});

/** Docker's checks. --all needs none: there are no intermediate images here. */
function refuseWithTree(flags: {
  quiet: boolean;
  noTrunc: boolean;
  digests: boolean;
  format: string | undefined;
}): void {
  const words = { quiet: '--quiet', noTrunc: '--no-trunc', digests: '--show-digest', format: '--format' };
  for (const [flag, word] of Object.entries(words)) {
    if (!flags[flag as keyof typeof words]) continue;
    throw new WherryError('invalid', `${word} is not yet supported with --tree`);
  }
}
