/** Completion of what is there at the moment: containers, images, networks, volumes and secrets by name. */
import { WherryError } from '#base/error.ts';
import { shortId } from '#base/text.ts';
import type { Store } from '#engine/open.ts';

/** A word, and what it is. */
export type Candidate = readonly [word: string, about: string];

type Look = (store: Store) => Promise<Candidate[]>;

/** Containers in one of these states; without any, all of them. */
const containers =
  (...states: readonly string[]): Look =>
  async (store) => {
    const { listSeen, statusOf } = await import('#container/view.ts');
    return listSeen(store, { all: true })
      .filter(({ state }) => states.length === 0 || states.includes(statusOf(state)))
      .map(({ record }) => [record.name, record.image.reference]);
  };

const images: Look = async (store) => {
  const [{ listed }, { familiarTags }] = await Promise.all([import('#image/names.ts'), import('#image/view.ts')]);
  const named = (image: ReturnType<typeof listed>[number]): Candidate[] =>
    familiarTags(image).map(([repository, tag]) => [`${repository}:${tag}`, shortId(image.id)]);
  return listed(store).flatMap(named);
};

const networks: Look = async (store) => {
  const { listNetworks } = await import('#network/records.ts');
  const own = listNetworks(store).map(({ name, driver }): Candidate => [name, driver]);
  const known = new Set(own.map(([name]) => name));
  const builtIn = ['bridge', 'host', 'none'].filter((name) => !known.has(name));
  return [...own, ...builtIn.map((name): Candidate => [name, 'network'])];
};

const volumes: Look = async (store) => {
  const { listVolumes } = await import('#volume/volume.ts');
  return listVolumes(store).map(({ Name }) => [Name, 'volume']);
};

const secrets: Look = async (store) => {
  const { listSecrets } = await import('#secret/secret.ts');
  return listSecrets(store).map(({ name }) => [name, 'secret']);
};

const every: Look = async (store) => {
  const lists = await Promise.all([containers(), images, networks, volumes].map((look) => look(store)));
  return lists.flat();
};

const NAMES = {
  containers: containers(),
  runningContainers: containers('running', 'paused', 'restarting'),
  unpausedContainers: containers('running', 'restarting'),
  pausedContainers: containers('paused'),
  stoppedContainers: containers('created', 'exited'),
  images,
  networks,
  volumes,
  secrets,
  every,
} satisfies Record<string, Look>;

export type NameKind = keyof typeof NAMES;

/** What is there now. A store that is damaged, or not there yet, has no answers: a shell has no place for errors. */
export async function namesOf(kind: NameKind): Promise<Candidate[]> {
  try {
    const { peekStore } = await import('#engine/open.ts');
    const store = peekStore();
    return store === undefined ? [] : await NAMES[kind](store);
  } catch (error) {
    if (error instanceof WherryError || (error as NodeJS.ErrnoException).code !== undefined) return [];
    throw error;
  }
}
