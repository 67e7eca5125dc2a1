/** Containers' records, names and leavings: looked at, judged (pure), mended. */
import { existsSync, lstatSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { Damage } from '#base/damage.ts';
import { hasCode, WherryError } from '#base/error.ts';
import { containerIds, nameOwners, readRecord, releaseName, reserveName, tolerant } from '#container/names.ts';
import type { NetworkState, State } from '#container/record.ts';
import { hasMonitor, isRegistered, NEVER, socketPath, timestamp, writeState } from '#container/state.ts';
import { setAside } from '#store/lost.ts';
import type { Store } from '#store/store.ts';
import { lock, readJson, removeTree } from '#sys/file.ts';

type Health = 'whole' | 'absent' | 'malformed';

/** One directory under containers/. */
interface ContainerFact {
  id: string;
  record: Health;
  /** As the record has it. */
  name?: string;
  state: Health;
  network: Health;
  /** Its monitor lives. */
  isAttended: boolean;
  /** It has written files of its own. */
  hasFiles: boolean;
}

interface NameFact {
  name: string;
  /** What the file has for one. */
  id: string;
  /** The command that took the name lives: its container is about to come. */
  isBeingMade: boolean;
}

export interface ContainerFacts {
  containers: readonly ContainerFact[];
  names: readonly NameFact[];
  /** In containers/, but no container's directory. */
  strangers: readonly string[];
  /** What dead monitors left in the runtime directory: paths. */
  remains: readonly string[];
}

export type ContainerRemedy =
  | { kind: 'set aside'; id: string }
  | { kind: 'end'; id: string }
  | { kind: 'forget network'; id: string }
  | { kind: 'take name'; name: string; id: string }
  | { kind: 'free name'; name: string; id: string }
  | { kind: 'stranger'; path: string }
  | { kind: 'remains'; path: string };

type Found = Damage<ContainerRemedy>;

const ID = /^[0-9a-f]{64}$/;

export function lookAtContainers(store: Store): ContainerFacts {
  const folder = readdirSync(store.path('containers'));
  const ids = containerIds(store);
  const containers = ids.map((id) => factOf(store, id)).filter((fact) => fact !== undefined);
  const known = new Set(ids);
  return {
    containers,
    names: nameOwners(store).filter(({ name }) => existsSync(store.path('names', name))),
    strangers: folder.filter((name) => !known.has(name)).map((name) => store.path('containers', name)),
    remains: remainsIn(store, containers),
  };
}

/** Undefined: it went while we looked. */
function factOf(store: Store, id: string): ContainerFact | undefined {
  let health: Health = 'whole';
  const malformed = () => {
    health = 'malformed';
  };
  const record = tolerant(() => readRecord(store, id), malformed);
  if (record === undefined && health === 'whole') health = 'absent';
  const state = readHealth<State>(store.path('containers', id, 'state.json'));
  const network = readHealth<NetworkState>(store.path('containers', id, 'network.json'));
  const isAttended = hasMonitor(store, state.value) || isRegistered(store, id);
  if (!existsSync(store.path('containers', id))) return undefined;
  return {
    id,
    record: health,
    ...(record === undefined ? {} : { name: record.name }),
    state: state.health,
    network: network.health,
    isAttended,
    hasFiles: hasOwnFiles(store.path('containers', id)),
  };
}

function readHealth<T extends object>(path: string): { health: Health; value: T | undefined } {
  try {
    const value = readJson<T>(path);
    if (value === undefined) return { health: 'absent', value };
    return typeof value === 'object' && value !== null
      ? { health: 'whole', value }
      : { health: 'malformed', value: undefined };
  } catch (error) {
    if (error instanceof WherryError || hasCode(error, 'EISDIR', 'EACCES', 'EIO')) {
      return { health: 'malformed', value: undefined };
    }
    throw error;
  }
}

function hasOwnFiles(directory: string): boolean {
  return ['upper', 'merged'].some((name) => {
    try {
      return readdirSync(join(directory, name)).length > 0;
    } catch (error) {
      if (hasCode(error, 'ENOENT', 'ENOTDIR')) return false;
      throw error;
    }
  });
}

function remainsIn(store: Store, containers: readonly ContainerFact[]): string[] {
  const attended = new Set(containers.filter((one) => one.isAttended).map(({ id }) => id));
  const registers = join(store.runtime, 'monitors');
  // Other stores may share the runtime directory: whose container is not ours is ended by its own process alone.
  const dead = namesIn(registers).filter((id) => !attended.has(id) && !isRegistered(store, id));
  return dead.flatMap((id) => [join(registers, id), socketPath(store, id)]).filter((path) => isThere(path));
}

function namesIn(folder: string): string[] {
  return existsSync(folder) ? readdirSync(folder) : [];
}

const isThere = (path: string) => lstatSync(path, { throwIfNoEntry: false }) !== undefined;

/** Where things are, for the lines of the report. */
export interface ContainerPlaces {
  container(id: string, file?: string): string;
  name(name: string): string;
}

/** Pure. */
export function judgeContainers(facts: ContainerFacts, places: ContainerPlaces): Found[] {
  const owners = new Map(facts.names.map(({ name, id }) => [name, id]));
  return [
    ...facts.containers.flatMap((one) => judgeContainer(one, owners, places)),
    ...facts.names.flatMap((name) => judgeName(name, facts.containers, places)),
    ...facts.strangers.map((path) => ({
      path,
      what: 'no container has such a name',
      advice: 'move it to lost/',
      remedy: { kind: 'stranger' as const, path },
    })),
    ...facts.remains.map((path) => ({
      path,
      what: 'left by a monitor that is dead',
      advice: 'remove it',
      remedy: { kind: 'remains' as const, path },
    })),
  ];
}

function judgeContainer(
  { id, record, name, state, network, isAttended, hasFiles }: ContainerFact,
  owners: ReadonlyMap<string, string>,
  places: ContainerPlaces,
): Found[] {
  if (record !== 'whole') {
    const path = places.container(id, 'container.json');
    const what =
      record === 'absent' ? 'the record of a container is missing' : 'the record of a container is malformed';
    if (isAttended) return [{ path, what, advice: `end and remove the container: wherry rm -f ${id.slice(0, 12)}` }];
    const advice = hasFiles ? `remove the container; its files go to lost/${id}` : 'remove the container';
    return [{ path, what, advice, remedy: { kind: 'set aside', id } }];
  }
  const found: Found[] = [];
  // What lives is written anew by whoever attends to it.
  if (state === 'malformed' && !isAttended) {
    const what = `the state of the container ${name} is malformed`;
    found.push({
      path: places.container(id, 'state.json'),
      what,
      advice: 'note that it has ended, with the status 255',
      remedy: { kind: 'end', id },
    });
  }
  if (network === 'malformed') {
    const path = places.container(id, 'network.json');
    const what = `the network state of the container ${name} is malformed`;
    const remedy = { kind: 'forget network', id } as const;
    const restart = `start the container anew: wherry restart ${name}`;
    found.push(isAttended ? { path, what, advice: restart } : { path, what, advice: 'remove it', remedy });
  }
  return [...found, ...judgeOwnName({ id, name: name ?? '' }, owners, places)];
}

function judgeOwnName(
  { id, name }: { id: string; name: string },
  owners: ReadonlyMap<string, string>,
  places: ContainerPlaces,
): Found[] {
  const owner = owners.get(name);
  if (owner === id) return [];
  const path = places.name(name);
  if (owner !== undefined && ID.test(owner)) {
    const what = `the name ${name} of the container ${id.slice(0, 12)} leads to another: ${owner.slice(0, 12)}`;
    return [
      { path, what, advice: 'lead it to the container that was made with it', remedy: { kind: 'take name', name, id } },
    ];
  }
  const what = `the container ${id.slice(0, 12)} has lost its name ${name}`;
  return [{ path, what, advice: 'give it its name again', remedy: { kind: 'take name', name, id } }];
}

function judgeName(
  { name, id, isBeingMade }: NameFact,
  containers: readonly ContainerFact[],
  places: ContainerPlaces,
): Found[] {
  const owner = containers.find((one) => one.id === id);
  // A container without a record has no name of its own; its names go with it.
  if (isBeingMade || owner?.name === name || (owner !== undefined && owner.record !== 'whole')) return [];
  // Whose name it is takes it over.
  if (containers.some((one) => one.name === name && one.id !== id)) return [];
  const what =
    owner === undefined ? `the name ${name} leads to no container` : `the container ${owner.name} is not named ${name}`;
  return [{ path: places.name(name), what, advice: 'remove it', remedy: { kind: 'free name', name, id } }];
}

/**
 * Carries out a remedy. release: gives back the mounts and networks of a container that has no record. What somebody
 * has mended or removed meanwhile is left.
 */
export async function mendContainer(
  store: Store,
  remedy: ContainerRemedy,
  release: (id: string) => Promise<void>,
): Promise<void> {
  if (remedy.kind === 'stranger') {
    if (isThere(remedy.path)) setAside(store, remedy.path);
  } else if (remedy.kind === 'remains') rmSync(remedy.path, { force: true });
  else if (remedy.kind === 'free name') releaseName(store, remedy.name, remedy.id);
  else if (existsSync(store.path('containers', remedy.id))) {
    using _held = await lock(store.path('containers', remedy.id));
    await mendHeld(store, remedy, release);
  }
}

type HeldRemedy = Extract<ContainerRemedy, { kind: 'set aside' | 'end' | 'forget network' | 'take name' }>;

async function mendHeld(store: Store, remedy: HeldRemedy, release: (id: string) => Promise<void>): Promise<void> {
  const { id } = remedy;
  const fact = factOf(store, id);
  if (fact === undefined) return;
  if (remedy.kind === 'set aside' && fact.record !== 'whole' && !fact.isAttended) {
    await release(id);
    abandon(store, fact);
  } else if (remedy.kind === 'end' && fact.state === 'malformed' && !fact.isAttended) writeState(store, id, ended());
  else if (remedy.kind === 'forget network' && !fact.isAttended) {
    rmSync(store.path('containers', id, 'network.json'), { force: true });
  } else if (remedy.kind === 'take name') takeName(store, remedy);
}

/** The names go first: the directory is what the next repair would find them by. */
function abandon(store: Store, { id, hasFiles }: ContainerFact): void {
  for (const { name, id: owner } of nameOwners(store)) if (owner === id) releaseName(store, name, id);
  const directory = store.path('containers', id);
  if (hasFiles) setAside(store, directory);
  else removeTree(directory);
}

/** Of a run about which nothing is known. */
function ended(): State {
  const nobody = { pid: 0, pidStart: 0, monitorPid: 0, monitorStart: 0, bootId: '' };
  const times = { startedAt: NEVER, finishedAt: timestamp() };
  return { status: 'exited', ...nobody, ...times, exitCode: 255, oomKilled: false, restartCount: 0, error: '' };
}

/** Throws kind `conflict` when another container has it by right. */
function takeName(store: Store, { name, id }: { name: string; id: string }): void {
  const owner = nameOwners(store).find((one) => one.name === name)?.id;
  if (owner === id) return;
  const itsRecord = () => (owner !== undefined && ID.test(owner) ? readRecord(store, owner) : undefined);
  if (owner !== undefined && tolerant(itsRecord, () => undefined)?.name !== name) releaseName(store, name, owner);
  reserveName(store, name, id);
}
