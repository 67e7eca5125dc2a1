import { WherryError } from '#base/error.ts';
import { humanSize } from '#base/units.ts';
import { type Context, command } from '#cli/command.ts';
import { boolean } from '#cli/values.ts';
import { splitCopyArgument } from '#container/copy-paths.ts';
import type { Copied } from '#engine/copy.ts';

export default command({
  usage: 'CONTAINER:SRC_PATH DEST_PATH|-',
  otherUsage: 'cp [OPTIONS] SRC_PATH|- CONTAINER:DEST_PATH',
  summary: [
    'Copy files/folders between a container and the local filesystem',
    '',
    "Use '-' as the source to read a tar archive from stdin",
    'and extract it to a directory destination in a container.',
    "Use '-' as the destination to stream a tar archive of a",
    'container source to stdout.',
  ].join('\n'),
  details: `
    The container may run or not; its volumes are there, and of one that runs its tmpfs, too. What is copied goes into a
    destination that is a directory, and takes its name else; a source that ends in \`/.\` is what is in it, without
    itself. A destination that ends in \`/\` has to be a directory.

    Owners are kept by number, as they are seen inside: your own files are root's in the container. With --archive all
    that goes in belongs to the container's user, where it has one. What comes out is yours. A tar archive may be
    compressed by gzip, zstd, bzip2 or xz.`,
  examples: [
    { does: "Get a container's configuration", line: 'wherry cp web:/etc/nginx/nginx.conf .' },
    { does: 'Put what is in a directory into another one', line: 'wherry cp site/. web:/usr/share/nginx/html' },
    { does: 'See what is in a directory', line: 'wherry cp web:/etc/nginx - | tar -t' },
  ],
  flags: {
    archive: { short: 'a', as: boolean, summary: 'Archive mode (copy all uid/gid information)' },
    'follow-link': { short: 'L', as: boolean, summary: 'Always follow symbol link in SRC_PATH' },
    quiet: {
      short: 'q',
      as: boolean,
      summary:
        'Suppress progress output during copy. Progress output is automatically suppressed if no terminal is attached',
    },
  },
  run: async (context, [from = '', to = ''], { archive, followLink, quiet }) => {
    if (from === '') throw new WherryError('invalid', 'source can not be empty');
    if (to === '') throw new WherryError('invalid', 'destination can not be empty');
    const [source, target] = [splitCopyArgument(from), splitCopyArgument(to)];
    if (source.container !== '' && target.container !== '') {
      throw new WherryError('invalid', 'copying between containers is not supported');
    }
    if (source.container === '' && target.container === '') {
      throw new WherryError('invalid', 'must specify at least one container source');
    }
    const { copyIn, copyOut } = await import('#engine/copy.ts');
    const quietly = context.given.has('quiet') ? quiet : !context.out.isTerminal;
    if (source.container !== '') {
      if (to === '-') {
        await copyOut(context.store, { ...source, to: (piece) => context.out.write(piece), followLink });
        return;
      }
      await shown(context, 'Copying from container - ', quietly, (progress) =>
        copyOut(context.store, { ...source, to: target.path, followLink, progress }),
      );
      return;
    }
    await shown(context, 'Copying to container - ', quietly, (progress) =>
      copyIn(context.store, {
        ...target,
        from: from === '-' ? process.stdin : source.path,
        followLink,
        archive,
        progress,
      }),
    );
  },
});

/** Docker's: the terminal is not written to more often, in milliseconds. */
const PAUSE = 75;

const size = (bytes: number) => humanSize(bytes, 3);

/** How far it is, on a terminal, and in the end how much it was. */
async function shown(
  { err }: Context,
  header: string,
  quiet: boolean,
  copy: (progress: (bytes: number) => void) => Promise<Copied>,
): Promise<void> {
  const drawn = !quiet && err.isTerminal;
  let last = 0;
  const progress = (bytes: number) => {
    if (!drawn || Date.now() - last < PAUSE) return;
    last = Date.now();
    err.write(`\r\x1b[2K${header}${size(bytes)}`);
  };
  const copied = await copy(progress).finally(() => last > 0 && err.write('\r\x1b[2K'));
  if (!quiet) err.line(`Successfully copied ${size(copied.bytes)} to ${copied.place}`);
}
