/** What every operation on a project is called with. */
import type { BuildEvent } from '#build/event.ts';
import type { Report, StepEvent } from '#compose/apply/event.ts';
import { type Present, readPresent } from '#compose/apply/identify.ts';
import type { ContainerRecord } from '#container/record.ts';
import type { Store } from '#engine/open.ts';

export interface Scope {
  store: Store;
  report: Report;
  /** A sentence that compose logs as a warning. */
  warn: (text: string) => void;
  abort?: AbortSignal;
  /** Told every line that a hook of a container prints; where nobody listens they print nothing. */
  hear?: (container: ContainerRecord, line: string) => void;
  /** What a build that is needed on the way tells. */
  build?: (service: string, event: BuildEvent) => void;
  /** Between the parts of a container's name: `-`, or `_` as docker-compose 1 had it (--compatibility). */
  separator?: string;
  /** --env-file, as given: a label has them. */
  envFiles?: readonly string[];
  /** At most so many images are fetched at once. */
  parallel?: number;
  /** --dry-run: nothing is changed, but noted here as if it were. */
  pretended?: Pretended;
}

/** What a dry run would have made, and the ids of what it would have removed. */
export interface Pretended {
  made: Present[];
  gone: Set<string>;
}

/** Does what changes something, unless this is a dry run. */
export async function act(scope: Pick<Scope, 'pretended'>, work: () => Promise<unknown>): Promise<void> {
  if (scope.pretended === undefined) await work();
}

/** The containers of a project; in a dry run as they would be by now. */
export function presentNow({ store, pretended }: Scope, project: string): Present[] {
  const present = readPresent(store, project);
  if (pretended === undefined) return present;
  return [...present.filter(({ id }) => !pretended.gone.has(id)), ...pretended.made];
}

/** Tells of one thing's states. */
export function teller({ report }: Pick<Scope, 'report'>, id: string) {
  const tell = (status: StepEvent['status']) => (state: string) => report({ id, state, status });
  return { working: tell('working'), done: tell('done'), warning: tell('warning'), error: tell('error') };
}
