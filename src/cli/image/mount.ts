import { WherryError } from '#base/error.ts';
import { type Context, command } from '#cli/command.ts';
import { boolean, text } from '#cli/values.ts';
import type { MountedImage } from '#image/mount.ts';

export default command({
  usage: '[IMAGE...]',
  summary: "Mount an image's root filesystem",
  details: `
    The image's files can be read at the path that is printed, until as many unmounts have been made as mounts. They are
    in your own mount namespace: \`wherry unshare\` brings you there. Without an image, what is mounted is listed. A
    mounted image is removed by force only.`,
  examples: [
    {
      does: 'Compare a file of an image with your own',
      line: `wherry unshare sh -c 'diff "$(wherry image mount nginx)/etc/nginx/nginx.conf" nginx.conf'`,
    },
  ],
  flags: {
    all: { short: 'a', as: boolean, summary: 'Mount all images' },
    format: { as: text, summary: 'Print the mounted images in specified format (json)' },
  },
  run: async (context, names, { all, format }) => {
    if (format !== undefined && format !== 'json') {
      throw new WherryError('invalid', `unknown --format argument: ${JSON.stringify(format)}`);
    }
    if (all && names.length > 0) {
      throw new WherryError('invalid', 'when using the --all switch, you may not pass any image names or IDs');
    }
    const { mountedImages, mountImage } = await import('#image/mount.ts');
    const { listImages } = await import('#image/names.ts');
    const wanted = all ? listImages(context.store).map(({ id }) => id) : names;
    const mounted: MountedImage[] = [];
    for (const name of wanted) mounted.push(await mountImage(context.store, name));
    const [only] = mounted;
    if (only !== undefined && names.length === 1 && format === undefined) context.out.line(only.path);
    else print(context, wanted.length > 0 || all ? mounted : mountedImages(context.store), format);
  },
});

const isDigest = (name: string) => name.includes('@');

function print(context: Context, mounted: readonly MountedImage[], format: string | undefined): void {
  if (format === 'json') {
    const list = mounted.map(({ id, names, path }) => ({
      id: id.replace('sha256:', ''),
      Names: names.filter(isDigest),
      Repositories: names.filter((name) => !isDigest(name)),
      mountpoint: path,
    }));
    context.out.line(JSON.stringify(list, null, 1));
    return;
  }
  const rows = mounted.map(({ id, names: [name = id.replace('sha256:', '')], path }) => [name, path] as const);
  const width = Math.max(0, ...rows.map(([name]) => name.length));
  for (const [name, path] of rows) context.out.line(`${name.padEnd(width)}  ${path}`);
}
