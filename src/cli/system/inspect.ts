import { WherryError } from '#base/error.ts';
import { type Context, command } from '#cli/command.ts';
import { inspectEach } from '#cli/each.ts';
import { FORMAT_SUMMARY } from '#cli/format.ts';
import { boolean, text } from '#cli/values.ts';

interface Wish {
  name: string;
  size: boolean;
}

type Finder = (context: Context, wish: Wish) => Promise<object>;

const SWARM: Finder = async () => {
  throw new WherryError(
    'unavailable',
    'This node is not a swarm manager. Use "docker swarm init" or "docker swarm join" to connect this node to swarm and try again.',
  );
};

/** Docker's kinds of things, in the order in which its message has them. There is no swarm, and there are no plugins. */
const FINDERS: Readonly<Record<string, Finder>> = {
  config: SWARM,
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
  node: SWARM,
  plugin: async (_context, { name }) => {
    throw new WherryError('not-found', `plugin ${JSON.stringify(name)} not found`);
  },
  // Docker's are a swarm's; these are the user's own.
  secret: async ({ store }, { name }) => {
    const [{ needSecret }, { inspectSecret }] = await Promise.all([
      import('#secret/secret.ts'),
      import('#secret/view.ts'),
    ]);
    return inspectSecret(needSecret(store, name));
  },
  service: SWARM,
  task: SWARM,
  volume: async ({ store }, { name }) => {
    const { needVolume } = await import('#volume/volume.ts');
    const { inspectVolume } = await import('#volume/view.ts');
    return inspectVolume(needVolume(store, name));
  },
};

/** Where a name alone is looked for, in Docker's order. */
const LOOKED_FOR = ['container', 'image', 'network', 'volume'];

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
    const types = context.given.has('type') ? [checkType(type ?? '')] : LOOKED_FOR;
    return inspectEach(context, names, (name) => first(context, { name, size }, types), format, {
      ...(types.length > 1
        ? { as: (error) => (error.kind === 'not-found' ? `Error: ${error.message}` : error.message) }
        : {}),
    });
  },
});

function checkType(type: string): string {
  if (Object.hasOwn(FINDERS, type)) return type;
  const known = Object.keys(FINDERS)
    .map((name) => JSON.stringify(name))
    .join(', ');
  const what = type === '' ? 'type is empty' : `unknown type: ${JSON.stringify(type)}`;
  throw new WherryError('invalid', `${what}: must be one of ${known}`);
}

/** What is no name of one kind may be one of the next. */
const ABSENT = new Set(['not-found', 'invalid', 'unavailable']);

/** The first kind of thing that has this name. */
async function first(context: Context, wish: Wish, types: readonly string[]): Promise<object> {
  for (const type of types) {
    refuseEmpty(type, wish.name);
    try {
      const found = await FINDERS[type]?.(context, wish);
      if (found === undefined) continue;
      if (wish.size && type !== 'container') context.err.line(`WARNING: --size ignored for ${type}`);
      return found;
    } catch (error) {
      if (types.length === 1 || !(error instanceof WherryError) || !ABSENT.has(error.kind)) throw error;
    }
  }
  throw new WherryError('not-found', `No such object: ${wish.name}`);
}

/** Docker's client asks its daemon for nothing without a name. */
function refuseEmpty(type: string, name: string): void {
  if (name.trim() !== '' || !LOOKED_FOR.includes(type)) return;
  const isImage = type === 'image';
  throw new WherryError(
    'unsupported',
    isImage ? `Error: No such image: ${name}` : `invalid ${type} name or ID: value is empty`,
  );
}
