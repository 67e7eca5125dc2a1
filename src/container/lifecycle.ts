/** stop, kill: what is done to a container that runs, through its monitor and by signals to its first process. */
import { restated, WherryError } from '#base/error.ts';
import { type Ear, listenToMonitor } from '#container/ear.ts';
import { recordContainerEvent, type Told } from '#container/event.ts';
import { findContainer, readRecord } from '#container/names.ts';
import { resumeIfPaused } from '#container/pause.ts';
import type { ContainerRecord, State } from '#container/record.ts';
import { parseSignal } from '#container/signals.ts';
import { isRunning, readState } from '#container/state.ts';
import type { Store } from '#store/store.ts';
import { isSameProcess, signalProcess } from '#sys/process.ts';

export interface StopOptions {
  /** Instead of the container's stop signal. */
  signal?: string;
  /** Seconds until SIGKILL; negative: never. Absent: the container's, else 10. */
  timeout?: number;
  abort?: AbortSignal;
  /**
   * Loads, while the container ends, what gives back what it had, after its end. Absent: its monitor has another command
   * do so, which takes longer.
   */
  cleaner?: () => Promise<(store: Store, id: string) => Promise<void>>;
}

const SIGKILL = 9;

/** Docker's: how long a killed container's end is waited for before it is called an error. */
const KILL_PATIENCE = 10_000;

/** How long the clean-up of a container that has ended is waited for; a stopped terminal could delay it forever. */
const CLEANUP_PATIENCE = 5_000;

/**
 * Stops a container: its stop signal, and SIGKILL when the time is up. No restart policy brings it back. When it
 * resolves, the container has ended and is cleaned up. Not running is fine.
 * Throws kind `not-found`, `unavailable` for an unknown signal or a process that doesn't die; the abort's reason.
 */
export async function stopContainer(store: Store, name: string, options: StopOptions = {}): Promise<void> {
  const record = findContainer(store, name);
  await prefixed(`cannot stop container: ${name}`, () => endContainer(store, record, options));
}

/** What stop and restart share; its errors do not say yet what was wanted. */
export async function endContainer(store: Store, record: ContainerRecord, options: StopOptions): Promise<void> {
  const { StopSignal, StopTimeout } = record.config;
  const state = readState(store, record.id);
  if (!isRunning(state)) return;
  const signal = parseSignal(options.signal || StopSignal || 'TERM');
  const timeout = options.timeout ?? StopTimeout ?? 10;
  const { abort, cleaner } = options;
  const patience = timeout < 0 ? undefined : timeout * 1000;
  let isNoted = false;
  const note = () => {
    if (!isNoted) recordContainerEvent(store, record, 'stop');
    isNoted = true;
  };
  let cleanUp: ReturnType<NonNullable<typeof cleaner>> | undefined;
  const meanwhile = () => {
    cleanUp ??= cleaner?.();
  };
  const afterwards = async () => {
    note();
    meanwhile();
    // Who sat in front of it may have cleaned up, and removed it.
    await (await cleanUp)?.(store, record.id).catch(unlessGone);
  };
  const ending = { signal, patience, abort, meanwhile, afterwards: cleaner && afterwards };
  const isOurs = await end(store, record, ending);
  note();
  if (!isOurs) await cleanedUp(state);
}

/** Kills a container that is about to be removed: `remove` does so when it has ended, if that is seen. */
export async function killForRemoval(store: Store, record: Told, remove?: () => Promise<void>): Promise<void> {
  if (!isRunning(readState(store, record.id))) return;
  let failure: unknown;
  const keep = (error: unknown) => {
    failure = error;
  };
  const afterwards = remove && (() => remove().catch(keep));
  await prefixed(`cannot kill container: ${record.name}`, () =>
    end(store, record, { signal: SIGKILL, patience: 0, abort: undefined, afterwards }),
  );
  if (failure !== undefined) throw failure;
}

function unlessGone(error: unknown): void {
  if (!(error instanceof WherryError) || error.kind !== 'not-found') throw error;
}

/** What ends a container: the first signal, and after how many milliseconds the last. */
interface Ending {
  signal: number;
  patience: number | undefined;
  abort: AbortSignal | undefined;
  /** Called when the signals are sent. */
  meanwhile?: () => void;
  /** Cleans up when the container has ended, so that its monitor need not see to that. */
  afterwards: (() => Promise<void>) | undefined;
}

/**
 * Ends the container; true when this command has cleaned up. Its monitor goes then, and nobody waits for that: it has the
 * runtime forget the container first, and the next start looks for itself whether the last run's monitor lives.
 */
async function end(store: Store, record: Told, ending: Ending): Promise<boolean> {
  const { abort, afterwards } = ending;
  const asked = await askToStop(store, record.id, afterwards !== undefined);
  // Gone just now, or dying: what readState() says of it is final either way.
  if (asked === undefined) return false;
  const { ear, isOurs } = asked;
  const stop = () => ear.hangUp();
  abort?.addEventListener('abort', stop, { once: true });
  try {
    await signalUntil(store, record, ear, ending);
    abort?.throwIfAborted();
    if (!isOurs) return false;
    await afterwards?.();
    ear.say('done');
    return true;
  } finally {
    abort?.removeEventListener('abort', stop);
    ear.hangUp();
    abort?.throwIfAborted();
  }
}

/** Nothing restarts the container from now on. isOurs: the clean-up is this command's, as long as it listens. */
async function askToStop(
  store: Store,
  id: string,
  cleans: boolean,
): Promise<{ ear: Ear; isOurs: boolean } | undefined> {
  const ear = listenToMonitor(store, id);
  if (ear === undefined) return undefined;
  ear.say('stop');
  if (cleans) ear.say('clean');
  if ((await ear.answer(cleans ? 'cleaning' : 'stopping')) !== undefined || !cleans) return { ear, isOurs: cleans };
  // It has gone, or it is one of an older version, that hangs up at a word that it does not know.
  ear.hangUp();
  return askToStop(store, id, false);
}

async function signalUntil(
  store: Store,
  record: Told,
  ear: Ear,
  { signal, patience, abort, meanwhile }: Ending,
): Promise<void> {
  await signalContainer(store, record, signal);
  const isPatient = signal !== SIGKILL && patience !== 0;
  if (signal !== SIGKILL && !isPatient) await signalContainer(store, record, SIGKILL);
  const ended = ear.hear('exit');
  meanwhile?.();
  if (isPatient) {
    if (await within(ended, patience)) return;
    abort?.throwIfAborted();
    await signalContainer(store, record, SIGKILL);
  }
  if (await within(ended, KILL_PATIENCE)) return;
  throw new WherryError('unavailable', 'tried to kill container, but did not receive an exit event');
}

/** Did it happen within so many milliseconds? */
async function within(event: Promise<unknown>, milliseconds: number | undefined): Promise<boolean> {
  if (milliseconds === undefined) {
    await event;
    return true;
  }
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<false>((resolve) => {
    timer = setTimeout(() => resolve(false), milliseconds);
  });
  try {
    return await Promise.race([event.then(() => true), late]);
  } finally {
    clearTimeout(timer);
  }
}

/** Signals the container's first process, if it has one now. */
async function signalContainer(store: Store, record: Told, signal: number): Promise<boolean> {
  const state = readState(store, record.id);
  if (!isRunning(state) || !isSameProcess(state.pid, state.pidStart)) return false;
  // Before it: the end that it brings is told by another process.
  recordContainerEvent(store, record, 'kill', { signal: String(signal) });
  const sent = await signalProcess(state.pid, state.pidStart, signal);
  // As with Docker, what is to end goes on for that.
  if (sent && state.status === 'paused' && (signal === SIGKILL || isStopSignal(record, signal))) {
    await resumeIfPaused(store, record, { silent: signal === SIGKILL });
  }
  return sent;
}

/** The monitor becomes the clean-up when no command does it: its process is gone when all is done. */
async function cleanedUp({ monitorPid, monitorStart }: State): Promise<void> {
  const deadline = Date.now() + CLEANUP_PATIENCE;
  for (
    let pause = 2;
    isSameProcess(monitorPid, monitorStart) && Date.now() < deadline;
    pause = Math.min(pause * 2, 50)
  ) {
    await new Promise((resolve) => setTimeout(resolve, pause));
  }
}

/**
 * Sends a signal to a container's first process. As with Docker, a container that was killed by hand is not brought
 * back by its restart policy, unless the signal is none that stops it.
 * Throws kind `not-found`, `conflict` when it is not running, `unavailable` for an unknown signal.
 */
export async function killContainer(store: Store, name: string, signal = 'KILL'): Promise<void> {
  const { record, number } = await prefixed(`cannot kill container: ${name}`, () => {
    const asked = parseSignal(signal);
    const found = findContainer(store, name);
    if (isRunning(readState(store, found.id))) return { record: found, number: asked };
    throw notRunning(found);
  });
  if (number === SIGKILL) return killForRemoval(store, record);
  if (isStopSignal(record, number)) await forbidRestart(store, record.id);
  if (await signalContainer(store, record, number)) return;
  await prefixed(`cannot kill container: ${name}`, () => Promise.reject(notRunning(record)));
}

const notRunning = ({ id }: Told) => new WherryError('conflict', `container ${id} is not running`);

/** Forwards a signal that this command got to the container in front of which it sits; one that has ended is fine. */
export async function forwardSignal(store: Store, id: string, signal: string): Promise<void> {
  const record = readRecord(store, id);
  if (record !== undefined) await signalContainer(store, record, parseSignal(signal));
}

/** Docker: where the container names no stop signal of its own, any signal may be the one to stop it. */
function isStopSignal({ config }: Told, signal: number): boolean {
  return !config?.StopSignal || parseSignal(config.StopSignal) === signal;
}

async function forbidRestart(store: Store, id: string): Promise<void> {
  const ear = listenToMonitor(store, id);
  ear?.say('stop');
  await ear?.answer('stopping', 'exit');
  ear?.hangUp();
}

/** Runs `action`; what it throws of ours gets a beginning. */
export async function prefixed<T>(about: string, action: () => T | Promise<T>): Promise<T> {
  try {
    return await action();
  } catch (error) {
    if (!(error instanceof WherryError)) throw error;
    throw restated(error, { message: `${about}: ${error.message}` });
  }
}
