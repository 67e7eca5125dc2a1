/** logs: what a container has written, and what it writes from now on. */
import { type FSWatcher, watch } from 'node:fs';
import { dirname } from 'node:path';
import { hasCode, WherryError } from '#base/error.ts';
import { keepsLog, logPathOf } from '#container/logconfig.ts';
import { type LogEntry, type LogFile, openAll, openNewer, parseEntry, parsePlainEntry } from '#container/logfile.ts';
import { findContainer } from '#container/names.ts';
import type { ContainerRecord } from '#container/record.ts';
import { isRunning, readState } from '#container/state.ts';
import type { Store } from '#store/store.ts';

export type { LogEntry } from '#container/logfile.ts';

export interface LogOptions {
  /** Goes on until the container ends. */
  follow?: boolean;
  /** RFC 3339, UTC, nine digits: nothing before. */
  since?: string;
  /** The same: nothing after. */
  until?: string;
  /** So many of the last lines; absent: all. */
  tail?: number;
  abort?: AbortSignal;
}

/**
 * A container's log in batches, oldest first, rotated files included. Following it goes on through rotations and ends
 * when the container ends, as with Docker also when it will be restarted, or when the log reaches `until`.
 * Throws kind `not-found`; `unavailable` where nothing is logged; the abort's reason.
 */
export async function* readLogs(
  store: Store,
  name: string,
  options: LogOptions = {},
): AsyncGenerator<LogEntry[], void> {
  const record = findContainer(store, name);
  const { LogConfig } = record.hostConfig;
  if (!keepsLog(LogConfig)) {
    throw new WherryError('unavailable', 'configured logging driver does not support reading');
  }
  if (LogConfig.Type === 'journald') yield* readFromJournal(store, record.id, options);
  else yield* readFiles(store, record, options);
}

/** What the journal has of it. */
async function* readFromJournal(store: Store, id: string, options: LogOptions): AsyncGenerator<LogEntry[], void> {
  const { readJournal } = await import('#container/logs-journal.ts');
  const begun = readState(store, id);
  const goesOn = () => runsStill(store, id, begun?.startedAt);
  const { follow, ...wish } = options;
  for await (const batch of readJournal(id, follow ? { ...wish, goesOn } : wish)) {
    const { entries, past } = within(batch, options);
    if (entries.length > 0) yield entries;
    if (past) return;
  }
}

/** What its files have of it. */
async function* readFiles(
  store: Store,
  record: ContainerRecord,
  options: LogOptions,
): AsyncGenerator<LogEntry[], void> {
  const path = logPathOf(store, record);
  const parse = record.hostConfig.LogConfig.Type === 'k8s-file' ? parsePlainEntry : parseEntry;
  const following = options.follow ? follower(store, record.id, path, options.abort) : undefined;
  // Asked before the files are opened: what was written until then is read, in whichever file it is by now.
  let goesOn = following?.goesOn() ?? false;
  let files = openAll(path);
  try {
    if (options.tail !== undefined) files = tailOf(files, options.tail);
    for (;;) {
      const past = yield* selected(files, { last: !goesOn, parse }, options);
      if (past || !goesOn) return;
      await following?.change();
      options.abort?.throwIfAborted();
      goesOn = following?.goesOn() ?? false;
      files = advance(files, path);
    }
  } finally {
    following?.close();
    for (const file of files) file.close();
  }
}

interface Reading {
  /** Nothing more will come, so that a line without an end is looked at, too. */
  last: boolean;
  parse: (line: string) => LogEntry | undefined;
}

/** What lies between since and until; true when `until` is passed. */
function* selected(files: readonly LogFile[], reading: Reading, options: LogOptions): Generator<LogEntry[], boolean> {
  for (const batch of drain(files, reading)) {
    const { entries, past } = within(batch, options);
    if (entries.length > 0) yield entries;
    if (past) return true;
  }
  return false;
}

/** Leaves only what holds the last lines; the newest file in any case, for what will be written to it. */
function tailOf(files: LogFile[], count: number): LogFile[] {
  let missing = count;
  const kept: LogFile[] = [];
  for (const file of files.toReversed()) {
    if (missing === 0 && kept.length > 0) {
      file.close();
      continue;
    }
    missing = file.seekTail(missing);
    kept.unshift(file);
  }
  return kept;
}

/** Reads all files to their ends. */
function* drain(files: readonly LogFile[], { last, parse }: Reading): Generator<LogEntry[]> {
  const parseAll = (lines: readonly string[]) => lines.map(parse).filter((entry) => entry !== undefined);
  for (const [index, file] of files.entries()) {
    for (let lines = file.read(); lines.length > 0; lines = file.read()) yield parseAll(lines);
    if (last || index < files.length - 1) yield parseAll([file.remainder()]);
  }
}

/** Closes what was read to its end, and opens what a rotation has put in its place. */
function advance(files: LogFile[], path: string): LogFile[] {
  const current = files.at(-1);
  for (const done of files.slice(0, -1)) done.close();
  if (current === undefined) return openAll(path);
  current.followCut();
  const newer = openNewer(path, current);
  return [current, ...newer];
}

function within(batch: LogEntry[], { since, until }: LogOptions): { entries: LogEntry[]; past: boolean } {
  if (since === undefined && until === undefined) return { entries: batch, past: false };
  const end = until === undefined ? -1 : batch.findIndex((entry) => entry.time > until);
  const before = end < 0 ? batch : batch.slice(0, end);
  return { entries: since === undefined ? before : before.filter((entry) => entry.time >= since), past: end >= 0 };
}

interface Follower {
  /** Does the container that ran when we began still run? */
  goesOn(): boolean;
  /** Settles when something in the container's directory has changed since the last call. */
  change(): Promise<void>;
  close(): void;
}

/** Without an event for so long, we look: a monitor that was killed writes no last words. */
const LOOK_AGAIN = 1000;

/** Does the container that began to run then still run? */
function runsStill(store: Store, id: string, startedAt: string | undefined): boolean {
  const state = readState(store, id);
  return isRunning(state) && state.status !== 'restarting' && state.startedAt === startedAt;
}

function follower(store: Store, id: string, path: string, abort: AbortSignal | undefined): Follower {
  const begun = readState(store, id);
  let changed = false;
  let wake: () => void = () => undefined;
  const ring = () => {
    changed = true;
    wake();
  };
  const watcher = watchDirectory(dirname(path), ring);
  const timer = setInterval(ring, LOOK_AGAIN);
  abort?.addEventListener('abort', ring, { once: true });
  return {
    goesOn: () => runsStill(store, id, begun?.startedAt),
    change: async () => {
      if (!changed) {
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      }
      changed = false;
    },
    close: () => {
      watcher?.close();
      clearInterval(timer);
      abort?.removeEventListener('abort', ring);
    },
  };
}

/** Undefined where the user's inotify watches are used up, or the container goes at this very moment. */
function watchDirectory(path: string, changed: () => void): FSWatcher | undefined {
  try {
    return watch(path, changed).on('error', changed);
  } catch (error) {
    if (hasCode(error, 'ENOSPC', 'EMFILE', 'ENOENT')) return undefined;
    throw error;
  }
}
