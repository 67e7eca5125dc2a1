/** start, clean-up, removal and restart: where a container meets its mounts and its networks. */
import { existsSync, writeFileSync } from 'node:fs';
import { WherryError } from '#base/error.ts';
import { recordContainerEvent } from '#container/event.ts';
import { readHeld, writeHeld } from '#container/held.ts';
import { endContainer, killForRemoval, prefixed, type StopOptions } from '#container/lifecycle.ts';
import { startMonitor } from '#container/monitor.ts';
import type { MonitorHandle } from '#container/monitor-talk.ts';
import { findContainer, findDamaged, nameOwners, tolerant } from '#container/names.ts';
import type { ContainerRecord } from '#container/record.ts';
import { removeRemains } from '#container/remains.ts';
import { unmountRootfs } from '#container/rootfs.ts';
import { unmountShm } from '#container/shm.ts';
import { hasMonitor, isRunning, noteFailedStart, readState } from '#container/state.ts';
import type { Streams } from '#container/streams.ts';
import { prepareBundle } from '#engine/bundle.ts';
import { closeUsernsIfThere } from '#engine/isolation.ts';
import { eraseContainer, type Removable } from '#engine/remove.ts';
import { noteGivenBack, noteTaken } from '#engine/taken.ts';
import { hasNamespace } from '#network/folder.ts';
import type { Store } from '#store/store.ts';
import { lock, replace, tryLock } from '#sys/file.ts';
import { leaveSession } from '#sys/scope.ts';

export interface StartOptions {
  /** Which of the command's own streams the container gets, without anything in between; not for a terminal. */
  attach?: Streams;
  /** First size of the terminal: rows, columns. */
  size?: [number, number];
  /** Called when the container can be attached to and before it starts: so that a terminal misses nothing. */
  onReady?: () => Promise<void>;
}

/** A container that this command has started. */
export interface Session {
  readonly id: string;
  /** The exit status, when the container has ended for good and what it mounted is gone. */
  readonly exited: Promise<number>;
  /** Settles when one of our streams that the container got can't be written to any more; else never. */
  readonly broken: Promise<void>;
  resize(rows: number, columns: number): void;
  /** Leaves the container to its monitor. */
  leave(): void;
}

/**
 * Starts a container; undefined when it runs already. Whatever fails, mounts and networks are given back.
 * Throws kind `not-found`, or what kept it from starting, with Docker's exit code (125, 126, 127).
 */
export async function startContainer(
  store: Store,
  name: string,
  options: StartOptions = {},
): Promise<Session | undefined> {
  const found = findContainer(store, name);
  for (const id of found.extras?.requires ?? []) (await startContainer(store, id))?.leave();
  using _held = await lockAfterLastRun(store, found);
  // It may have been changed, or removed, until it was ours.
  const record = findContainer(store, found.id);
  const state = readState(store, record.id);
  if (state?.status === 'paused') {
    throw new WherryError('conflict', 'cannot start a paused container, try unpause instead');
  }
  if (isRunning(state)) return undefined;
  await leaveSession(store.host.uid);
  try {
    const { started, ...bundle } = await prepareBundle(store, record, options);
    noteTaken(store, record);
    writeHeld(store, record.id, { prepared: false });
    const monitor = await startMonitor(store, record, { ...bundle, ...options });
    started?.();
    writeMonitorPid(store, record);
    return session(store, record, monitor);
  } catch (error) {
    await release(store, record);
    noteFailedStart(store, record.id, error);
    throw error;
  }
}

/** --conmon-pidfile */
function writeMonitorPid(store: Store, { id, extras }: ContainerRecord): void {
  const path = extras?.monitorPidFile;
  if (path !== undefined) replace(path, `${readState(store, id)?.monitorPid ?? 0}`, { mode: 0o644 });
}

/** How long a start waits for a run that has ended: whoever sat in front of it may be stopped. Milliseconds. */
const PATIENCE = 10_000;

/** The lock, when the last run has given back what it had: until then its monitor lives, and its clean-up wants the lock. */
async function lockAfterLastRun(store: Store, record: ContainerRecord): Promise<Disposable> {
  for (const deadline = Date.now() + PATIENCE; ; ) {
    const held = await lockContainer(store, record);
    const state = readState(store, record.id);
    if (isRunning(state) || !hasMonitor(store, state) || Date.now() > deadline) return held;
    held[Symbol.dispose]();
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
}

async function lockContainer(store: Store, record: Removable, file = ''): Promise<Disposable> {
  const path = store.path('containers', record.id, file);
  try {
    if (file !== '') writeFileSync(path, '', { flag: 'a', mode: 0o600 });
    return await lock(path);
  } catch (cause) {
    throw new WherryError('not-found', `No such container: ${record.name}`, { cause });
  }
}

function session(store: Store, record: ContainerRecord, monitor: MonitorHandle): Session {
  let left = false;
  const ended = async () => {
    const { status } = await monitor.exited;
    if (left) return status;
    await cleanupContainer(store, record.id);
    monitor.done();
    return status;
  };
  return {
    id: record.id,
    exited: ended(),
    broken: monitor.broken,
    resize: (rows, columns) => monitor.resize(rows, columns),
    leave: () => {
      left = true;
      monitor.stay();
    },
  };
}

/** Gives back what a start took: mounts and network. Nothing to give back is fine. */
async function release(store: Store, record: Removable): Promise<void> {
  writeHeld(store, record.id, { prepared: false });
  await Promise.all([unmountRootfs(store, record.id), unmountShm(store, record.id), leave(store, record.id)]);
  await closeUsernsIfThere(store, record.id);
  noteGivenBack(store, record);
  const { takeMounts } = await import('#engine/mounts.ts');
  await takeMounts(store, record.id);
  if (record.mounts.some((point) => point.Type === 'volume')) {
    const { leaveVolumes } = await import('#engine/volumes.ts');
    await leaveVolumes(store, record);
  }
}

/** Of a container without networks nothing is loaded. */
async function leave(store: Store, id: string): Promise<void> {
  if (!hasNamespace(store, id)) return;
  const { leaveNetworks } = await import('#network/network.ts');
  await leaveNetworks(store, id);
}

/**
 * After a container's end: its mounts and its network go, and with --rm it goes itself. Called by the command that
 * stayed attached, else by the container's monitor. Running again by now: nothing happens.
 */
export async function cleanupContainer(store: Store, id: string): Promise<void> {
  const record = findContainer(store, id);
  using _held = await lockContainer(store, record);
  if (isRunning(readState(store, id))) return;
  await release(store, record);
  if (!record.hostConfig.AutoRemove || (await isRestarted(store, record))) return;
  await takeBackMounts(store, record);
  await eraseContainer(store, record, { volumes: true });
}

/** What was mounted by `mount` goes with the container. */
async function takeBackMounts(store: Store, { id }: Removable): Promise<void> {
  if (readHeld(store, id).count === 0) return;
  writeHeld(store, id, { count: 0 });
  await unmountRootfs(store, id);
}

/** Held by a restart, and keeps a container made with --rm meanwhile. Not the record itself: that may be replaced. */
const RESTART = 'restart.lock';

/** Is a restart at work on it, whose first half ends it? */
export async function isRestarted(store: Store, { id }: { id: string }): Promise<boolean> {
  const path = store.path('containers', id, RESTART);
  if (!existsSync(path)) return false;
  using free = await tryLock(path, { shared: true });
  return free === undefined;
}

export interface RemoveOptions {
  force?: boolean;
  /** Anonymous volumes go with it. */
  volumes?: boolean;
}

/**
 * Removes a container; a running one only by force. Throws kind `conflict` in Docker's words. By force it goes even
 * where its record or its state can't be read; what only the record knew, its anonymous volumes, stays then.
 */
export async function removeContainer(
  store: Store,
  name: string,
  { force = false, volumes = false }: RemoveOptions = {},
): Promise<void> {
  const record = force ? findOrDamaged(store, name) : findContainer(store, name);
  const state = force
    ? tolerant(
        () => readState(store, record.id),
        () => undefined,
      )
    : readState(store, record.id);
  let isRemoved = false;
  const remove = async () => {
    using _held = await lockContainer(store, record);
    await removeRemains(store, record);
    await takeBackMounts(store, record);
    await release(store, record);
    await eraseContainer(store, record, { volumes });
    isRemoved = true;
  };
  if (isRunning(state)) {
    if (!force) throw runningConflict(record, state?.status ?? 'running');
    await killForRemoval(store, record, remove);
  }
  if (!isRemoved) await remove();
}

/** The container, or as much as is known of it. */
function findOrDamaged(store: Store, name: string): Removable {
  let id: string | undefined;
  const record = tolerant(
    () => findContainer(store, name),
    () => {
      id = findDamaged(store, name);
    },
  );
  if (record !== undefined) return record;
  if (id === undefined) throw new WherryError('not-found', `No such container: ${name}`);
  const names = nameOwners(store).filter((owner) => owner.id === id);
  return { id, name: names[0]?.name ?? id, mounts: [], image: undefined };
}

function runningConflict(record: Removable, status: string): WherryError {
  const what = status === 'paused' ? 'is paused and must be unpaused first' : `is ${status}`;
  const advice = status === 'paused' ? '' : ': stop the container before removing or force remove';
  return new WherryError('conflict', `cannot remove container "${record.name}": container ${what}${advice}`);
}

/**
 * Stops a container where it runs, and starts it again. One made with --rm stays for that; it goes when it can't be
 * started again.
 */
export async function restartContainer(store: Store, name: string, options: StopOptions = {}): Promise<void> {
  const record = findContainer(store, name);
  try {
    using _kept = await lockContainer(store, record, RESTART);
    await prefixed(`Cannot restart container ${name}`, async () => {
      await endContainer(store, record, { ...options, cleaner: async () => cleanupContainer });
      const session = await startContainer(store, record.id);
      session?.leave();
      recordContainerEvent(store, record, 'restart');
    });
  } catch (error) {
    // Gone by now is as good.
    if (record.hostConfig.AutoRemove) await cleanupContainer(store, record.id).catch(() => undefined);
    throw error;
  }
}
