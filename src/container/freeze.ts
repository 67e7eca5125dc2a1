/**
 * Keeps a running container from going on for a while, so that what it has on disk is of one moment. By the freezer where
 * the container has a cgroup of its own, else by SIGSTOP to each of its processes, which those inside may notice: a
 * parent hears of its stopped child, and a process that was about to get a signal gets it later.
 */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { hasCode } from '#base/error.ts';
import { recordContainerEvent } from '#container/event.ts';
import { mountNamespaceOf, ownGroup, processIds } from '#container/processes.ts';
import type { ContainerRecord } from '#container/record.ts';
import { readState } from '#container/state.ts';
import type { Store } from '#store/store.ts';
import { readText } from '#sys/file.ts';
import { isSameProcess, signalProcess, startTime } from '#sys/process.ts';

const SIGCONT = 18;
const SIGSTOP = 19;

/** How often new children are looked for; who forks faster than that is stopped in part only. */
const ROUNDS = 20;

/** Nothing happens to one that does not run, or that is paused already. It goes on when this is disposed of. */
export async function freezeContainer(store: Store, record: ContainerRecord): Promise<AsyncDisposable> {
  const state = readState(store, record.id);
  if (state?.status !== 'running' || !isSameProcess(state.pid, state.pidStart)) return thawing(() => undefined);
  const thaw = await freeze(state.pid, record.id);
  recordContainerEvent(store, record, 'pause');
  return thawing(async () => {
    await thaw();
    recordContainerEvent(store, record, 'unpause');
  });
}

/** Freezes, and gives what undoes it. */
async function freeze(pid: number, id: string): Promise<() => unknown> {
  const freezer = freezerOf(pid, id);
  if (freezer !== undefined && writeFreezer(freezer, '1')) {
    await frozen(freezer);
    return () => writeFreezer(freezer, '0');
  }
  const stopped = await stopAll(pid);
  return async () => {
    for (const [one, start] of stopped) await signalProcess(one, start, SIGCONT);
  };
}

const thawing = (thaw: () => unknown): AsyncDisposable => ({
  [Symbol.asyncDispose]: async () => {
    await thaw();
  },
});

/** Undefined where the container has no cgroup of its own. */
function freezerOf(pid: number, id: string): string | undefined {
  const group = ownGroup(pid, id);
  const path = group === undefined ? undefined : join(group, 'cgroup.freeze');
  return path !== undefined && existsSync(path) ? path : undefined;
}

function writeFreezer(path: string, value: string): boolean {
  try {
    writeFileSync(path, value);
    return true;
  } catch (error) {
    if (hasCode(error, 'EACCES', 'EPERM', 'EROFS', 'ENOENT', 'ENODEV')) return false;
    throw error;
  }
}

/** Freezing takes its time; a process that can't be frozen now (in a system call of FUSE) is not waited for for long. */
async function frozen(freezer: string): Promise<void> {
  const events = join(freezer, '..', 'cgroup.events');
  for (let tries = 0; tries < 500; tries += 1) {
    if (/^frozen 1$/m.test(readText(events) ?? 'frozen 1')) return;
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
}

/** Until a look round finds none that still runs. Gives what was stopped here, with start times. */
async function stopAll(first: number): Promise<Map<number, number>> {
  const stopped = new Map<number, number>();
  const own = mountNamespaceOf(first);
  for (let round = 0; round < ROUNDS && own !== undefined; round += 1) {
    const running = processIds().filter((pid) => mountNamespaceOf(pid) === own && !isStopped(pid));
    const fresh = running.filter((pid) => !stopped.has(pid));
    if (running.length === 0) break;
    for (const pid of fresh) {
      const start = startTime(pid);
      if (start !== undefined && (await signalProcess(pid, start, SIGSTOP))) stopped.set(pid, start);
    }
    if (fresh.length === 0) await new Promise((resolve) => setTimeout(resolve, 1));
  }
  return stopped;
}

/** Stopped, traced, or at its end (proc_pid_stat(5), field 3). */
function isStopped(pid: number): boolean {
  const text = readStat(pid);
  return text === undefined || /^[TtZX]/.test(text.slice(text.lastIndexOf(')') + 2));
}

function readStat(pid: number): string | undefined {
  try {
    return readFileSync(`/proc/${pid}/stat`, 'latin1');
  } catch (error) {
    if (hasCode(error, 'ENOENT', 'ESRCH')) return undefined;
    throw error;
  }
}
