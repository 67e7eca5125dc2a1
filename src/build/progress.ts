/** What a build does beside its graph, told as a vertex of its own: `[internal] load build definition from Dockerfile`. */
import { createHash } from 'node:crypto';
import type { Report } from '#build/event.ts';

/** Tells how far a part of the work is; `done` ends it. */
export type Tell = (part: string, state?: { current?: number; total?: number; done?: boolean }) => void;

export interface Step {
  tell: Tell;
  /** A line of output. */
  say(line: string): void;
}

export const vertexId = (name: string) => `sha256:${createHash('sha256').update(name).digest('hex')}`;

/** Does a piece of work and tells when it begins and ends, and why it failed. */
export async function step<T>(report: Report, name: string, work: (step: Step) => Promise<T> | T): Promise<T> {
  const id = vertexId(name);
  const vertex = { kind: 'vertex' as const, id, name, inputs: [], started: Date.now() };
  const begun = new Map<string, number>();
  const tell: Tell = (part, { current = 0, total = 0, done = false } = {}) => {
    const timestamp = Date.now();
    const started = begun.get(part) ?? timestamp;
    begun.set(part, started);
    const state = { current, total, started, timestamp, ...(done ? { completed: timestamp } : {}) };
    report({ kind: 'status', vertex: id, id: part, ...state });
  };
  const say = (line: string) =>
    report({ kind: 'log', vertex: id, stream: 2, data: Buffer.from(`${line}\n`), timestamp: Date.now() });
  report(vertex);
  try {
    const result = await work({ tell, say });
    report({ ...vertex, completed: Date.now() });
    return result;
  } catch (error) {
    report({ ...vertex, completed: Date.now(), error: oneLine(error) });
    throw error;
  }
}

/** As it stands in the progress; who was only interrupted is not to blame. */
function oneLine(error: unknown): string {
  if (error instanceof Error && error.name === 'AbortError') return 'context canceled';
  return (error instanceof Error ? error.message : String(error)).split('\n', 1)[0] ?? '';
}
