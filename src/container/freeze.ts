/**
 * Keeps a running container from going on: for a moment, so that what it has on disk is of one moment (commit), or until
 * somebody continues it (pause). By the freezer where the container has a cgroup of its own, else by SIGSTOP to each of
 * its processes, which those inside may notice: a parent hears of its stopped child, and a process that was about to get
 * a signal gets it later.
 */
import { existsSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { hasCode } from '#base/error.ts';
import { recordContainerEvent } from '#container/event.ts';
import { membersOf, ownGroup } from '#container/processes.ts';
import type { ContainerRecord, State } from '#container/record.ts';
import { readState } from '#container/state.ts';
import type { Store } from '#store/store.ts';
import { readJson, readText, replace } from '#sys/file.ts';
import { isSameProcess, signalProcess, startTime } from '#sys/process.ts';

const SIGCONT = 18;
const SIGSTOP = 19;

/** How often new children are looked for; who forks faster than that is stopped in part only. */
const ROUNDS = 20;

/** How the processes were stopped. */
export type Means = 'freezer' | 'signals';

/** Nothing happens to one that does not run, or that is paused already. It goes on when this is disposed of. */
export async function freezeContainer(store: Store, record: ContainerRecord): Promise<AsyncDisposable> {
  const state = readState(store, record.id);
  if (state?.status !== 'running' || !isSameProcess(state.pid, state.pidStart)) return thawing(() => undefined);
  await freezeProcesses(store, record.id, state);
  recordContainerEvent(store, record, 'pause');
  return thawing(async () => {
    // Somebody may have paused it meanwhile: that stays.
    if (readState(store, record.id)?.status !== 'paused') await thawProcesses(store, record.id, state);
    recordContainerEvent(store, record, 'unpause');
  });
}

const thawing = (thaw: () => unknown): AsyncDisposable => ({
  [Symbol.asyncDispose]: async () => {
    await thaw();
  },
});

/** Stops all processes of a container that runs. When it resolves they stand still. */
export async function freezeProcesses(store: Store, id: string, { pid }: State): Promise<Means> {
  const freezer = freezerOf(pid, id);
  if (freezer?.set(true)) {
    await frozen(freezer);
    return 'freezer';
  }
  await stopAll(store, id, pid);
  return 'signals';
}

/** Undoes that, whoever did it; nothing happens to processes that go on already. */
export async function thawProcesses(store: Store, id: string, { pid }: State): Promise<void> {
  freezerOf(pid, id)?.set(false);
  const before = new Map(readJson<[pid: number, start: number][]>(stoppedFile(store, id)));
  for (const one of membersOf(pid)) {
    const start = startTime(one);
    // In this order: what is to stop becomes what is stopped.
    if (start === undefined || before.get(one) === start || !(isToStop(one) || isStopped(one))) continue;
    await signalProcess(one, start, SIGCONT);
  }
  rmSync(stoppedFile(store, id), { force: true });
}

/** What was stopped already when the container was, and is not to go on with it. */
const stoppedFile = (store: Store, id: string) => store.path('containers', id, 'stopped.json');

interface Freezer {
  /** false where we may not. */
  set(frozen: boolean): boolean;
  isFrozen(): boolean;
}

/** Undefined where the container has no cgroup of its own. Of version 2 (cgroup.freeze), else of version 1. */
function freezerOf(pid: number, id: string): Freezer | undefined {
  const group = ownGroup(pid, id);
  if (group !== undefined && existsSync(join(group, 'cgroup.freeze'))) {
    return {
      set: (on) => write(join(group, 'cgroup.freeze'), on ? '1' : '0'),
      isFrozen: () => /^frozen 1$/m.test(readText(join(group, 'cgroup.events')) ?? 'frozen 1'),
    };
  }
  const old = /^\d+:freezer:(.*)$/m.exec(readText(`/proc/${pid}/cgroup`) ?? '')?.[1];
  const path = old?.includes(id) ? join('/sys/fs/cgroup/freezer', old, 'freezer.state') : undefined;
  if (path === undefined || !existsSync(path)) return undefined;
  return {
    set: (on) => write(path, on ? 'FROZEN' : 'THAWED'),
    isFrozen: () => (readText(path) ?? 'FROZEN').startsWith('FROZEN'),
  };
}

function write(path: string, value: string): boolean {
  try {
    writeFileSync(path, value);
    return true;
  } catch (error) {
    if (hasCode(error, 'EACCES', 'EPERM', 'EROFS', 'ENOENT', 'ENODEV')) return false;
    throw error;
  }
}

/** Freezing takes its time; a process that can't be frozen now (in a system call of FUSE) is not waited for for long. */
async function frozen(freezer: Freezer): Promise<void> {
  for (let tries = 0; tries < 500 && !freezer.isFrozen(); tries += 1) {
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
}

/** Until a look round finds none that still runs. */
async function stopAll(store: Store, id: string, first: number): Promise<void> {
  const before = membersOf(first).filter(isStopped);
  if (before.length > 0) {
    const known = before.map((pid) => [pid, startTime(pid)]).filter(([, start]) => start !== undefined);
    replace(stoppedFile(store, id), JSON.stringify(known));
  }
  const stopped = new Set<number>();
  for (let round = 0; round < ROUNDS; round += 1) {
    const running = membersOf(first).filter((pid) => !isStopped(pid));
    if (running.length === 0) return;
    const fresh = running.filter((pid) => !stopped.has(pid));
    for (const pid of fresh) {
      const start = startTime(pid);
      if (start !== undefined && (await signalProcess(pid, start, SIGSTOP))) stopped.add(pid);
    }
    if (fresh.length === 0) await new Promise((resolve) => setTimeout(resolve, 1));
  }
}

/**
 * SIGSTOP has not reached it yet (proc_pid_status(5), SigPnd and ShdPnd): a shell that waits for its child to exec takes no
 * signal, and would stop when the child goes on and has done so.
 */
function isToStop(pid: number): boolean {
  const pending = [...(readText(`/proc/${pid}/status`) ?? '').matchAll(/^(?:SigPnd|ShdPnd):\t([0-9a-f]+)$/gm)];
  return pending.some(([, mask]) => (BigInt(`0x${mask}`) & (1n << BigInt(SIGSTOP - 1))) !== 0n);
}

/** Stopped, traced, or at its end (proc_pid_stat(5), field 3). */
function isStopped(pid: number): boolean {
  const text = readText(`/proc/${pid}/stat`);
  return text === undefined || /^[TtZX]/.test(text.slice(text.lastIndexOf(')') + 2));
}
