/** What every operation on a project is called with. */
import type { BuildEvent } from '#build/event.ts';
import type { Report, StepEvent } from '#compose/apply/event.ts';
import type { Store } from '#engine/open.ts';

export interface Scope {
  store: Store;
  report: Report;
  /** A sentence that compose logs as a warning. */
  warn: (text: string) => void;
  abort?: AbortSignal;
  /** What a build that is needed on the way tells. */
  build?: (service: string, event: BuildEvent) => void;
  /** Between the parts of a container's name: `-`, or `_` as docker-compose 1 had it (--compatibility). */
  separator?: string;
  /** --env-file, as given: a label has them. */
  envFiles?: readonly string[];
  /** At most so many images are fetched at once. */
  parallel?: number;
}

/** Tells of one thing's states. */
export function teller({ report }: Pick<Scope, 'report'>, id: string) {
  const tell = (status: StepEvent['status']) => (state: string) => report({ id, state, status });
  return { working: tell('working'), done: tell('done'), warning: tell('warning'), error: tell('error') };
}
