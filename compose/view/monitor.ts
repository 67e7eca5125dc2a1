/** What becomes of a project's containers while one looks: made, started, ended, made anew. */
import { LABEL } from '#compose/model/labels.ts';
import { projectContainers, withoutProject } from '#compose/view/containers.ts';
import type { State } from '#container/record.ts';
import { readState } from '#container/state.ts';
import { type Event, watchEvents } from '#engine/events.ts';
import type { Store } from '#engine/open.ts';
import { isRestarted } from '#engine/start.ts';

export interface Happening {
  kind: 'created' | 'recreated' | 'started' | 'exited';
  id: string;
  /** As its log calls it. */
  name: string;
  service: string;
  exitCode: number;
  /** It ends, and starts again by itself; or has started again so. */
  restarting: boolean;
  /** Of a container that was made in the place of another: the other's name. */
  replaces: string;
  nano: bigint;
}

export interface MonitorOptions {
  /** Only these services; empty: all. */
  services: readonly string[];
  /** Of these, too, the start is told; it goes on for none of them. */
  aside?: readonly string[];
  abort: AbortSignal;
}

/**
 * Tells of each change, from the moment at which it is called, until no container of the project is left that has not
 * ended, or until it is aborted.
 */
export function monitorProject(store: Store, project: string, { services, aside = [], abort }: MonitorOptions) {
  const filters = ['type=container', `label=${LABEL.project}=${project}`];
  const ending = new AbortController();
  const signal = AbortSignal.any([abort, ending.signal]);
  const events = watchEvents(store, { filters, abort: signal });
  // A generator begins when it is asked: from now on nothing is missed.
  const first = events.next();
  first.catch(() => undefined);
  const going = new Set(
    projectContainers(store, project, { services, all: true, oneOff: false }).map(({ record }) => record.id),
  );
  return tell(store, { events, first, services, aside, going, ending, signal });
}

interface Watching {
  events: AsyncGenerator<Event[], void>;
  /** The first answer, asked for already. */
  first: Promise<IteratorResult<Event[], void>>;
  services: readonly string[];
  aside: readonly string[];
  /** Ids of what has not ended. */
  going: Set<string>;
  /** Ends the events. */
  ending: AbortController;
  signal: AbortSignal;
}

async function* tell(store: Store, watching: Watching): AsyncGenerator<Happening, void> {
  const { events, first, going, ending, signal } = watching;
  const restarting = new Set<string>();
  try {
    let next = first;
    while (going.size > 0) {
      const { value, done } = await next;
      if (done) return;
      yield* happeningsOf(store, value, { ...watching, restarting });
      if (going.size > 0) next = events.next();
    }
  } catch (error) {
    if (!signal.aborted) throw error;
  } finally {
    ending.abort();
  }
}

async function* happeningsOf(
  store: Store,
  events: readonly Event[],
  { services, aside, going, restarting }: Watching & { restarting: Set<string> },
): AsyncGenerator<Happening, void> {
  for (const event of events) {
    const service = event.attributes[LABEL.service] ?? '';
    const counts = services.length === 0 || services.includes(service);
    if (!counts && !aside.includes(service)) continue;
    const happening = await readHappening(store, event, restarting);
    if (happening === undefined || (!counts && happening.kind !== 'started')) continue;
    if (counts) note(going, happening);
    yield happening;
  }
}

function note(going: Set<string>, { id, kind, restarting }: Happening): void {
  if (kind === 'exited' && !restarting) going.delete(id);
  else going.add(id);
}

async function readHappening(store: Store, event: Event, restarting: Set<string>): Promise<Happening | undefined> {
  const { id, action, attributes, nano } = event;
  const about = {
    id,
    name: withoutProject(attributes.name ?? '', attributes),
    service: attributes[LABEL.service] ?? '',
    exitCode: Number(attributes.exitCode ?? 0),
    replaces: attributes[LABEL.replace] ?? '',
    restarting: false,
    nano,
  };
  switch (action) {
    case 'create':
      return { ...about, kind: about.replaces === '' ? 'created' : 'recreated' };
    case 'start':
      return { ...about, kind: 'started', restarting: restarting.has(id) };
    case 'die': {
      const comesBack = (await isRestarted(store, { id })) || startsAgain(readState(store, id), nano);
      if (comesBack) restarting.add(id);
      return { ...about, kind: 'exited', restarting: comesBack };
    }
    default:
      return undefined;
  }
}

/** By its restart policy; or it has started again since it ended. */
function startsAgain(state: State | undefined, ended: bigint): boolean {
  if (state?.status === 'restarting') return true;
  return state?.status === 'running' && Date.parse(state.startedAt) > Number(ended / 1_000_000n);
}
