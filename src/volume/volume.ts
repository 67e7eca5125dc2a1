/** Named and anonymous volumes: a directory under volumes/ with a record in the shape of Docker's inspect. */
import { existsSync, mkdirSync, readdirSync, renameSync } from 'node:fs';
import { WherryError } from '#base/error.ts';
import { goEntries } from '#base/go-json.ts';
import { recordEvent } from '#store/events.ts';
import type { Store } from '#store/store.ts';
import { lock, readJson, removeTree, replace } from '#sys/file.ts';
import { randomHex } from '#sys/random.ts';

/** As `docker volume inspect` shows it. */
export interface Volume {
  CreatedAt: string;
  Driver: string;
  Labels: Record<string, string> | null;
  Mountpoint: string;
  Name: string;
  Options: Record<string, string> | null;
  Scope: 'local';
}

export interface VolumeOptions {
  name?: string;
  labels?: Record<string, string>;
  /** `local`, the only one. */
  driver?: string;
  /** The driver's: type, device, o. */
  options?: Record<string, string>;
}

/** Docker marks a volume that was made without a name by this label. */
const ANONYMOUS = 'com.docker.volume.anonymous';

/** Where a volume's content is. */
export function volumeData(store: Store, name: string): string {
  return store.path('volumes', name, '_data');
}

/**
 * Makes a volume, or gives the one that has this name already, as Docker does. Throws in Docker's words kind `invalid`
 * for a bad name, `unavailable` for another driver and for options that it doesn't take.
 */
export async function createVolume(store: Store, wishes: VolumeOptions = {}): Promise<Volume> {
  const { name, labels, driver = 'local', options } = wishes;
  const chosen = name ?? randomHex(32);
  checkName(chosen);
  checkDriver(chosen, driver);
  const known = findVolume(store, chosen);
  if (known !== undefined) return known;
  if (options !== undefined) {
    const { checkOptions } = await import('#volume/options.ts');
    checkOptions(chosen, options, { root: store.host.namespace === 'root' });
  }
  const marked = name === undefined ? { [ANONYMOUS]: '', ...labels } : labels;
  const volume = { ...newVolume(store, chosen, sorted(marked)), Options: sorted(options) };
  const staged = store.path('tmp', `volume-${process.pid}-${randomHex(6)}`);
  mkdirSync(`${staged}/_data`, { recursive: true, mode: 0o755 });
  replace(`${staged}/volume.json`, JSON.stringify(volume), { durable: true });
  return publish(store, staged, volume);
}

function sorted(map: Record<string, string> | undefined): Record<string, string> | null {
  return map === undefined ? null : Object.fromEntries(goEntries(map));
}

/** A volume's record. */
function newVolume(store: Store, name: string, labels: Volume['Labels'], made = new Date()): Volume {
  return {
    CreatedAt: made.toISOString().replace(/\.\d+Z$/, 'Z'),
    Driver: 'local',
    Labels: labels,
    Mountpoint: volumeData(store, name),
    Name: name,
    Options: null,
    Scope: 'local',
  };
}

/** The record of a volume that has lost it: a name that somebody made up is one that nobody chose. */
export function lostRecord(store: Store, name: string, made: Date): Volume {
  return newVolume(store, name, /^[0-9a-f]{64}$/.test(name) ? { [ANONYMOUS]: '' } : null, made);
}

/** Renames the staged volume into place; one that another process has just made is as good. */
async function publish(store: Store, staged: string, volume: Volume): Promise<Volume> {
  using _held = await lock(store.path('volumes'));
  const known = findVolume(store, volume.Name);
  if (known === undefined) {
    renameSync(staged, store.path('volumes', volume.Name));
    recordEvent(store, { type: 'volume', action: 'create', id: volume.Name, attributes: { driver: volume.Driver } });
  } else removeTree(staged);
  return known ?? volume;
}

function checkDriver(name: string, driver: string): void {
  if (driver === 'local') return;
  const why = `plugin ${JSON.stringify(driver)} not found`;
  throw new WherryError('unavailable', `create ${name}: error looking up volume plugin ${driver}: ${why}`);
}

function checkName(name: string): void {
  if (/^[a-zA-Z0-9]$/.test(name)) {
    throw new WherryError(
      'invalid',
      `create ${name}: volume name is too short, names should be at least two alphanumeric characters`,
    );
  }
  if (/^[a-zA-Z0-9][a-zA-Z0-9_.-]+$/.test(name)) return;
  throw new WherryError(
    'invalid',
    `create ${name}: "${name}" includes invalid characters for a local volume name, only "[a-zA-Z0-9][a-zA-Z0-9_.-]" are allowed. If you intended to pass a host directory, use absolute path`,
  );
}

/** A volume by its name; its content's place is told anew, so that a store that was moved stays right. */
export function findVolume(store: Store, name: string): Volume | undefined {
  if (name.includes('/')) return undefined;
  const volume = readJson<Volume>(store.path('volumes', name, 'volume.json'));
  return volume === undefined ? undefined : { ...volume, Mountpoint: volumeData(store, name) };
}

/** As findVolume(), but throws kind `not-found`; `invalid` for no name at all. */
export function needVolume(store: Store, name: string): Volume {
  if (name === '') throw new WherryError('invalid', 'invalid volume name or ID: value is empty');
  const volume = findVolume(store, name);
  if (volume === undefined) throw new WherryError('not-found', `get ${name}: no such volume`);
  return volume;
}

/** All volumes, by name. */
export function listVolumes(store: Store): Volume[] {
  return readdirSync(store.path('volumes'))
    .sort()
    .map((name) => findVolume(store, name))
    .filter((volume) => volume !== undefined);
}

export function isAnonymous(volume: Volume): boolean {
  return volume.Labels !== null && ANONYMOUS in volume.Labels;
}

/**
 * Removes a volume and its content: out of sight by one rename, then deleted.
 * usedBy: ids of the containers that mount it. Throws `not-found`, or `conflict` in Docker's words.
 */
export async function removeVolume(store: Store, name: string, usedBy: readonly string[]): Promise<void> {
  const { Driver: driver, Options } = needVolume(store, name);
  if (usedBy.length > 0) {
    throw new WherryError('conflict', `remove ${name}: volume is in use - [${usedBy.join(', ')}]`);
  }
  const doomed = store.path('tmp', `gone-${process.pid}-${randomHex(6)}`);
  {
    using _held = await lock(store.path('volumes'));
    if (!existsSync(store.path('volumes', name))) return;
    // What a killed command has left mounted there is not the volume's to delete.
    if (Options !== null) (await import('#sys/overlay.ts')).unmountTree(volumeData(store, name));
    renameSync(store.path('volumes', name), doomed);
  }
  removeTree(doomed);
  recordEvent(store, { type: 'volume', action: 'destroy', id: name, attributes: { driver } });
}
