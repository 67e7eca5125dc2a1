/** The store's own files: its folders, its mark, the storage driver's choice, what killed commands left. */
import { closeSync, lstatSync, mkdirSync, openSync, readdirSync, rmSync, statSync, writeSync } from 'node:fs';
import type { Damage } from '#base/damage.ts';
import { hasCode, WherryError } from '#base/error.ts';
import type { DriverChoice } from '#store/driver.ts';
import { setAside } from '#store/lost.ts';
import { FOLDERS, LAYOUT, type Store } from '#store/store.ts';
import { sweep, unheldLeftovers } from '#store/sweep.ts';
import { readJson } from '#sys/file.ts';

export interface StoreFacts {
  /** Folders that must be there and are not. */
  missing: readonly string[];
  layout: 'whole' | 'absent' | 'malformed';
  driver: 'whole' | 'malformed';
  /** Paths. */
  leftovers: readonly string[];
  /** Paths where blobs and layers are, with a name that is no digest. */
  strangers: readonly string[];
}

export type StoreRemedy =
  | { kind: 'make folder'; folder: string }
  | { kind: 'write layout' }
  | { kind: 'choose driver' }
  | { kind: 'sweep' }
  | { kind: 'stranger'; path: string };

export async function lookAtStore(store: Store): Promise<StoreFacts> {
  const missing = FOLDERS.filter((folder) => statSync(store.path(folder), { throwIfNoEntry: false }) === undefined);
  const isThere = (folder: string) => !missing.includes(folder);
  return {
    missing,
    layout: layoutHealth(store),
    driver: isDriverWhole(store) ? 'whole' : 'malformed',
    leftovers: ['tmp', 'names', 'networks'].every(isThere) ? await unheldLeftovers(store) : [],
    strangers: ['blobs/sha256', 'layers'].filter(isThere).flatMap((folder) => strangersIn(store, folder)),
  };
}

function strangersIn(store: Store, folder: string): string[] {
  const isDirectory = folder === 'layers';
  return readdirSync(store.path(folder))
    .map((name) => ({ name, stat: lstatSync(store.path(folder, name), { throwIfNoEntry: false }) }))
    .filter(({ stat }) => stat !== undefined)
    .filter(({ name, stat }) => !/^[0-9a-f]{64}$/.test(name) || stat?.isDirectory() !== isDirectory)
    .map(({ name }) => store.path(folder, name));
}

function layoutHealth(store: Store): StoreFacts['layout'] {
  const layout = readable<{ imageLayoutVersion?: unknown }>(store.path('oci-layout'));
  if (layout === undefined) return 'absent';
  return layout !== 'malformed' && layout?.imageLayoutVersion === '1.0.0' ? 'whole' : 'malformed';
}

function isDriverWhole(store: Store): boolean {
  const choice = readable<Partial<DriverChoice>>(store.path('driver.json'));
  if (choice === undefined) return true;
  if (choice === 'malformed' || choice === null) return false;
  return ['overlay', 'fuse-overlayfs', 'copy'].includes(choice.driver ?? '') && typeof choice.refusals === 'object';
}

function readable<T>(path: string): T | null | undefined | 'malformed' {
  try {
    return readJson<T | null>(path);
  } catch (error) {
    if (error instanceof WherryError || hasCode(error, 'EISDIR', 'EACCES', 'EIO')) return 'malformed';
    throw error;
  }
}

/** Pure. place: a path in the store. */
export function judgeStore(facts: StoreFacts, place: (name: string) => string): Damage<StoreRemedy>[] {
  const found: Damage<StoreRemedy>[] = facts.missing.map((folder) => ({
    path: place(folder),
    what: 'a folder of the store is missing',
    advice: 'make it',
    remedy: { kind: 'make folder', folder },
  }));
  if (facts.layout !== 'whole') {
    const what = `the mark of an image layout is ${facts.layout === 'absent' ? 'missing' : 'malformed'}`;
    found.push({ path: place('oci-layout'), what, advice: 'write it', remedy: { kind: 'write layout' } });
  }
  if (facts.driver === 'malformed') {
    const what = 'the choice of the storage driver is malformed';
    found.push({ path: place('driver.json'), what, advice: 'choose anew', remedy: { kind: 'choose driver' } });
  }
  for (const path of facts.leftovers) {
    found.push({ path, what: 'left by a command that was killed', advice: 'remove it', remedy: { kind: 'sweep' } });
  }
  for (const path of facts.strangers) {
    const what = 'neither a blob nor a layer';
    found.push({ path, what, advice: 'move it to lost/', remedy: { kind: 'stranger', path } });
  }
  return found;
}

export async function mendStore(store: Store, remedy: StoreRemedy): Promise<void> {
  if (remedy.kind === 'make folder') mkdirSync(store.path(remedy.folder), { recursive: true, mode: 0o700 });
  else if (remedy.kind === 'write layout') writeLayout(store);
  else if (remedy.kind === 'choose driver') rmSync(store.path('driver.json'), { force: true, recursive: true });
  else if (remedy.kind === 'sweep') await sweep(store);
  else if (lstatSync(remedy.path, { throwIfNoEntry: false }) !== undefined) setAside(store, remedy.path);
}

/** In its place: others lock this very file. */
function writeLayout(store: Store): void {
  const fd = openSync(store.path('oci-layout'), 'w', 0o600);
  try {
    writeSync(fd, LAYOUT);
  } finally {
    closeSync(fd);
  }
}
