/** What a container is doing: the monitor's state file, and what is left to believe of it when the monitor has died. */
import { closeSync, existsSync, openSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { hasCode, WherryError } from '#base/error.ts';
import { recordLostEnd } from '#container/event.ts';
import type { State } from '#container/record.ts';
import type { Store } from '#store/store.ts';
import { flock, LOCK, pidfdOpen, pidfdSignal } from '#sys/ffi.ts';
import { readJson, readText, replace } from '#sys/file.ts';
import { isSameProcess } from '#sys/process.ts';

/** Go's zero time, which Docker shows where a moment has not come yet. */
export const NEVER = '0001-01-01T00:00:00Z';

const SIGKILL = 9;

/**
 * A container's state; undefined when it was never started. A container whose monitor is gone (a crash, another boot)
 * has ended: Docker's status 255 for it, noted in the file unless somebody else is at work on the container.
 * Throws kind `corrupt` where the file is not JSON.
 */
export function readState(store: Store, id: string): State | undefined {
  const path = statePath(store, id);
  // In a list many were never started, and an error costs more than this question.
  if (!existsSync(path)) return undefined;
  const state = readJson<State>(path);
  if (!isRunning(state) || hasMonitor(store, state)) return state;
  return heal(store, id);
}

/** Docker's answer to who wants a process of a container that has none for this moment. */
export const isRestarting = (id: string) =>
  new WherryError('conflict', `Container ${id} is restarting, wait until the container is running`);

/** Writes the state. Only under the container's lock, and only while it has no monitor. */
export function writeState(store: Store, id: string, state: State): void {
  replace(statePath(store, id), JSON.stringify(state));
}

/** Has the container a process, or will it have one again without anybody's doing? */
export function isRunning(state: State | undefined): state is State & { status: 'running' | 'paused' | 'restarting' } {
  return state !== undefined && state.status !== 'exited' && state.status !== 'created';
}

/** Docker's exit code where something failed that has none. */
const UNKNOWN = 128;

/**
 * Notes why a container could not be started, with Docker's status for it: inspect shows both, and wait the status.
 * Under the container's lock, without a monitor. What a broken store keeps from being written is not the first error.
 */
export function noteFailedStart(store: Store, id: string, error: unknown): void {
  if (!(error instanceof WherryError)) return;
  try {
    const last = readState(store, id) ?? NEVER_RUN;
    const own = error.exitCode === 126 || error.exitCode === 127 ? error.exitCode : undefined;
    writeState(store, id, { ...last, exitCode: own ?? (last.exitCode || UNKNOWN), error: error.message });
  } catch (other) {
    if (!(other instanceof WherryError) && !hasCode(other, 'ENOENT', 'ENOSPC', 'EDQUOT', 'EROFS', 'EIO')) throw other;
  }
}

const NEVER_RUN: State = {
  status: 'created',
  pid: 0,
  pidStart: 0,
  monitorPid: 0,
  monitorStart: 0,
  bootId: '',
  startedAt: NEVER,
  finishedAt: NEVER,
  exitCode: 0,
  oomKilled: false,
  restartCount: 0,
  error: '',
};

/** How a container ended. */
export interface Ending {
  status: number;
  oom: boolean;
}

/** The monitor's socket: attach, stop, wait. 32 digits of the id: a socket's path has at most 107 bytes. */
export function socketPath(store: Store, id: string): string {
  return join(store.runtime, 's', id.slice(0, 32));
}

/** A moment as Docker keeps it: RFC 3339 in UTC with nine digits. */
export function timestamp(milliseconds = Date.now()): string {
  return new Date(milliseconds).toISOString().replace('Z', '000000Z');
}

function statePath(store: Store, id: string): string {
  return store.path('containers', id, 'state.json');
}

/** Is the monitor of its last run alive, in this very boot? For a moment it is so after the container's end, too. */
export function hasMonitor(store: Store, state: State | undefined): boolean {
  if (state?.bootId !== store.bootId) return false;
  return isSameProcess(state.monitorPid, state.monitorStart);
}

/** Does a monitor live that says it is this container's? monitors/<id> holds its pid and start time. */
export function isRegistered(store: Store, id: string): boolean {
  const [pid, start] = (readText(join(store.runtime, 'monitors', id)) ?? '').trim().split(' ').map(Number);
  return pid !== undefined && start !== undefined && pid > 0 && isSameProcess(pid, start);
}

function heal(store: Store, id: string): State | undefined {
  // Read anew: the monitor may have written its last words after we read and before we looked for it.
  const state = readJson<State>(statePath(store, id));
  if (!isRunning(state) || hasMonitor(store, state)) return state;
  const sameBoot = state.bootId === store.bootId;
  const finishedAt = timestamp(sameBoot ? Date.now() : bootTime());
  const healed: State = { ...state, status: 'exited', exitCode: 255, pid: 0, pidStart: 0, finishedAt };
  const directory = openSync(store.path('containers', id), 'r');
  try {
    flock(directory, LOCK.EX | LOCK.NB);
    if (sameBoot) killOrphan(state);
    writeState(store, id, healed);
    recordLostEnd(store, id, healed.exitCode);
  } catch (error) {
    if (!hasCode(error, 'EWOULDBLOCK', 'EAGAIN')) throw error;
  } finally {
    closeSync(directory);
  }
  return healed;
}

/** Without its monitor a container has no log and no end that anybody would note, so Docker kills it too. */
function killOrphan({ pid, pidStart }: State): void {
  if (!isSameProcess(pid, pidStart)) return;
  try {
    const pidfd = pidfdOpen(pid);
    try {
      if (isSameProcess(pid, pidStart)) pidfdSignal(pidfd, SIGKILL);
    } finally {
      closeSync(pidfd);
    }
  } catch (error) {
    if (!hasCode(error, 'ESRCH')) throw error;
  }
}

/** When this boot began, in milliseconds: the first moment at which what ran before it was surely gone. */
function bootTime(): number {
  const seconds = /^btime (\d+)$/m.exec(readFileSync('/proc/stat', 'latin1'))?.[1];
  return seconds === undefined ? statSync('/proc/1').ctimeMs : Number(seconds) * 1000;
}
