import { asInvalid } from '#base/error.ts';
import { command } from '#cli/command.ts';
import { boolean } from '#cli/values.ts';

export default command({
  usage: '[MANIFEST_LIST] MANIFEST',
  summary: 'Display an image manifest, or manifest list',
  details: 'A list that lies here comes before one of the same name at the registry.',
  examples: [{ does: 'Which platforms there are', line: 'wherry manifest inspect debian' }],
  flags: {
    insecure: { as: boolean, summary: 'Allow communication with an insecure registry' },
    verbose: { short: 'v', as: boolean, summary: 'Output additional info including layers and platform' },
  },
  store: false,
  run: async (context, names, { insecure, verbose }) => {
    const { inspectManifest } = await import('#image/manifest-list.ts');
    const [list, name = ''] = names.length > 1 ? names : [undefined, ...names];
    try {
      context.out.line(await inspectManifest(name, { list, insecure, verbose, abort: context.abort }));
    } catch (error) {
      throw asInvalid(error);
    }
  },
});
