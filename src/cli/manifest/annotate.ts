import { asInvalid } from '#base/error.ts';
import { command, given } from '#cli/command.ts';
import { strings, text } from '#cli/values.ts';

export default command({
  usage: 'MANIFEST_LIST MANIFEST',
  summary: 'Add additional information to a local image manifest',
  details: 'Changes what the list says about the platform of one of its manifests; the manifest itself stays.',
  examples: [
    {
      does: 'Say which ARM it is',
      line: 'wherry manifest annotate --variant v7 registry.example/app:1 registry.example/app:1-arm',
    },
  ],
  flags: {
    arch: { as: text, summary: 'Set architecture' },
    os: { as: text, summary: 'Set operating system' },
    'os-features': { as: strings, summary: 'Set operating system feature' },
    'os-version': { as: text, summary: 'Set operating system version' },
    variant: { as: text, summary: 'Set architecture variant' },
  },
  store: false,
  run: async (_context, [list = '', manifest = ''], { arch, os, osFeatures, osVersion, variant }) => {
    const { annotateEntry } = await import('#image/manifest-list.ts');
    try {
      annotateEntry(list, manifest, given({ architecture: arch, os, osFeatures, osVersion, variant }));
    } catch (error) {
      throw asInvalid(error);
    }
  },
});
