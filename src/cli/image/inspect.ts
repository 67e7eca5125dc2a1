import { command, given } from '#cli/command.ts';
import { inspectEach } from '#cli/each.ts';
import { FORMAT_SUMMARY } from '#cli/format.ts';
import { text } from '#cli/values.ts';
import { inspectImage } from '#image/view.ts';

export default command({
  usage: 'IMAGE [IMAGE...]',
  summary: 'Display detailed information on one or more images',
  examples: [{ does: 'What an image runs', line: "wherry image inspect -f '{{json .Config.Cmd}}' localhost/busybox" }],
  flags: {
    format: { short: 'f', as: text, summary: FORMAT_SUMMARY },
    platform: {
      as: text,
      summary: `Inspect a specific platform of the multi-platform image.
If the image or the server is not multi-platform capable, the command will error out if the platform does not match.
'os[/arch[/variant]]': Explicit platform (eg. linux/amd64)`,
    },
  },
  run: (context, names, { format, platform }) =>
    inspectEach(context, names, (name) => inspectImage(context.store, name, given({ platform })), format),
});
