/** Progress events on a screen: as docker pull draws them on a terminal, a line for each step else. */
import type { Progress } from '#base/progress.ts';
import { humanSize } from '#base/units.ts';
import type { Output } from '#cli/command.ts';

export interface ProgressView {
  report(event: Progress): void;
  /** Nothing more comes; what follows stands below. */
  end(): void;
}

/** A terminal is not drawn on more often than this, for one line, in milliseconds. */
const PAUSE = 100;

/** Docker draws bars on terminals wider than this. */
const BAR_FROM = 110;
const BAR = 50;

/** Shows the progress of a pull or a push, or nothing when quiet. */
export function showProgress(output: Output, { quiet = false }: { quiet?: boolean } = {}): ProgressView {
  if (quiet) return { report: () => undefined, end: () => undefined };
  // A terminal that can't move its cursor (TERM=dumb) is as good as a file.
  return output.isTerminal && process.env.TERM !== 'dumb' ? drawLines(output) : printSteps(output);
}

const COUNTED = new Set(['Downloading', 'Extracting', 'Pushing']);

/** Steps alone: how far a step is would fill a log. */
function printSteps(output: Output): ProgressView {
  const last = new Map<string, string>();
  const report = (event: Progress) => {
    const [id, text] = statusOf(event);
    if (text === undefined || COUNTED.has(text)) return;
    if (id !== undefined && last.get(id) === text) return;
    if (id !== undefined) last.set(id, text);
    output.line(id === undefined ? text : `${id}: ${text}`);
  };
  return { report, end: () => undefined };
}

function statusOf(event: Progress): [id: string | undefined, text: string | undefined] {
  if (event.kind === 'resolving') return [undefined, undefined];
  return event.kind === 'layer' ? [event.id, event.status] : [event.id, event.text];
}

interface Line {
  row: number;
  status: string;
  drawnAt: number;
}

/** One line for each layer; the cursor goes up to it and comes back to the bottom. */
function drawLines(output: Output): ProgressView {
  const lines = new Map<string, Line>();
  const report = (event: Progress) => {
    const [id, status] = statusOf(event);
    if (status === undefined) return;
    if (id === undefined) {
      // The lines above can't be counted any more once something else stands below them.
      lines.clear();
      output.line(status);
      return;
    }
    const line = lines.get(id) ?? { row: lines.size, status: '', drawnAt: 0 };
    const now = Date.now();
    if (line.status === status && now - line.drawnAt < PAUSE) return;
    const text = `${id}: ${status} ${event.kind === 'layer' ? bar(event, output.columns) : ''}`;
    if (!lines.has(id)) output.write('\n');
    lines.set(id, { ...line, status, drawnAt: now });
    const up = lines.size - line.row;
    output.write(`\x1b[${up}A\x1b[2K\r${fitted(text, output.columns)}\r\x1b[${up}B`);
  };
  return { report, end: () => lines.clear() };
}

/** A line that wraps would take two rows and spoil the count. */
function fitted(text: string, columns: number): string {
  return text.length >= columns ? text.slice(0, columns - 1) : text;
}

/** `[====>      ]  12.3MB/45.6MB`, without the bar on narrow terminals. */
function bar({ current = 0, total = 0 }: { current?: number; total?: number }, columns: number): string {
  if (current <= 0 && total <= 0) return '';
  const size = (value: number) => humanSize(value, 4);
  if (total <= 0 || current > total) return size(current).padStart(8);
  const numbers = `${size(current).padStart(8)}/${size(total)}`;
  if (columns <= BAR_FROM) return numbers;
  const filled = Math.trunc(((current / total) * 100) / (100 / BAR));
  return `[${'='.repeat(filled)}>${' '.repeat(BAR - filled)}] ${numbers}`;
}
