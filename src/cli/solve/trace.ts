/** What is known of a build from its events, for every way of showing it. Imports nothing that draws. */
import type { BuildEvent } from '#build/event.ts';
import type { LintWarning } from '#build/vertex.ts';

/** A part of a vertex's work, without what it is a part of. */
export type Part = Omit<BuildEvent & { kind: 'status' }, 'kind' | 'vertex'>;

/** A vertex that has begun. Times are milliseconds since the epoch. */
export interface Traced {
  id: string;
  name: string;
  started: number;
  completed: number | undefined;
  cached: boolean;
  error: string | undefined;
  /** In the order in which they began. */
  parts: Part[];
  /** Parts of which something new is known. */
  changedParts: Set<string>;
  warnings: LintWarning[];
  /** Lines of output that nobody took yet, each with its time before it; the last one may be open. */
  lines: string[];
  /** The last line has no end yet. */
  isOpen: boolean;
  /** How much has happened since somebody looked, and since when. */
  news: number;
  newsSince: number | undefined;
  /** Bytes of output in all. */
  written: number;
}

export interface Trace {
  /** In the order in which they began. */
  vertices: Traced[];
  /** Those of which something new is known. */
  changed: Set<Traced>;
  /** All that were named. */
  total: number;
  /** When the first one began. */
  began: number | undefined;
  take(event: BuildEvent, now?: number): void;
}

/** `FromAsCasing: … (line 3)` */
export function warningText({ rule, detail, place: [first] }: LintWarning): string {
  return `${rule}: ${detail}${first === undefined ? '' : ` (line ${first.start})`}`;
}

export const isCanceled = ({ error }: Traced) => error?.endsWith('context canceled') ?? false;

export function newTrace(): Trace {
  const known = new Map<string, Traced>();
  const trace: Trace = { vertices: [], changed: new Set(), total: 0, began: undefined, take };
  return trace;

  function take(event: BuildEvent, now = Date.now()): void {
    const vertex = event.kind === 'vertex' ? begun(event) : known.get(event.vertex);
    if (vertex === undefined) return;
    if (event.kind === 'status') setPart(vertex, event);
    else if (event.kind === 'log') addOutput(vertex, event);
    else if (event.kind === 'warning') vertex.warnings.push(event.warning);
    trace.changed.add(vertex);
    vertex.newsSince ??= now;
    vertex.news += 1;
  }

  function begun({ id, name, started, completed, cached = false, error }: BuildEvent & { kind: 'vertex' }): Traced {
    const found = known.get(id);
    const state = { name, completed, cached, error };
    if (found !== undefined) return Object.assign(found, state);
    const fresh = { parts: [], changedParts: new Set<string>(), warnings: [], lines: [], isOpen: false };
    const vertex: Traced = { id, started, ...state, ...fresh, news: 0, newsSince: undefined, written: 0 };
    known.set(id, vertex);
    trace.vertices.push(vertex);
    trace.total += 1;
    trace.began ??= started;
    return vertex;
  }
}

function setPart(vertex: Traced, { kind: _, vertex: __, ...part }: BuildEvent & { kind: 'status' }): void {
  const found = vertex.parts.find(({ id }) => id === part.id);
  if (found === undefined) vertex.parts.push(part);
  else Object.assign(found, part);
  vertex.changedParts.add(part.id);
}

function addOutput(vertex: Traced, { data, timestamp }: BuildEvent & { kind: 'log' }): void {
  vertex.written += data.length;
  const time = `${spent((timestamp - vertex.started) / 1000)} `;
  const pieces = data.toString('utf8').split('\n');
  // What stands after the last line feed is nothing, or a line that goes on.
  const rest = pieces.pop() ?? '';
  for (const piece of rest === '' ? pieces : [...pieces, rest]) {
    if (vertex.isOpen) vertex.lines.push((vertex.lines.pop() ?? '') + piece);
    else vertex.lines.push(time + piece);
    vertex.isOpen = false;
  }
  vertex.isOpen = rest !== '';
}

/** Three digits behind the point for short times, fewer for long ones. */
function spent(seconds: number): string {
  const shown = Math.max(0, seconds);
  return shown.toFixed(shown < 10 ? 3 : shown < 100 ? 2 : 1);
}

/** `31B`, `28.06kB`, in powers of a thousand with two digits behind the point (tonistiigi/units). */
function transferred(bytes: number): string {
  const units = ['B', 'kB', 'MB', 'GB', 'TB', 'PB'];
  let [value, unit] = [bytes, 0];
  while (value >= 1000 && unit < units.length - 1) [value, unit] = [value / 1000, unit + 1];
  return unit === 0 ? `${value}B` : `${value.toFixed(2)}${units[unit]}`;
}

/** `12B / 3.45kB`, or nothing. */
export function amount({ current, total }: Part): string {
  if (total !== 0) return `${transferred(current)} / ${transferred(total)}`;
  return current === 0 ? '' : transferred(current);
}
