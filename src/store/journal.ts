/** Reads what store/events.ts writes: all that is kept, or what comes from now on, while others write and turn the journal. */
import { closeSync, type FSWatcher, fstatSync, openSync, readSync, statSync, watch } from 'node:fs';
import { hasCode } from '#base/error.ts';
import { type EventType, JOURNAL, OLD_JOURNAL } from '#store/events.ts';
import type { Store } from '#store/store.ts';

export interface Event {
  type: EventType;
  action: string;
  id: string;
  attributes: Record<string, string>;
  /** Nanoseconds since 1970: beyond the whole numbers of JavaScript. */
  nano: bigint;
}

export interface JournalOptions {
  /** Begin with the oldest event that is kept, or with the last few; else with what happens from now on. */
  past: boolean | 'recent';
  /** Go on when all is read. */
  follow: boolean;
  /** Ends it; its reason is not thrown. */
  abort?: AbortSignal;
}

/** Hands the events over in the order in which they were written, as many at once as are there. */
export async function* readJournal(
  store: Store,
  { past, follow, abort }: JournalOptions,
): AsyncGenerator<Event[], void, void> {
  using watcher = follow ? watchJournal(store, abort) : undefined;
  using reader = openReader(store, past);
  for (;;) {
    for (const events of reader.read()) if (events.length > 0) yield events;
    if (watcher === undefined || abort?.aborted) return;
    await watcher.change();
  }
}

/** The start of each line: no string inside of one can look like it, for its quotes would be escaped. */
const START = '{"Type":"';

/**
 * A line's event; undefined for what is none. Behind a line that a full disk or a power cut tore off stands the next one:
 * that is whole.
 */
export function parseEvent(line: string): Event | undefined {
  const text = line.slice(Math.max(line.lastIndexOf(START), 0));
  const nano = /"timeNano":(\d+)\}$/.exec(text)?.[1];
  if (nano === undefined) return undefined;
  try {
    const { Type, Action, Actor } = JSON.parse(text);
    return { type: Type, action: Action, id: Actor.ID, attributes: Actor.Attributes ?? {}, nano: BigInt(nano) };
  } catch (error) {
    if (error instanceof SyntaxError || error instanceof TypeError) return undefined;
    throw error;
  }
}

/** One journal, open, as far as it is read. */
interface Journal {
  readonly fd: number;
  readonly inode: number;
  at: number;
  /** The beginning of a line whose end is not there yet. */
  rest: Buffer;
}

interface Reader extends Disposable {
  /** What has been written since the last call. */
  read(): Generator<Event[], void, void>;
}

/**
 * Two journals stay open: the one that is written and the one before it, into which somebody who had opened it may write a
 * last line. When several were filled since the last look, those between are read too as far as they are still there.
 */
function openReader(store: Store, past: JournalOptions['past']): Reader {
  let [older, current] =
    past === true ? openBoth(store) : [undefined, openNow(store, JOURNAL, past === 'recent' ? 'recent' : 'end')];
  const next = (name: string) => {
    if (older !== undefined) closeSync(older.fd);
    older = current;
    current = openNow(store, name, 'start');
  };
  return {
    *read() {
      for (;;) {
        yield* readLines(older);
        yield* readLines(current);
        const name = following(store, current?.inode);
        if (name === undefined) return;
        next(name);
      }
    },
    [Symbol.dispose]: () => {
      for (const journal of [older, current]) if (journal !== undefined) closeSync(journal.fd);
    },
  };
}

/** What to read after the journal with this inode; undefined where nothing newer is there. */
function following(store: Store, inode: number | undefined): string | undefined {
  const now = inodeOf(store, JOURNAL);
  if (now === undefined || now === inode) return undefined;
  const before = inode === undefined ? undefined : inodeOf(store, OLD_JOURNAL);
  return before === undefined || before === inode ? JOURNAL : OLD_JOURNAL;
}

/** The old one and the new one; opened anew when they were turned between the two. */
function openBoth(store: Store): [Journal | undefined, Journal | undefined] {
  for (;;) {
    const older = openNow(store, OLD_JOURNAL, 'start');
    const current = openNow(store, JOURNAL, 'start');
    const now = inodeOf(store, OLD_JOURNAL);
    if (now === older?.inode) return [older, current];
    for (const journal of [older, current]) if (journal !== undefined) closeSync(journal.fd);
  }
}

/** Bytes before the end that count as recent: some hundred events. The first line of them may be a torn one, and is none then. */
const RECENT = 64 * 1024;

function openNow(store: Store, name: string, from: 'start' | 'recent' | 'end'): Journal | undefined {
  try {
    const fd = openSync(store.path(name), 'r');
    const { ino, size } = fstatSync(fd);
    return {
      fd,
      inode: ino,
      at: from === 'start' ? 0 : Math.max(from === 'recent' ? size - RECENT : size, 0),
      rest: Buffer.alloc(0),
    };
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return undefined;
    throw error;
  }
}

const inodeOf = (store: Store, name: string) => statSync(store.path(name), { throwIfNoEntry: false })?.ino;

const LINE_FEED = 10;

function* readLines(journal: Journal | undefined): Generator<Event[], void, void> {
  if (journal === undefined) return;
  const piece = Buffer.allocUnsafe(256 * 1024);
  for (;;) {
    const count = readSync(journal.fd, piece, 0, piece.length, journal.at);
    if (count === 0) return;
    journal.at += count;
    const bytes = Buffer.concat([journal.rest, piece.subarray(0, count)]);
    const end = bytes.lastIndexOf(LINE_FEED) + 1;
    journal.rest = bytes.subarray(end);
    const lines = bytes.subarray(0, end).toString('utf8').split('\n');
    yield lines.map(parseEvent).filter((event) => event !== undefined);
  }
}

interface Watcher extends Disposable {
  /** Settles when a journal has changed since the last call, or at the abort. */
  change(): Promise<void>;
}

/** Where the kernel tells nothing we look so often, in milliseconds. */
const LOOK_AGAIN = 500;

function watchJournal(store: Store, abort: AbortSignal | undefined): Watcher {
  let changed = false;
  let wake: () => void = () => undefined;
  const ring = () => {
    changed = true;
    wake();
  };
  const stop = watchRoot(store, ring);
  abort?.addEventListener('abort', ring, { once: true });
  return {
    change: async () => {
      if (!changed && !abort?.aborted) {
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      }
      changed = false;
    },
    [Symbol.dispose]: () => {
      stop();
      abort?.removeEventListener('abort', ring);
    },
  };
}

/** Calls back when a journal changes; the result ends that. The directory is watched, for a journal may not be there yet. */
function watchRoot(store: Store, ring: () => void): () => void {
  const poll = () => {
    const timer = setInterval(ring, LOOK_AGAIN);
    return () => clearInterval(timer);
  };
  let watcher: FSWatcher;
  try {
    watcher = watch(store.root, (_kind, name) => {
      if (name === null || name === JOURNAL || name === OLD_JOURNAL) ring();
    });
  } catch (error) {
    // The user's inotify watches are used up.
    if (hasCode(error, 'ENOSPC', 'EMFILE')) return poll();
    throw error;
  }
  let stop = () => watcher.close();
  watcher.on('error', () => {
    watcher.close();
    stop = poll();
  });
  return () => stop();
}
