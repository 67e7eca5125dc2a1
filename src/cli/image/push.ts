import { asInvalid, WherryError } from '#base/error.ts';
import { command, given } from '#cli/command.ts';
import { showProgress } from '#cli/progress.ts';
import { boolean, text } from '#cli/values.ts';
import { fullName, lacksTag } from '#image/asked.ts';

/** Docker's, with its blank ends. */
const PLATFORM_NOTE = `
 Info -> Using --platform pushes only the specified platform manifest of a multi-platform image index.
         Other components, like attestations, will not be included.
         To push the complete multi-platform image, remove the --platform flag.
         `;

export default command({
  usage: 'NAME[:TAG]',
  summary: 'Upload an image to a registry',
  details: `
    The registry gets the very bytes that were pulled, so the digest stays. Layers that it has already, in this
    repository or in another one that the image is known to come from, are not sent again.`,
  examples: [
    { does: 'Every tag of a repository', line: 'wherry push --all-tags registry.example/team/app' },
    { does: 'For scripts', line: 'wherry push --quiet registry.example/team/app:1.0' },
  ],
  flags: {
    'all-tags': { short: 'a', as: boolean, summary: 'Push all tags of an image to the repository' },
    'disable-content-trust': { as: boolean, default: 'true', summary: 'Skip image signing' },
    platform: {
      as: text,
      summary: `Push a platform-specific manifest as a single-platform image to the registry.
Image index won't be pushed, meaning that other manifests, including attestations won't be preserved.
'os[/arch[/variant]]': Explicit platform (eg. linux/amd64)`,
    },
    quiet: { short: 'q', as: boolean, summary: 'Suppress verbose output' },
  },
  run: async (context, [name = ''], { allTags, disableContentTrust, platform, quiet }) => {
    if (!disableContentTrust) {
      throw new WherryError('unsupported', 'Cannot sign the image: content trust needs a Notary server', {
        hint: 'Leave --disable-content-trust as it is',
      });
    }
    const { checkPlatform, pushImage } = await import('#image/push.ts');
    if (platform) {
      checkPlatform(platform);
      context.out.line(PLATFORM_NOTE);
    }
    if (!allTags && lacksTag(name) && !quiet) context.out.line('Using default tag: latest');
    const progress = showProgress(context.out, { quiet });
    let isStreaming = false;
    const options = given({
      allTags,
      platform,
      abort: context.abort,
      progress: (event: Parameters<typeof progress.report>[0]) => {
        isStreaming = true;
        progress.report(event);
      },
    });
    try {
      await pushImage(context.store, name, options);
    } catch (error) {
      throw isStreaming ? asInvalid(error) : error;
    } finally {
      progress.end();
    }
    if (quiet) context.out.line(fullName(name, { allTags }));
  },
});
