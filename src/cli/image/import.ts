import { command, given } from '#cli/command.ts';
import { list, text } from '#cli/values.ts';

export default command({
  usage: 'file|URL|- [REPOSITORY[:TAG]]',
  summary: 'Import the contents from a tarball to create a filesystem image',
  details: `
    The archive may be plain or compressed by gzip, zstd, bzip2 or xz (the last two need the program of that name). The
    image has one layer and no settings but those of --change, which takes the instructions CMD, ENTRYPOINT, ENV, EXPOSE,
    HEALTHCHECK, LABEL, ONBUILD, STOPSIGNAL, USER, VOLUME and WORKDIR.`,
  examples: [
    {
      does: 'An image of what a container has become, in one layer',
      line: `wherry export web | wherry import --change 'CMD ["nginx"]' - web:flat`,
    },
  ],
  flags: {
    change: { short: 'c', as: list, summary: 'Apply Dockerfile instruction to the created image' },
    message: { short: 'm', as: text, summary: 'Set commit message for imported image' },
    platform: { as: text, summary: 'Set platform if server is multi-platform capable' },
  },
  run: async (context, [source = '', name], { change, message, platform }) => {
    const { importArchive } = await import('#engine/import.ts');
    const id = await importArchive(context.store, {
      source: source === '-' ? undefined : source,
      stream: process.stdin,
      ...given({ name, message, platform }),
      changes: change,
      progress: (event) => event.kind === 'message' && context.out.line(event.text),
      abort: context.abort,
    });
    context.out.line(id);
  },
});
