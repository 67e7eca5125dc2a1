/**
 * The journal of what happened: one JSON line an event, in the Engine API's shape (/events, EventMessage), in the file
 * `events` of the store. Whoever does something appends its line by one write; nobody waits for anybody. A full journal
 * becomes `events.1`. The monitor writes the same lines (native/monitor/event.c).
 */
import { closeSync, constants, fstatSync, ftruncateSync, openSync, renameSync, statSync, writeSync } from 'node:fs';
import type { Store } from '#store/store.ts';
import { flock, LOCK, realTime } from '#sys/ffi.ts';

export type EventType = 'container' | 'image' | 'volume' | 'network' | 'secret' | 'builder';

/** What happened to what. */
export interface Happening {
  type: EventType;
  /** Docker's word: `create`, `exec_start: sh -c true`, `health_status: healthy`. */
  action: string;
  /** A container's or a network's ID, a volume's name, an image's ID or, where Docker shows that, its reference. */
  id: string;
  attributes?: Readonly<Record<string, string>>;
}

export const JOURNAL = 'events';
export const OLD_JOURNAL = 'events.1';

/** A journal of this size, in bytes, makes place for a new one: some ten thousand events. native/monitor/event.c knows it too. */
const FULL = 4 << 20;

/**
 * Notes that something happened just now. Costs some 50 µs. Never throws: what has been done is not undone because the
 * disk is too full to tell of it.
 */
export function recordEvent(store: Store, happening: Happening): void {
  try {
    append(store, Buffer.from(eventLine(happening, now())));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).syscall === undefined) throw error;
  }
}

/** The line of an event. nano: nanoseconds since 1970. */
export function eventLine({ type, action, id, attributes = {} }: Happening, nano: bigint): string {
  const event = { Type: type, Action: action, Actor: { ID: id, Attributes: attributes }, scope: 'local' };
  return `${JSON.stringify(event).slice(0, -1)},"time":${nano / 1_000_000_000n},"timeNano":${nano}}\n`;
}

let last = 0n;

/** Now, in nanoseconds, and later than the last event of this process. */
function now(): bigint {
  const nano = realTime() ?? BigInt(Date.now()) * 1_000_000n;
  last = nano > last ? nano : last + 1n;
  return last;
}

/**
 * Appends a line whole: O_APPEND puts each write behind all others. Who holds a journal while others fill and rename it
 * writes into the old one, where it is still found; if it was even removed meanwhile, there is a newer one.
 */
function append(store: Store, line: Buffer): void {
  const path = store.path(JOURNAL);
  for (;;) {
    const fd = openSync(path, constants.O_WRONLY | constants.O_APPEND | constants.O_CREAT, 0o600);
    try {
      const written = writeSync(fd, line);
      const { nlink, size, ino } = fstatSync(fd);
      // A full disk took a part, and the next line would go on in it.
      if (written < line.length) ftruncateSync(fd, size - written);
      else if (nlink === 0) continue;
      if (size > FULL) rotate(store, fd, ino);
      return;
    } finally {
      closeSync(fd);
    }
  }
}

/** The lock is on the full journal itself: whoever gets it late sees that another file has its name by now. */
function rotate(store: Store, fd: number, ino: number): void {
  const path = store.path(JOURNAL);
  flock(fd, LOCK.EX | LOCK.NB);
  if (statSync(path).ino === ino) renameSync(path, store.path(OLD_JOURNAL));
}
