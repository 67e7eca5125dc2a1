/**
 * What builds have made, by what they made it of: `build/records/<id>.json` is one layer, `build/keys/<key>` names the
 * record of a key. A key is the hash of a step and of what its inputs are, never of when or where they came from, so every
 * build of the user shares them. A record whose layer is gone is none.
 */
import { mkdirSync, readdirSync, rmSync } from 'node:fs';
import { digestOf } from '#oci/digest.ts';
import { type Descriptor, isDigest } from '#oci/manifest.ts';
import { hasLayer } from '#store/layers.ts';
import type { Store } from '#store/store.ts';
import { readText, replace } from '#sys/file.ts';

export interface CacheRecord {
  id: string;
  diffId: string;
  /** Bytes of all files. */
  size: number;
  /** Bytes of the archive. */
  archive: number;
  /** RFC 3339, as the history of images has it. */
  created: string;
  used: string;
  uses: number;
  /** `[build 2/5] RUN make`. */
  description: string;
  /** The layers below, lowest first: what the record's parents are. */
  below: string[];
  /** Its archive as caches outside have it, by compression: digests that need not be found out again. */
  blobs?: Readonly<Record<string, Pick<Descriptor, 'digest' | 'size'>>>;
  /**
   * The boot in which it was made: nobody waits until a layer is on the disk, so after another boot it has to be looked at
   * before it is believed. Absent once that was done.
   */
  boot?: string;
}

const HEX = /^[0-9a-f]{64}$/;
const folder = (store: Store, name: 'records' | 'keys') => store.path('build', name);

/** A key for what can be written as JSON. */
export const keyOf = (parts: unknown): string => digestOf(JSON.stringify(parts)).slice('sha256:'.length);

/** Undefined where nothing is known, or the layer is gone. */
export function findRecord(store: Store, key: string): CacheRecord | undefined {
  const id = readText(store.path('build', 'keys', key));
  if (id === undefined || !HEX.test(id)) return undefined;
  const record = findKept(store, id);
  return record !== undefined && hasLayer(store, record.diffId) ? record : undefined;
}

/** A record by its id, whether its layer is there or not. What a power cut has left of one is none. */
export function findKept(store: Store, id: string): CacheRecord | undefined {
  const record = parsed(readText(recordPath(store, id)));
  const { diffId, size, used, description, below } = (record ?? {}) as Partial<CacheRecord>;
  const isWhole = typeof size === 'number' && typeof used === 'string' && typeof description === 'string';
  return isDigest(diffId) && isWhole && Array.isArray(below) ? (record as CacheRecord) : undefined;
}

function parsed(text: string | undefined): unknown {
  try {
    return JSON.parse(text ?? 'null');
  } catch {
    return undefined;
  }
}

/** A power cut takes what was not on the disk yet: is it to be feared? */
export const isDoubtful = (store: Store, { boot }: CacheRecord): boolean => boot !== undefined && boot !== store.bootId;

const recordPath = (store: Store, id: string) => store.path('build', 'records', `${id}.json`);

/** Keeps a record, and lets these keys mean it. */
export function keepRecord(store: Store, record: CacheRecord, keys: readonly string[]): void {
  for (const name of ['records', 'keys'] as const) mkdirSync(folder(store, name), { recursive: true, mode: 0o700 });
  replace(recordPath(store, record.id), JSON.stringify(record));
  for (const key of keys) nameRecord(store, record, key);
}

/** One more key for a record. */
export function nameRecord(store: Store, { id }: CacheRecord, key: string): void {
  replace(store.path('build', 'keys', key), id);
}

/** A build was served by it. */
export function noteUse(store: Store, record: CacheRecord): void {
  replace(
    recordPath(store, record.id),
    JSON.stringify({ ...record, used: new Date().toISOString(), uses: record.uses + 1 }),
  );
}

/** Its layer is what it should be. */
export function noteSound(store: Store, { boot: _boot, ...record }: CacheRecord): void {
  replace(recordPath(store, record.id), JSON.stringify(record));
}

/** Its archive, so compressed, is this. */
export function noteBlob(
  store: Store,
  id: string,
  compression: string,
  { digest, size }: Pick<Descriptor, 'digest' | 'size'>,
): void {
  const record = findKept(store, id);
  if (record === undefined) return;
  const blobs = { ...record.blobs, [compression]: { digest, size } };
  replace(recordPath(store, id), JSON.stringify({ ...record, blobs }));
}

/** All records whose layers are there. */
export function listRecords(store: Store): CacheRecord[] {
  return idsOf(store).flatMap((id) => {
    const record = findKept(store, id);
    return record !== undefined && hasLayer(store, record.diffId) ? [record] : [];
  });
}

/** The ids of those that can't be read. */
export const malformedRecords = (store: Store): string[] =>
  idsOf(store).filter((id) => findKept(store, id) === undefined && readText(recordPath(store, id)) !== undefined);

const idsOf = (store: Store): string[] =>
  namesIn(folder(store, 'records')).flatMap((name) => /^([0-9a-f]{64})\.json$/.exec(name)?.[1] ?? []);

function namesIn(path: string): string[] {
  try {
    return readdirSync(path).filter((name) => !name.endsWith('.tmp'));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
}

/** Forgets records, and keys that mean none. The layers are for who knows what else needs them. */
export function dropRecords(store: Store, ids: readonly string[]): void {
  for (const id of ids) rmSync(recordPath(store, id), { force: true });
  const left = new Set(idsOf(store));
  for (const key of namesIn(folder(store, 'keys'))) {
    const path = store.path('build', 'keys', key);
    if (!left.has(readText(path) ?? '')) rmSync(path, { force: true });
  }
}
