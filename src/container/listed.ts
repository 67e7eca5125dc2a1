/**
 * What a list shows of containers that don't run, kept from one list to the next in the runtime directory: with hundreds
 * of them, reading each one's two files is what takes longest.
 *
 * Records and states are only ever renamed into their container's directory, so what was read is good as long as the
 * directory's time of change is the same. A change within the clock's grain could have the time of the one before: what
 * is as young as that is not kept.
 */
import { mkdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { WherryError } from '#base/error.ts';
import { readRecord } from '#container/names.ts';
import type { ContainerRecord, State } from '#container/record.ts';
import { isRunning, readState } from '#container/state.ts';
import type { Store } from '#store/store.ts';
import { readJson, replace } from '#sys/file.ts';

/** A container's record, and its state; absent: never started. */
export interface Listed {
  record: ContainerRecord;
  state: State | undefined;
}

type Image = ContainerRecord['image'];
type Brief = Pick<ContainerRecord, 'id' | 'name' | 'created' | 'image' | 'path' | 'args'> & {
  config: Pick<ContainerRecord['config'], 'Labels' | 'Healthcheck'>;
};

/** The directory's time of change in milliseconds, and what was read then; image: an index. */
type Entry = [changed: number, image: number, brief: Omit<Brief, 'id' | 'image'>, state?: State];

/** The containers by id. Many have the same image: each image is there once. */
interface Kept {
  images: Image[];
  containers: Record<string, Entry>;
}

/** Fewer are read as quickly; and so many have to be new for what is kept to be written anew. */
const FEW = 50;

/** Milliseconds; the clocks of file systems tick every ten at most. */
const GRAIN = 1000;

/** Gives a function that reads a container by its id, undefined where there is none, and one that keeps what was read. */
export function openListed(store: Store, count: number): { look(id: string): Listed | undefined; keep(): void } {
  if (count < FEW) return { look: (id) => read(store, id), keep: () => undefined };
  const path = pathOf(store);
  const before = readKept(path);
  const after: Kept = { images: before.images, containers: {} };
  const places = new Map(before.images.map((image, index) => [keyOf(image), index]));
  const now = Date.now();
  let fresh = 0;
  return {
    look: (id) => {
      const changed = statSync(store.path('containers', id), { throwIfNoEntry: false })?.ctimeMs;
      if (changed === undefined) return undefined;
      const known = before.containers[id];
      if (known?.[0] === changed) {
        after.containers[id] = known;
        const [, image, brief, state] = known;
        return { record: completed(store, { id, image: before.images[image] as Image, ...brief }), state };
      }
      const listed = read(store, id);
      if (listed === undefined || isRunning(listed.state) || now - changed < GRAIN) return listed;
      const { record, state } = listed;
      const place = places.get(keyOf(record.image)) ?? after.images.push(record.image) - 1;
      places.set(keyOf(record.image), place);
      after.containers[id] = [changed, place, briefly(record), ...(state === undefined ? [] : [state])] as Entry;
      fresh += 1;
      return listed;
    },
    keep: () => {
      if (fresh >= FEW) replace(path, JSON.stringify(withoutUnused(after)));
    },
  };
}

function read(store: Store, id: string): Listed | undefined {
  const state = readState(store, id);
  const record = readRecord(store, id);
  return record === undefined ? undefined : { record, state };
}

/** Several stores may share the runtime directory. */
function pathOf(store: Store): string {
  const { dev, ino } = statSync(store.root);
  mkdirSync(join(store.runtime, 'listed'), { recursive: true, mode: 0o700 });
  return join(store.runtime, 'listed', `${dev}-${ino}.json`);
}

function readKept(path: string): Kept {
  const nothing = { images: [], containers: {} };
  try {
    const kept = readJson<Partial<Kept>>(path);
    return kept?.images && kept.containers ? (kept as Kept) : nothing;
  } catch (error) {
    // It is only a help.
    if (error instanceof WherryError) return nothing;
    throw error;
  }
}

/** Without the images that no container has any more. */
function withoutUnused({ images, containers }: Kept): Kept {
  const used = [...new Set(Object.values(containers).map(([, image]) => image))];
  const places = new Map(used.map((image, index) => [image, index]));
  for (const entry of Object.values(containers)) entry[1] = places.get(entry[1]) as number;
  return { images: used.map((image) => images[image] as Image), containers };
}

/** One image may have had several names. */
const keyOf = ({ id, reference }: Image) => `${id} ${reference}`;

function briefly({ name, created, path, args, config }: ContainerRecord): Entry[2] {
  const { Labels, Healthcheck } = config;
  return { name, created, path, args, config: { Labels, ...(Healthcheck && { Healthcheck }) } };
}

/** A record whose rarer parts are read when they are asked for. */
function completed(store: Store, brief: Brief): ContainerRecord {
  let whole: ContainerRecord | undefined;
  return new Proxy(brief, {
    get: (target, key) => {
      if (Object.hasOwn(target, key) && key !== 'config') return Reflect.get(target, key);
      return whole === undefined && key === 'config' ? target.config : Reflect.get(all(), key);
    },
  }) as ContainerRecord;

  function all(): ContainerRecord {
    whole ??= readRecord(store, brief.id);
    if (whole === undefined) throw new WherryError('not-found', `No such container: ${brief.id}`);
    return whole;
  }
}
