import { WherryError } from '#base/error.ts';
import { composeCommand } from '#cli/compose/project.ts';
import { boolean, text } from '#cli/values.ts';

export default composeCommand({
  usage: 'REPOSITORY[:TAG]',
  summary: 'Publish compose application',
  details: `
    It is refused: projects are read from registries (-f oci://NAME) and not written there. A project is shared as its
    files, and its images with "compose push".`,
  store: false,
  flags: {
    app: { as: boolean, summary: 'Published compose application (includes referenced images)' },
    'oci-version': {
      as: text,
      summary: 'OCI image/artifact specification version (automatically determined by default)',
    },
    'resolve-image-digests': { as: boolean, summary: 'Pin image tags to digests' },
    'with-env': { as: boolean, summary: 'Include environment variables in the published OCI artifact' },
    yes: { short: 'y', as: boolean, summary: 'Assume "yes" as answer to all prompts' },
  },
  run: (_context, [repository = '']) => {
    throw new WherryError(
      'unsupported',
      `Cannot publish to ${repository}: projects are read from registries (-f oci://NAME), and not written there`,
      {
        hint: 'Share the files as they are, and the images by `wherry compose push`; `wherry compose config --resolve-image-digests` pins them',
      },
    );
  },
});
