/** A build on a terminal: a line a vertex and a transfer, with times, and below those that run their last lines of output. */
import { type Colors, painted } from '#cli/solve/colors.ts';
import { amount, isCanceled, type Trace, type Traced, warningText } from '#cli/solve/trace.ts';

export interface Screen {
  /** Draws all anew over what stands there. */
  draw(now?: number): void;
  /** Draws the whole for the last time: what follows stands below. */
  end(): void;
}

export interface ScreenOptions {
  write(text: string): void;
  /** At each drawing: it may have changed. */
  size(): { columns: number; rows: number };
  colors: Colors;
  /** At the right end of the first line. */
  description: string;
}

interface Line {
  name: string;
  status: string;
  seconds: number;
  isDone: boolean;
  color: keyof Colors;
  /** Whose output may stand below. */
  vertex?: Traced;
}

/** Rows for the output of one vertex. */
const WINDOW = 6;
/** Lines of output that are kept of each, for the case that it fails. */
const KEPT = 5000;

export function screen(trace: Trace, { write, size, colors, description }: ScreenOptions): Screen {
  let drawn = 0;
  let isFirst = true;
  const tails = new Map<Traced, string[]>();

  function draw(now = Date.now(), isLast = false): void {
    keepTails(trace, tails);
    const { columns, rows } = size();
    const all = trace.vertices.flatMap((vertex) => linesOf(vertex, now));
    const windows = chooseWindows(all, rows, isLast);
    const room = rows - 2 - windows.size * WINDOW;
    const body = (isLast ? all : fitting(all, room)).flatMap((line) => {
      const text = lineText(line, columns);
      if (text === undefined) return [];
      const below = line.vertex !== undefined && windows.has(line.vertex) ? (tails.get(line.vertex) ?? []) : [];
      const tail = below.map((one) => painted(clipped(` => => # ${one}`, columns), colors.run === '' ? '' : '2'));
      return [line.isDone ? painted(text, colors[line.color]) : text, ...tail];
    });
    const lines = [headLine(trace, { now, columns, isLast, description }), ...body];
    const surplus = Math.max(0, drawn - lines.length);
    const up = isFirst ? '' : `\x1b[${drawn}A\r`;
    const blank = `\x1b[2K\n`.repeat(surplus) + (surplus > 0 ? `\x1b[${surplus}A` : '');
    write(`${up}\x1b[?25l${lines.map((line) => `${line}\x1b[K\n`).join('')}${blank}\x1b[?25h`);
    isFirst = false;
    drawn = lines.length;
  }

  return { draw: (now) => draw(now), end: () => draw(Date.now(), true) };
}

function headLine(
  trace: Trace,
  { now, columns, isLast, description }: { now: number; columns: number; isLast: boolean; description: string },
): string {
  const done = trace.vertices.filter(({ completed }) => completed !== undefined).length;
  const seconds = (now - (trace.began ?? now)) / 1000;
  const state = isLast && done > 0 && done === trace.total ? 'FINISHED' : '';
  const text = `[+] Building ${seconds.toFixed(1)}s (${done}/${trace.total}) ${state}`;
  return spread(text, description, columns - 1);
}

function linesOf(vertex: Traced, now: number): Line[] {
  const isDone = vertex.completed !== undefined;
  const mark =
    vertex.error !== undefined ? (isCanceled(vertex) ? 'CANCELED ' : 'ERROR ') : vertex.cached ? 'CACHED ' : '';
  const color = vertex.error === undefined ? 'run' : isCanceled(vertex) ? 'cancel' : 'error';
  const seconds = ((vertex.completed ?? now) - vertex.started) / 1000;
  const name = mark + vertex.name.replaceAll('\t', ' ');
  return [
    { name, status: '', seconds, isDone, color, vertex },
    ...vertex.parts.map((part) => ({
      name: `=> ${part.id}`,
      status: amount(part),
      seconds: ((part.completed ?? now) - part.started) / 1000,
      isDone: part.completed !== undefined,
      color: 'run' as const,
    })),
    ...vertex.warnings.map((warning) => ({
      name: `WARN: ${warningText(warning)}`,
      status: '',
      seconds: 0,
      isDone: false,
      color: 'warning' as const,
    })),
  ];
}

/** Undefined where the terminal is too narrow for anything. */
function lineText({ name, status, seconds }: Line, columns: number): string | undefined {
  const time = `${(seconds < 0.05 ? 0 : seconds).toFixed(1)}s`;
  let left = columns - ' => '.length - time.length - 3;
  const withStatus = status !== '' && left + status.length > 20;
  if (withStatus) left -= status.length + 1;
  if (left < 12) return undefined;
  return spread(` => ${name.slice(0, left)}${withStatus ? ` ${status}` : ''}`, time, columns - 1);
}

/** Two texts at both ends of a line. */
function spread(left: string, right: string, columns: number): string {
  return clipped(`${left.padEnd(columns - right.length - 1)} ${right}`, columns + 1);
}

const clipped = (text: string, columns: number) => (text.length >= columns ? text.slice(0, columns - 1) : text);

/** The most talkative of those that run have a window, as far as there is room. */
function chooseWindows(lines: readonly Line[], rows: number, isLast: boolean): Set<Traced> {
  if (isLast) return new Set();
  const running = lines.filter(({ isDone }) => !isDone);
  const candidates = running
    .flatMap(({ vertex }) => (vertex === undefined || vertex.written === 0 ? [] : [vertex]))
    .sort((a, b) => b.written - a.written);
  const count = Math.max(0, Math.floor((rows - 2 - running.length) / (WINDOW + 3)));
  return new Set(candidates.slice(0, count));
}

/** The last lines that there is room for, in which those that still run come before those that have ended. */
function fitting(lines: readonly Line[], room: number): Line[] {
  if (room <= 0) return [];
  const surplus = lines.length - room;
  if (surplus <= 0) return [...lines];
  let hidden = lines.slice(0, surplus).filter(({ isDone }) => !isDone);
  const shown: Line[] = [];
  let [toDrop] = [hidden.length];
  for (const line of lines.slice(surplus)) {
    if (line.isDone && toDrop > 0) toDrop -= 1;
    else shown.push(line);
  }
  hidden = hidden.slice(toDrop);
  return [...hidden, ...shown];
}

const ESCAPE = String.fromCharCode(27);
/** What a program says to a terminal: only its text is shown. */
const SEQUENCE = new RegExp(
  `${ESCAPE}(?:\\[[0-?]*[ -/]*[@-~]|\\][^\\x07${ESCAPE}]*(?:\\x07|${ESCAPE}\\\\)|[@-Z\\\\-_])`,
  'g',
);
const CONTROL = /\p{Cc}/gu;

function keepTails(trace: Trace, tails: Map<Traced, string[]>): void {
  for (const vertex of trace.changed) {
    vertex.lines.splice(0, Math.max(0, vertex.lines.length - KEPT));
    // Each line has its time before it, and the last of several written over one another is seen.
    const fresh = vertex.lines.slice(-4 * WINDOW).map((line) =>
      (
        line
          .slice(line.indexOf(' ') + 1)
          .split('\r')
          .filter((part) => part !== '')
          .at(-1) ?? ''
      )
        .replace(SEQUENCE, '')
        .replace(CONTROL, ''),
    );
    tails.set(vertex, fresh.filter((line) => line.trim() !== '').slice(-WINDOW));
  }
  trace.changed.clear();
}
