/** Containers by name and id: a name is an exclusive link whose content is the id of the container that has it. */
import { closeSync, existsSync, openSync, readdirSync, unlinkSync } from 'node:fs';
import { hasCode, WherryError } from '#base/error.ts';
import type { ContainerRecord } from '#container/record.ts';
import type { Store } from '#store/store.ts';
import { flock, LOCK } from '#sys/ffi.ts';
import { readJson, readText, replace, reserve } from '#sys/file.ts';
import { isSameProcess, startTime } from '#sys/process.ts';
import { randomHex } from '#sys/random.ts';

const NAME = /^\/?([a-zA-Z0-9][a-zA-Z0-9_.-]+)$/;
/** A file's name has 255 bytes, and its staged form needs some of them. */
const LONGEST = 200;
const ID = /^[0-9a-f]{64}$/;

/** What a name's file holds: the container, and who makes it (that one's container need not be there yet). */
interface Reservation {
  id: string;
  pid: number;
  start: number;
}

/**
 * Takes a name for a container that is about to be made, and gives it without Docker's leading slash.
 * A name that a killed command left, without its container, is free.
 * Throws kind `invalid` for a name against Docker's rules, `conflict` where another container has it.
 */
export function reserveName(store: Store, name: string, id: string): string {
  const clean = NAME.exec(name)?.[1];
  if (clean === undefined) {
    throw new WherryError('invalid', `Invalid container name (${name}), only [a-zA-Z0-9][a-zA-Z0-9_.-] are allowed`);
  }
  if (clean.length > LONGEST) {
    throw new WherryError('invalid', `Invalid container name (${name}): it is longer than ${LONGEST} characters`);
  }
  const path = store.path('names', clean);
  const content = `${id} ${process.pid} ${startTime(process.pid) ?? 0}\n`;
  for (;;) {
    if (reserve(path, content)) return clean;
    const owner = readReservation(path);
    if (owner === undefined) continue;
    if (!isAbandoned(store, clean, owner)) throw nameConflict(clean, owner.id);
    dropReservation(store, path, owner.id);
  }
}

function nameConflict(name: string, id: string): WherryError {
  return new WherryError(
    'conflict',
    `Conflict. The container name "/${name}" is already in use by container "${id}". You have to remove (or rename) that container to be able to reuse that name.`,
  );
}

/** Gives a name back; one that belongs to another container by now stays. */
export function releaseName(store: Store, name: string, id: string): void {
  dropReservation(store, store.path('names', name.replace(/^\//, '')), id);
}

/** Gives a name back that leads to no container: a command was killed between the two. */
function releaseAbandoned(store: Store, name: string): void {
  const clean = NAME.exec(name)?.[1];
  if (clean === undefined || clean.length > LONGEST) return;
  const path = store.path('names', clean);
  const owner = readReservation(path);
  if (owner !== undefined && isAbandoned(store, clean, owner)) dropReservation(store, path, owner.id);
}

function readReservation(path: string): Reservation | undefined {
  const text = readText(path);
  if (text === undefined) return undefined;
  const [id = '', pid, start] = text.trim().split(' ');
  return { id, pid: Number(pid), start: Number(start) };
}

/** Every name with what its file has for an id; isBeingMade: the command that took it lives. */
export function nameOwners(store: Store): { name: string; id: string; isBeingMade: boolean }[] {
  return readdirSync(store.path('names')).flatMap((name) => {
    const owner = NAME.test(name) ? readReservation(store.path('names', name)) : undefined;
    // Staged by a command that is just taking a name, or gone.
    if (owner === undefined || /\.\d+\.\d+\.tmp$/.test(name)) return [];
    const { id, pid, start } = owner;
    return [{ name, id, isBeingMade: isSameProcess(pid, start) }];
  });
}

/** No container has the name, nor lives the command that was to make one, or to rename one so. */
function isAbandoned(store: Store, name: string, { id, pid, start }: Reservation): boolean {
  if (isSameProcess(pid, start)) return false;
  if (!existsSync(store.path('containers', id))) return true;
  const record = tolerant(
    () => readRecord(store, id),
    () => undefined,
  );
  return record !== undefined && record.name !== name;
}

/** Looks and unlinks under one lock: between the two the name must not go to another container. */
function dropReservation(store: Store, path: string, id: string): void {
  const directory = openSync(store.path('names'), 'r');
  try {
    flock(directory, LOCK.EX);
    if (readReservation(path)?.id === id) unlinkSync(path);
  } finally {
    closeSync(directory);
  }
}

/**
 * A new container id: 64 hexadecimal digits. As Docker's, its short form is never all digits, which some programs
 * would take for a number.
 */
export function newId(): string {
  for (;;) {
    const id = randomHex(32);
    if (!/^\d{12}/.test(id)) return id;
  }
}

/**
 * The container with this id, name (`/name` too) or unique start of an id, in this order, as Docker looks for it.
 * Throws kind `not-found`, or `invalid` where several ids start so.
 */
export function findContainer(store: Store, text: string): ContainerRecord {
  if (text === '') throw new WherryError('invalid', 'invalid container name or ID: value is empty');
  const record = byId(store, text) ?? byName(store, text) ?? byPrefix(store, text);
  if (record !== undefined) return record;
  releaseAbandoned(store, text);
  throw new WherryError('not-found', `No such container: ${text}`);
}

function byId(store: Store, text: string): ContainerRecord | undefined {
  return ID.test(text) ? readRecord(store, text) : undefined;
}

function byName(store: Store, text: string): ContainerRecord | undefined {
  const name = NAME.exec(text)?.[1];
  const owner = name === undefined || name.length > LONGEST ? undefined : readReservation(store.path('names', name));
  const record = owner === undefined ? undefined : readRecord(store, owner.id);
  // A container that is being renamed has two reservations, and one name.
  return record?.name === name ? record : undefined;
}

function byPrefix(store: Store, text: string): ContainerRecord | undefined {
  const found = /^[0-9a-f]+$/.test(text) ? byBeginning(store, text) : undefined;
  return found === undefined ? undefined : readRecord(store, found);
}

function byBeginning(store: Store, text: string): string | undefined {
  const found = containerIds(store).filter((id) => id.startsWith(text));
  if (found.length > 1) throw new WherryError('invalid', `multiple IDs found with provided prefix: ${text}`);
  return found[0];
}

/** The ID of a container whose record need not be whole; undefined where there is none. Throws as findContainer(). */
export function findDamaged(store: Store, text: string): string | undefined {
  const ids = containerIds(store);
  const isThere = (id: string | undefined) => id !== undefined && ids.includes(id);
  const name = NAME.exec(text)?.[1];
  const owner =
    name === undefined || name.length > LONGEST ? undefined : readReservation(store.path('names', name))?.id;
  const found = [text, owner].find(isThere);
  if (found !== undefined) return found;
  return /^[0-9a-f]+$/.test(text) ? byBeginning(store, text) : undefined;
}

/** The ids of all containers, in no order. */
export function containerIds(store: Store): string[] {
  return readdirSync(store.path('containers')).filter((name) => ID.test(name));
}

/** Puts another record in the place of a container's. Only under the container's lock. */
export function replaceRecord(store: Store, record: ContainerRecord): void {
  const durable = !record.hostConfig.AutoRemove;
  replace(store.path('containers', record.id, 'container.json'), JSON.stringify(record), { durable });
}

/** A container by its whole id; undefined where there is none. Throws kind `corrupt` for a record that is not whole. */
export function readRecord(store: Store, id: string): ContainerRecord | undefined {
  const path = store.path('containers', id, 'container.json');
  let record: ContainerRecord | undefined;
  try {
    record = readJson<ContainerRecord>(path);
  } catch (cause) {
    if (cause instanceof WherryError) throw corrupt(store, id, cause);
    throw cause;
  }
  if (record !== undefined && !isRecord(record, id)) throw corrupt(store, id);
  return record;
}

/** Has it the parts that every command reads? */
function isRecord(record: Partial<ContainerRecord> | null, id: string): boolean {
  if (record?.id !== id || typeof record.name !== 'string') return false;
  const isThing = (value: unknown) => typeof value === 'object' && value !== null;
  const { image, mounts, config, hostConfig, networks } = record;
  return Array.isArray(image?.diffIds) && Array.isArray(mounts) && [config, hostConfig, networks].every(isThing);
}

function corrupt(store: Store, id: string, cause?: WherryError): WherryError {
  const path = store.path('containers', id, 'container.json');
  return new WherryError('corrupt', cause?.message ?? `Cannot read "${path}": it is not the record of a container`, {
    hint: `Run \`wherry system check --repair\`, which keeps its files, or \`wherry rm -f ${id.slice(0, 12)}\``,
    cause,
  });
}

/**
 * All containers, in no order. A record that can't be read is handed to `damaged`, and the others are still given.
 */
export function listContainers(
  store: Store,
  damaged: (error: WherryError) => void = () => undefined,
): ContainerRecord[] {
  return containerIds(store)
    .map((id) => tolerant(() => readRecord(store, id), damaged))
    .filter((record) => record !== undefined);
}

/**
 * All containers, and the ids of those of which nobody can say what they have: a record that can't be read, or is gone.
 * Who gives away or removes what a container may have asks for both.
 */
export function allContainers(store: Store): { records: ContainerRecord[]; damaged: string[] } {
  const damaged: string[] = [];
  const records = containerIds(store).flatMap((id) => {
    const record = tolerant(
      () => readRecord(store, id),
      () => undefined,
    );
    if (record !== undefined) return [record];
    // It may have been removed just now.
    if (existsSync(store.path('containers', id))) damaged.push(id);
    return [];
  });
  return { records, damaged };
}

/** What `read` gives, or undefined, with the error handed over, where the store's bytes are damaged. */
export function tolerant<T>(read: () => T, damaged: (error: WherryError) => void): T | undefined {
  try {
    return read();
  } catch (error) {
    if (hasCode(error, 'EACCES', 'EIO'))
      damaged(new WherryError('corrupt', (error as Error).message, { cause: error }));
    else if (error instanceof WherryError && error.kind === 'corrupt') damaged(error);
    else throw error;
    return undefined;
  }
}

/** A name as Docker gives them: an adjective and a surname. attempt: how many were taken already. */
export function generateName(attempt = 0): string {
  const name = `${pick(ADJECTIVES)}_${pick(SURNAMES)}`;
  // So many are taken that a further word would hardly help.
  return attempt < 8 ? name : `${name}${Math.floor(Math.random() * 10 ** Math.min(attempt - 7, 9))}`;
}

const pick = (words: readonly string[]) => words[Math.floor(Math.random() * words.length)] ?? '';

const ADJECTIVES = `
  able airy alert amber ample apt bold brave bright brisk buoyant calm candid cheery civil clear clever cordial
  crisp curious dapper daring deft earnest easy fair fluent fond frank fresh gentle glad gleaming golden graceful
  hale handy hardy hearty honest humble jaunty jolly keen kind lively lucid lucky lyrical mellow merry mild modest
  neat nimble noble patient placid plucky polite proud prudent quick quiet rapid ready robust rosy salty serene
  silver smooth snug sober solid spry stately steady stout sturdy sunny supple swift tidy tranquil trim trusty
  upbeat vivid warm willing windy witty zesty`
  .trim()
  .split(/\s+/);

/** Seafarers, and people who measured, mapped and lit their way. */
const SURNAMES = `
  abel airy amundsen anning archimedes banks barents beaufort bering bligh boole bougainville brahe brunel cabot
  cabral cartier cassini cavendish celsius chappe chichester cochrane columbus conrad cook cousteau dampier darwin
  davis delisle denham diaz drake elcano ellet eratosthenes ericson evans faraday farr fessenden fitch fitzroy
  flinders foucault franklin frobisher fulton galle gama geminus giles gray halley hanno harrison hawkins herschel
  hipparchus hobart hudson humboldt huygens irving joule kane kepler knox krusenstern lamarr lander laperouse lind
  livingston magellan marconi maury mawson mccormick melville mercator moitessier morse nansen napier necho nelson
  newcomen nobile ortelius parry peary plimsoll polo powell ptolemy pytheas raleigh rennie ross russell sabine
  scoresby scott selkirk shackleton shovell slocum smeaton snell stevin symmes tabarly tasman telford torricelli
  tupaia ulloa vancouver verne vespucci volta wallis watt weddell wegener wilkes worsley wright zheng`
  .trim()
  .split(/\s+/);
