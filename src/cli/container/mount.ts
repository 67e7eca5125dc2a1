import { WherryError } from '#base/error.ts';
import { type Context, command } from '#cli/command.ts';
import { boolean, text } from '#cli/values.ts';
import type { MountedContainer } from '#container/mount.ts';

export default command({
  usage: '[CONTAINER...]',
  summary: "Mount a working container's root filesystem",
  details: `
    The container's files, without its volumes, can be read and changed at the path that is printed, until as many
    unmounts have been made as mounts. They are in your own mount namespace: \`wherry unshare\` brings you there. Without
    a container, what is mounted is listed, the containers that run among it.`,
  examples: [
    {
      does: 'Change a file before the first start',
      line: `wherry unshare sh -c 'echo "Hello" > "$(wherry mount web)/usr/share/nginx/html/index.html"'`,
    },
  ],
  flags: {
    all: { short: 'a', as: boolean, summary: 'Mount all containers' },
    format: { as: text, summary: 'Print the mounted containers in specified format (json)' },
    'no-trunc': { as: boolean, summary: 'Do not truncate output' },
    notruncate: { as: boolean, summary: 'Do not truncate output', hidden: true },
  },
  run: async (context, names, { all, format, noTrunc, notruncate }) => {
    if (format !== undefined && format !== 'json') {
      throw new WherryError('invalid', `unknown --format argument: ${JSON.stringify(format)}`);
    }
    if (all && names.length > 0) throw new WherryError('invalid', 'no arguments are needed with --all');
    const mounted = all || names.length > 0 ? await mountAll(context, all ? undefined : names) : undefined;
    const { mountedContainers } = await import('#container/mount.ts');
    const listed = mounted ?? mountedContainers(context.store);
    if (format === 'json') printJson(context, listed);
    else if (mounted !== undefined) for (const { path } of mounted) context.out.line(path);
    else printList(context, listed, noTrunc || notruncate);
  },
});

/** Undefined: all there are. */
async function mountAll({ store }: Context, names: readonly string[] | undefined): Promise<MountedContainer[]> {
  const { mountContainer } = await import('#container/mount.ts');
  const { listContainers } = await import('#container/names.ts');
  const mounted: MountedContainer[] = [];
  for (const name of names ?? listContainers(store).map(({ id }) => id)) {
    mounted.push(await mountContainer(store, name));
  }
  return mounted;
}

function printList({ out }: Context, mounted: readonly MountedContainer[], whole: boolean): void {
  for (const { id, path } of mounted) out.line(`${whole ? id : id.slice(0, 12)}  ${path}`);
}

function printJson({ out }: Context, mounted: readonly MountedContainer[]): void {
  const list = mounted.map(({ id, name, path }) => ({ id, Names: [name], mountpoint: path }));
  out.line(JSON.stringify(list, null, 1));
}
