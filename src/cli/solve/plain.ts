/**
 * A build as lines, for files and pipes, as BuildKit writes them: each vertex has a number, and what several print at the
 * same time takes turns, one staying in front for some seconds so that its lines stay together.
 */
import { amount, isCanceled, type Part, type Trace, type Traced, warningText } from '#cli/solve/trace.ts';

export interface PlainPrinter {
  /** Writes what is new. */
  print(now?: number): void;
  /** The last lines of a vertex, for the end of a build that failed. */
  recent(vertex: Traced): string[];
}

/** So long, in seconds, at most one vertex has to wait behind another's lines. */
const LONGEST_WAIT = 10;
/** So long, at least, one stays in front when others have as much to say. */
const SHORTEST_TURN = 5;
/** A transfer is told anew after so much of it, or so many milliseconds. */
const WORTH = { share: 0.05, pause: 5000 };
/** What is kept of a vertex's output. */
const RECENT = 10;

interface Printed {
  index: number;
  recent: string[];
  /** So much of the open line is written already. */
  offset: number;
  told: Map<string, { current: number; timestamp: number }>;
  toldWarnings: number;
}

type Write = (text: string) => void;

/** description: what stands in the first line. */
export function plainPrinter(trace: Trace, write: Write, description: string): PlainPrinter {
  const paper = newPaper(trace, write, description);
  const print = (now = Date.now()) => {
    const changed = [...trace.changed];
    const ended = changed.filter(({ completed }) => completed !== undefined);
    const before = paper.front;
    if (before !== undefined && ended.includes(before)) paper.show(before);
    for (const vertex of byEnd(ended)) if (vertex !== before) paper.show(vertex);
    const working = changed.filter(({ completed }) => completed === undefined);
    const next = working.length === 0 ? anyOpen(trace, paper.front) : turn(working, paper, before, now);
    if (next !== undefined) paper.show(next);
  };
  return { print, recent: paper.recent };
}

interface Paper {
  /** Whose lines stand last, if it is still at work. */
  front: Traced | undefined;
  /** Writes what is new of a vertex, which comes to the front. */
  show(vertex: Traced): void;
  recent(vertex: Traced): string[];
}

function newPaper(trace: Trace, write: Write, description: string): Paper {
  const printed = new Map<Traced, Printed>();
  const start = description === '' ? '' : `#0 ${description}\n\n`;
  const stateOf = (vertex: Traced): Printed => {
    const known = printed.get(vertex);
    if (known !== undefined) return known;
    const state = { index: printed.size + 1, recent: [], offset: 0, told: new Map(), toldWarnings: 0 };
    printed.set(vertex, state);
    return state;
  };
  const leave = (vertex: Traced) => {
    const state = stateOf(vertex);
    state.offset = 0;
    vertex.news = 0;
    write(`${vertex.isOpen ? '\n' : ''}#${state.index} ...\n`);
  };
  const paper: Paper = {
    front: undefined,
    recent: (vertex) => [...stateOf(vertex).recent, ...(vertex.isOpen ? vertex.lines.slice(-1) : [])],
    show: (vertex) => {
      const isFirst = printed.size === 0;
      const state = stateOf(vertex);
      if (paper.front !== vertex) {
        if (paper.front !== undefined) leave(paper.front);
        write(`${isFirst ? start : '\n'}#${state.index} ${shortened(vertex.name)}\n`);
      }
      const isBusy = tellParts(vertex, state, write);
      tellLines(vertex, state, write);
      trace.changed.delete(vertex);
      paper.front = vertex.completed === undefined || isBusy ? vertex : undefined;
      if (paper.front !== undefined) return;
      vertex.news = 0;
      write(`${vertex.isOpen ? '\n' : ''}#${state.index} ${outcome(vertex)}\n`);
    },
  };
  return paper;
}

/** Is one of those that were told still at work? */
function tellParts(vertex: Traced, state: Printed, write: Write): boolean {
  let isBusy = false;
  for (const part of vertex.parts) {
    if (!vertex.changedParts.has(part.id) || !isWorthTelling(part, state.told.get(part.id))) continue;
    state.told.set(part.id, { current: part.current, timestamp: part.timestamp });
    write(`#${state.index} ${describe(part)}\n`);
    isBusy ||= part.completed === undefined;
  }
  vertex.changedParts.clear();
  for (const warning of vertex.warnings.slice(state.toldWarnings)) {
    write(`#${state.index} WARN: ${warningText(warning)}\n`);
  }
  state.toldWarnings = vertex.warnings.length;
  return isBusy;
}

function tellLines(vertex: Traced, state: Printed, write: Write): void {
  vertex.lines.forEach((line, at) => {
    const isOpen = vertex.isOpen && at === vertex.lines.length - 1;
    write(state.offset > 0 ? line.slice(state.offset) : `#${state.index} ${line}`);
    state.offset = isOpen ? line.length : 0;
    if (isOpen) return;
    write('\n');
    state.recent = [...state.recent, line].slice(-RECENT);
  });
  vertex.lines = vertex.isOpen ? vertex.lines.slice(-1) : [];
}

/** With nothing new to say, one that works is named. */
function anyOpen(trace: Trace, front: Traced | undefined): Traced | undefined {
  if (front !== undefined && front.completed === undefined) return undefined;
  return trace.vertices.find(({ completed }) => completed === undefined);
}

/** Who may speak next, after the one in front has; undefined: nobody else yet. */
function turn(working: Traced[], paper: Paper, before: Traced | undefined, now: number): Traced | undefined {
  const { front } = paper;
  if (front !== undefined && working.includes(front)) paper.show(front);
  const waiting = front === undefined || working.includes(front) ? working : [...working, front];
  const rated = waiting.map((vertex) => rate(vertex, now));
  const fastest = rated.reduce((a, b) => (b.speed > a.speed ? b : a)).vertex;
  if (front === undefined || before === undefined) return fastest;
  const late = rated.find(({ vertex, waited }) => vertex !== front && waited > LONGEST_WAIT);
  if (late !== undefined) return late.vertex;
  const own = rated.find(({ vertex }) => vertex === front);
  const all = rated.reduce((sum, { speed }) => sum + speed, 0);
  const share = own === undefined || all === 0 ? 1 : own.speed / all;
  return share < 1 && SHORTEST_TURN / (1 - share) < (own?.waited ?? 0) ? fastest : undefined;
}

function rate(vertex: Traced, now: number): { vertex: Traced; speed: number; waited: number } {
  const waited = Math.max(0.001, (now - (vertex.newsSince ?? now)) / 1000);
  return { vertex, waited, speed: vertex.news / waited };
}

const byEnd = (vertices: readonly Traced[]) => [...vertices].sort((a, b) => (a.completed ?? 0) - (b.completed ?? 0));

/** PROGRESS_NO_TRUNC=0 shortens names, as with BuildKit. */
function shortened(name: string): string {
  return process.env.PROGRESS_NO_TRUNC === '0' && name.length > 72 ? `${name.slice(0, 72)}...` : name;
}

function isWorthTelling(part: Part, last: { current: number; timestamp: number } | undefined): boolean {
  if (last === undefined || part.completed !== undefined) return true;
  const share = part.total > 0 ? (part.current - last.current) / part.total : 0;
  return share >= WORTH.share || part.timestamp - last.timestamp >= WORTH.pause;
}

function describe(part: Part): string {
  const size = amount(part);
  const seconds = ((part.completed ?? part.timestamp) - part.started) / 1000;
  const time = seconds > 0.01 ? ` ${seconds.toFixed(1)}s` : '';
  return `${part.id}${size === '' ? '' : ` ${size}`}${time}${part.completed === undefined ? '' : ' done'}`;
}

function outcome(vertex: Traced): string {
  if (vertex.error !== undefined) return isCanceled(vertex) ? 'CANCELED' : `ERROR: ${vertex.error}`;
  if (vertex.cached) return 'CACHED';
  return `DONE ${(Math.max(0, (vertex.completed ?? vertex.started) - vertex.started) / 1000).toFixed(1)}s`;
}
