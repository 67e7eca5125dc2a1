import { command } from '#cli/command.ts';
import { tagImage } from '#image/names.ts';

export default command({
  usage: 'SOURCE_IMAGE[:TAG] TARGET_IMAGE[:TAG]',
  summary: 'Create a tag TARGET_IMAGE that refers to SOURCE_IMAGE',
  details: 'A name that another image has moves; that image stays, without this name.',
  examples: [
    { does: 'Keep the image that runs now under a name of its own', line: 'wherry tag web:latest web:before' },
  ],
  flags: {},
  run: (context, [source = '', target = '']) => tagImage(context.store, source, target),
});
