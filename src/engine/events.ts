/** events: what happened and what happens, as far as it was asked for. */
import type { Accepted, Filters } from '#base/filter.ts';
import { parseFilters } from '#base/filter.ts';
import type { Timestamp } from '#base/units.ts';
import { familiarName, parseReference } from '#oci/reference.ts';
import { type Event, readJournal } from '#store/journal.ts';
import type { Store } from '#store/store.ts';
import { ownStart } from '#sys/process.ts';

export type { Event } from '#store/journal.ts';

export interface EventsOptions {
  /** `name=value`; those of a name that Docker doesn't know count nothing, as with Docker. */
  filters?: readonly string[];
  /** The first moment. Absent, without `until`: what happened already is left out. */
  since?: Timestamp;
  /** The last moment. Absent, or yet to come: it goes on until then. */
  until?: Timestamp;
  /** false: it ends with what has happened. */
  stream?: boolean;
  /**
   * Where nothing is asked for that is past: what happened since this process was started counts as to come. Who starts
   * `events` and then a container waits for the container's start, and must not lose the race of the two.
   */
  fromOwnStart?: boolean;
  abort?: AbortSignal;
}

/** Hands over the events that match, as many at once as are there. Throws the abort's reason. */
export async function* watchEvents(
  store: Store,
  { filters = [], since, until, stream = true, fromOwnStart = false, abort }: EventsOptions,
): AsyncGenerator<Event[], void, void> {
  const { matches } = eventFilter(filters);
  const isPast = since !== undefined || until !== undefined || !stream;
  const past = isPast || (fromOwnStart && 'recent');
  const begin = past === 'recent' ? BigInt(Math.round(ownStart())) * 1_000_000n : since && nanosOf(since);
  const last = until && nanosOf(until);
  const left = last === undefined ? undefined : Number(last / 1_000_000n) - Date.now();
  const over = new AbortController();
  using _timer = left === undefined ? undefined : timer(left, () => over.abort());
  const follow = stream && (left === undefined || left > 0);
  const ends = abort === undefined ? over.signal : AbortSignal.any([abort, over.signal]);
  const isWithin = ({ nano }: Event) => (begin === undefined || nano >= begin) && (last === undefined || nano <= last);
  for await (const events of readJournal(store, { past, follow, abort: ends })) {
    const wanted = events.filter((event) => isWithin(event) && matches(event));
    if (wanted.length > 0) yield wanted;
  }
  abort?.throwIfAborted();
}

const nanosOf = ({ seconds, nanos }: Timestamp) => BigInt(seconds) * 1_000_000_000n + BigInt(nanos);

/** setTimeout() takes at most so many milliseconds, 24 days. */
const LONGEST = 2 ** 31 - 1;

function timer(milliseconds: number, ring: () => void): Disposable {
  let handle: NodeJS.Timeout;
  const set = (left: number) => {
    handle = setTimeout(() => (left > LONGEST ? set(left - LONGEST) : ring()), Math.min(left, LONGEST));
  };
  set(Math.max(milliseconds, 0));
  return { [Symbol.dispose]: () => clearTimeout(handle) };
}

/** What things can be asked for by the beginning of their ID or their name (moby, daemon/events/filter.go). */
const KINDS = ['daemon', 'container', 'plugin', 'volume', 'network', 'node', 'service', 'secret', 'config'];

/** Actions with something behind a colon, that are meant by what is before it. */
const OPEN_ENDED = ['health_status', 'exec_create', 'exec_start'];

/** Docker's filters of events. All must match, each with any of its values, and labels with all. Throws kind `invalid`. */
export function eventFilter(pairs: readonly string[]): { matches(event: Event): boolean } {
  const names = pairs.map((pair) => (pair.split('=', 1)[0] ?? '').trim().toLowerCase());
  const accepted: Accepted = Object.fromEntries(names.map((name) => [name, undefined]));
  const filters = parseFilters(pairs, accepted);
  if (filters.size === 0) return { matches: () => true };
  return {
    matches: (event) =>
      matchesAction(filters, event.action) &&
      filters.exact('type', event.type) &&
      filters.exact('scope', 'local') &&
      KINDS.every((kind) => filters.prefix(kind, event.id) || filters.prefix(kind, event.attributes.name ?? '')) &&
      matchesImage(filters, event) &&
      filters.labels('label', event.attributes),
  };
}

function matchesAction(filters: Filters, action: string): boolean {
  const isOpen = filters.values('event').some((value) => OPEN_ENDED.includes(value));
  return isOpen ? filters.prefix('event', action) : filters.exact('event', action);
}

/** By what the container was made from, or by the image's ID or name; a name matches without its tag, too. */
function matchesImage(filters: Filters, { type, id, attributes }: Event): boolean {
  if (!filters.has('image')) return true;
  const name = attributes[type === 'image' ? 'name' : 'image'] ?? '';
  return [id, name, withoutTag(id), withoutTag(name)].some((text) => filters.exact('image', text));
}

function withoutTag(text: string): string {
  try {
    return familiarName(parseReference(text));
  } catch {
    return text;
  }
}
