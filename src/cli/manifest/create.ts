import { asInvalid } from '#base/error.ts';
import { command } from '#cli/command.ts';
import { boolean } from '#cli/values.ts';

export default command({
  usage: 'MANIFEST_LIST MANIFEST [MANIFEST...]',
  summary: 'Create a local manifest list for annotating and pushing to a registry',
  details: `
    The manifests are images of one platform each, which a registry has already. The list is kept where docker keeps its
    own, ~/.docker/manifests, until it is pushed and removed.`,
  examples: [
    {
      does: 'One name for two processors',
      line: 'wherry manifest create registry.example/app:1 registry.example/app:1-amd64 registry.example/app:1-arm64',
    },
  ],
  flags: {
    amend: { short: 'a', as: boolean, summary: 'Amend an existing manifest list' },
    insecure: { as: boolean, summary: 'Allow communication with an insecure registry' },
  },
  store: false,
  run: async (context, [list = '', ...manifests], { amend, insecure }) => {
    const { createList } = await import('#image/manifest-list.ts');
    try {
      const name = await createList(list, manifests, { amend, insecure, abort: context.abort });
      context.out.line(`Created manifest list ${name}`);
    } catch (error) {
      throw asInvalid(error);
    }
  },
});
