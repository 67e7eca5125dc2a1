import { asInvalid } from '#base/error.ts';
import { command } from '#cli/command.ts';
import { boolean } from '#cli/values.ts';

export default command({
  usage: 'MANIFEST_LIST',
  summary: 'Push a manifest list to a repository',
  details: `
    Its manifests have to be in the same registry; those of other repositories are linked into the list's own.`,
  examples: [{ does: 'And forget it here', line: 'wherry manifest push --purge registry.example/app:1' }],
  flags: {
    insecure: { as: boolean, summary: 'Allow push to an insecure registry' },
    purge: { short: 'p', as: boolean, summary: 'Remove the local manifest list after push' },
  },
  store: false,
  run: async (context, [name = ''], { insecure, purge }) => {
    const { pushList } = await import('#image/manifest-list.ts');
    const pushed = (ref: string, digest: string) => context.out.line(`Pushed ref ${ref} with digest: ${digest}`);
    try {
      context.out.line(await pushList(name, { insecure, purge, pushed, abort: context.abort }));
    } catch (error) {
      throw asInvalid(error);
    }
  },
});
