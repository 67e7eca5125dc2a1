import { shortId } from '#base/text.ts';
import { ago, humanSize } from '#base/units.ts';
import { printList } from '#cli/compose/list.ts';
import { composeCommand } from '#cli/compose/project.ts';
import { projectName } from '#cli/compose/target.ts';
import { goJson } from '#cli/gofmt.ts';
import { boolean, text } from '#cli/values.ts';
import { projectImages } from '#compose/view/images.ts';

export default composeCommand({
  usage: '[SERVICE...]',
  summary: 'List images used by the created containers',
  examples: [{ does: 'The IDs alone', line: 'wherry compose images --quiet' }],
  flags: {
    format: { as: text, default: 'table', summary: 'Format the output. Values: [table | json]' },
    quiet: { short: 'q', as: boolean, summary: 'Only display IDs' },
  },
  run: async (context, services, { format, quiet }) => {
    const images = projectImages(context.store, await projectName(context), services);
    if (quiet) {
      for (const id of new Set(images.map(({ ID }) => ID.replace(/^[^:]*:/, '')))) context.out.line(id);
      return;
    }
    const cells = images.map((image) => [
      image.ContainerName,
      image.Repository || '<none>',
      image.Tag || '<none>',
      image.Platform,
      shortId(image.ID),
      humanSize(image.Size),
      ago(image.LastTagTime),
    ]);
    const headers = ['CONTAINER', 'REPOSITORY', 'TAG', 'PLATFORM', 'IMAGE ID', 'SIZE', 'CREATED'];
    if (format.toLowerCase() !== 'json') return printList(context.out, format, { headers, cells, json: images });
    // A nil slice, and two line feeds, as compose's.
    context.out.line(`${goJson(images.length > 0 ? images : null)}\n`);
  },
});
