/**
 * Names for the one builder (`build/builders.json`): builds run in the command itself, but scripts make a builder first
 * (`buildx create --use`), name it in their builds and remove it at the end. Errors are in buildx's words.
 */
import { WherryError } from '#base/error.ts';
import { formatPlatform } from '#base/platform.ts';
import { readPlatforms } from '#build/options.ts';
import type { Store } from '#store/store.ts';
import { lock, makeDirectory, readJson, replace } from '#sys/file.ts';

export interface Builder {
  name: string;
  driver: string;
  /** What its one node is called. */
  node: string;
  /** `--platform`: as they are listed first. */
  platforms: string[];
}

interface Kept {
  builders: Builder[];
  /** The one that builds without --builder; '' is the default. */
  current: string;
}

/** What nobody has to make. */
const DEFAULT: Builder = { name: 'default', driver: 'docker', node: 'default', platforms: [] };

const file = (store: Store) => store.path('build', 'builders.json');
const read = (store: Store): Kept => readJson<Kept>(file(store)) ?? { builders: [], current: '' };

/** All, in the order of their names, the default last; and the name of the current one. */
export function listBuilders(store: Store): { builders: Builder[]; current: string } {
  const { builders, current } = read(store);
  const sorted = [...builders].sort((one, other) => (one.name < other.name ? -1 : 1));
  return { builders: [...sorted, DEFAULT], current: current || DEFAULT.name };
}

/** By its name; without one that of BUILDX_BUILDER, or the current one. Throws kind `not-found`. */
export function needBuilder(store: Store, name = ''): Builder {
  const { builders, current } = listBuilders(store);
  const wanted = name || process.env.BUILDX_BUILDER || current;
  const found = builders.find((builder) => builder.name === wanted);
  if (found !== undefined) return found;
  throw new WherryError('not-found', `no builder ${JSON.stringify(wanted)} found`, {
    hint: 'Builds need none: leave the name out, or make one with buildx create --name',
  });
}

/** A new one, or another node's name and platforms for one that is there. Throws kind `invalid` or `conflict`. */
export async function makeBuilder(
  store: Store,
  { name, driver, node, platforms }: Omit<Builder, 'node'> & { node: string | undefined },
): Promise<Builder> {
  if (!/^[a-zA-Z][a-zA-Z0-9._-]*$/.test(name)) {
    const rule = 'name needs to start with a letter and may not contain symbols, except ._-';
    throw new WherryError('invalid', `invalid name ${name}, ${rule}`);
  }
  if (name === DEFAULT.name) {
    throw new WherryError('conflict', `${name} is a reserved name and cannot be used to identify builder instance`);
  }
  const made = { name, driver, node: node ?? `${name}0`, platforms: readPlatforms(platforms).map(formatPlatform) };
  await change(store, (kept) => {
    const others = kept.builders.filter((builder) => builder.name !== name);
    if (others.length < kept.builders.length && node === undefined) {
      const rule = 'no append mode, specify the node name to make changes for existing instances';
      throw new WherryError('conflict', `existing instance for "${name}" but ${rule}`);
    }
    return { ...kept, builders: [...others, made] };
  });
  return made;
}

/** From now on builds without --builder are of this one. Throws kind `not-found`. */
export async function useBuilder(store: Store, name: string): Promise<void> {
  await change(store, (kept) => {
    if (name === DEFAULT.name) return { ...kept, current: '' };
    if (kept.builders.some((builder) => builder.name === name)) return { ...kept, current: name };
    throw new WherryError('not-found', `failed to find instance "${name}": no such builder`);
  });
}

/** Forgets the name; images and cache stay, for they are the user's. Throws kind `not-found` or `conflict`. */
export async function removeBuilder(store: Store, name: string): Promise<void> {
  if (name === DEFAULT.name) throw new WherryError('conflict', 'the default builder cannot be removed');
  await change(store, ({ builders, current }) => {
    const left = builders.filter((builder) => builder.name !== name);
    if (left.length === builders.length) throw new WherryError('not-found', `no builder "${name}" found`);
    return { builders: left, current: current === name ? '' : current };
  });
}

async function change(store: Store, next: (kept: Kept) => Kept): Promise<void> {
  makeDirectory(store.path('build'));
  using _held = await lock(store.path('build'));
  replace(file(store), JSON.stringify(next(read(store))));
}
