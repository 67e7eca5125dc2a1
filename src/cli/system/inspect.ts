import { WherryError } from '#base/error.ts';
import { type Context, command } from '#cli/command.ts';
import { inspectEach } from '#cli/each.ts';
import { FORMAT_SUMMARY } from '#cli/format.ts';
import { boolean, text } from '#cli/values.ts';

/** Docker's kinds of things, in its order; those without a function need a daemon or a swarm. */
const TYPES = ['config', 'container', 'image', 'network', 'node', 'plugin', 'secret', 'service', 'task', 'volume'];

interface Wish {
  name: string;
  size: boolean;
}

const FINDERS: Record<string, (context: Context, wish: Wish) => Promise<object>> = {
  container: async ({ store }, { name, size }) => {
    const { describeContainer } = await import('#cli/describe.ts');
    return describeContainer(store, name, { size });
  },
  image: async ({ store }, { name }) => {
    const { inspectImage } = await import('#image/view.ts');
    return inspectImage(store, name);
  },
  network: async ({ store }, { name }) => {
    const { inspectNetwork } = await import('#engine/networking.ts');
    return inspectNetwork(store, name);
  },
  volume: async ({ store }, { name }) => {
    const { needVolume } = await import('#volume/volume.ts');
    const { inspectVolume } = await import('#volume/view.ts');
    return inspectVolume(needVolume(store, name));
  },
};

export default command({
  usage: 'NAME|ID [NAME|ID...]',
  summary: 'Return low-level information on Docker objects',
  details:
    'Looks for a container of this name or id, then for an image, a network, a volume; --type says which to look for.',
  examples: [{ does: "A container's state", line: "wherry inspect -f '{{.State.Status}}' web" }],
  flags: {
    format: { short: 'f', as: text, summary: FORMAT_SUMMARY },
    size: { short: 's', as: boolean, summary: 'Display total file sizes if the type is container' },
    type: { as: text, summary: 'Only inspect objects of the given type' },
  },
  run: (context, names, { format, size, type }) => {
    const finders = findersOf(type);
    return inspectEach(context, names, (name) => first(context, { name, size }, finders), format, {
      ...(finders.length > 1
        ? { as: (error) => (error.kind === 'not-found' ? `Error: ${error.message}` : error.message) }
        : {}),
    });
  },
});

type Finder = (context: Context, wish: Wish) => Promise<object>;

function findersOf(type: string | undefined): Finder[] {
  if (!type) return Object.values(FINDERS);
  const finder = FINDERS[type];
  if (finder !== undefined) return [finder];
  if (!TYPES.includes(type)) {
    const known = TYPES.map((name) => JSON.stringify(name)).join(', ');
    throw new WherryError('invalid', `unknown type: ${JSON.stringify(type)}: must be one of ${known}`);
  }
  throw new WherryError('unsupported', `Cannot inspect things of the type "${type}"`, {
    hint: `Use one of ${Object.keys(FINDERS).join(', ')}`,
  });
}

/** The first kind of thing that has this name. */
async function first(context: Context, wish: Wish, finders: readonly Finder[]): Promise<object> {
  for (const find of finders) {
    try {
      return await find(context, wish);
    } catch (error) {
      const absent = error instanceof WherryError && (error.kind === 'not-found' || error.kind === 'invalid');
      if (!absent || finders.length === 1) throw error;
    }
  }
  throw new WherryError('not-found', `No such object: ${wish.name}`);
}
