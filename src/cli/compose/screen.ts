/** The table of compose's steps on a terminal, drawn anew ten times a second: `[+] Running 3/3` and a line a step. */
import { stripVTControlCharacters } from 'node:util';
import { humanSize } from '#base/units.ts';
import type { Paint, Palette } from '#cli/compose/colors.ts';
import type { StepEvent } from '#compose/apply/event.ts';

/** A step as it stands now. Times in milliseconds. */
interface Task extends StepEvent {
  begun: number;
  /** When it ended; absent while it goes on. */
  ended?: number;
  /** How often its spinner has been drawn. */
  turns: number;
  spins: boolean;
}

export interface Setting {
  /** What is done: `Running`, `Pulling` … */
  title: string;
  dryRun: boolean;
  palette: Palette;
}

interface Size {
  columns: number;
  rows: number;
}

const SPINNER = ['⠋', '⠙', '⠹', '⠸', '⠼', '⠴', '⠦', '⠧', '⠇', '⠏'];
const STOPPED = '⠿';
const FILLED = ['⠀', '⡀', '⣀', '⣄', '⣤', '⣦', '⣶', '⣷', '⣿'];

/** What stands before each step of a run that changes nothing. */
export const DRY_RUN = ' DRY-RUN MODE - ';

/** The steps of one operation, and how they were last drawn. */
export interface Screen {
  /** Takes what has happened. */
  take(event: StepEvent, now: number): void;
  /** What to write so that the terminal shows how things are now; '' as long as nothing has happened. */
  draw(size: Size, now: number): string;
}

export function openScreen(setting: Setting): Screen {
  const tasks = new Map<string, Task>();
  let drawn: number | undefined;
  /** Once there was no room for them the parts of a step are not drawn any more. */
  let crowded = false;
  return {
    take: (event, now) => void tasks.set(event.id, taken(tasks.get(event.id), event, now)),
    draw: (size, now) => {
      if (tasks.size === 0) return '';
      crowded ||= tasks.size > size.rows - 2;
      const lines = shownTasks(tasks, crowded);
      const texts = linesOf(tasks, lines, { ...setting, columns: size.columns, now });
      const before = drawn ?? 0;
      const finished = countDone(tasks);
      const head = `[+] ${setting.title} ${finished}/${tasks.size}`;
      const title = before !== 0 && finished === before ? setting.palette.done(head) : head;
      const blank = Math.max(0, Math.min(before, size.rows - 2) - texts.length);
      const rest = Array.from({ length: blank }, () => ' '.repeat(size.columns));
      const up = `${'\x1b[1A'.repeat(before + 1)}${drawn === undefined ? '\x1b[1B' : ''}\x1b[0G\x1b[?25l`;
      drawn = texts.length + blank;
      return `${up}${[title, ...texts, ...rest].join('\n')}\n\x1b[?25h`;
    },
  };
}

const isOver = (status: StepEvent['status']): boolean => status !== 'working';

function taken(last: Task | undefined, event: StepEvent, now: number): Task {
  if (last === undefined) {
    const isEnd = event.status === 'done' || event.status === 'error';
    return { ...event, begun: now, turns: 0, spins: !isEnd, ...(isEnd ? { ended: now } : {}) };
  }
  const ends = isOver(event.status) && event.status !== last.status;
  const most = (key: 'current' | 'total' | 'percent') => Math.max(last[key] ?? 0, event[key] ?? 0);
  return {
    ...event,
    begun: last.begun,
    turns: last.turns,
    ...(last.ended === undefined ? {} : { ended: last.ended }),
    // A part that goes to another whole and back would flicker.
    ...(last.parent && event.parent ? { parent: last.parent } : {}),
    ...(ends ? { ended: now } : {}),
    spins: event.status === 'working' || (last.spins && !ends),
    current: most('current'),
    total: most('total'),
    percent: most('percent'),
  };
}

const countDone = (tasks: Map<string, Task>): number =>
  tasks.values().reduce((count, { status }) => count + (isOver(status) ? 1 : 0), 0);

const partsOf = (tasks: Map<string, Task>, id: string): Task[] =>
  [...tasks.values()].filter(({ parent }) => parent === id);

/** The steps in the order in which they came, each with its parts behind it. */
function shownTasks(tasks: Map<string, Task>, crowded: boolean): Task[] {
  return [...tasks.values()]
    .filter(({ parent }) => !parent)
    .flatMap((task) => [task, ...(crowded ? [] : partsOf(tasks, task.id))]);
}

interface Drawing extends Setting {
  columns: number;
  now: number;
}

function linesOf(tasks: Map<string, Task>, shown: readonly Task[], drawing: Drawing): string[] {
  let width = 0;
  for (const { id, text = '', parent } of tasks.values()) {
    width = Math.max(width, byteLength(`${id} ${text}`));
    if (parent) width -= 2;
  }
  return shown.map((task) => lineOf(tasks, task, { ...drawing, width }));
}

const byteLength = (text: string): number => Buffer.byteLength(text);

function lineOf(tasks: Map<string, Task>, task: Task, drawing: Drawing & { width: number }): string {
  const { columns, now, palette, dryRun, width } = drawing;
  const seconds = ((isOver(task.status) ? (task.ended ?? task.begun) : now) - task.begun) / 1000;
  const body = `${task.id}${progressOf(tasks, task, palette)} ${task.text ?? ''}`;
  const length = byteLength(body);
  const room = columns - length - width - 15;
  const status = room > 0 && byteLength(task.state) > room ? `${task.state.slice(0, room)}...` : task.state;
  const left = [
    `${task.parent ? '  ' : ''} ${spinnerOf(task, drawing)}${dryRun ? palette.prefix(DRY_RUN) : ''}`,
    `${body}${' '.repeat(Math.max(0, width - length))}`,
    statusPaint(task.status, palette)(status),
  ].join(' ');
  const right = palette.timer(`${seconds.toFixed(1)}s `);
  const space = Math.max(0, columns - visible(right));
  const shown = cut(left, space);
  return `${shown}${' '.repeat(Math.max(0, space - visible(shown)))}${right}`;
}

/** No more columns than that: a line that goes on in the next row would be left behind by the next drawing. */
function cut(text: string, columns: number): string {
  if (visible(text) <= columns) return text;
  // One of them stays free before what stands at the right edge.
  let room = columns - 1;
  let isColour = false;
  return [...text]
    .filter((letter) => {
      if (letter === '\x1b') isColour = true;
      if (!isColour) {
        room -= 1;
        return room >= 0;
      }
      isColour = letter !== 'm';
      return true;
    })
    .join('');
}

/** A mark for each part, and how many bytes of them all are there, while they are known of each. */
function progressOf(tasks: Map<string, Task>, task: Task, palette: Palette): string {
  const parts = task.status === 'working' ? partsOf(tasks, task.id) : [];
  if (parts.length === 0) return '';
  const marks = parts.map(
    ({ percent = 0 }) => FILLED[Math.trunc(((FILLED.length - 1) * Math.min(percent, 100)) / 100)],
  );
  const sum = (key: 'current' | 'total') => parts.reduce((all, part) => all + (part[key] ?? 0), 0);
  const isKnown = sum('total') > 0 && parts.every(({ status, total }) => status !== 'working' || total);
  const sizes = ` ${humanSize(sum('current'), 4).padStart(7)} / ${humanSize(sum('total'), 4).padEnd(7)}`;
  return ` [${palette.success(marks.join(''))}]${isKnown ? sizes : ''}`;
}

function spinnerOf(task: Task, { now, palette }: Drawing): string {
  if (task.status === 'done') return palette.success('✔');
  if (task.status === 'warning') return palette.warning('!');
  if (task.status === 'error') return palette.error('✘');
  if (!task.spins) return palette.count(STOPPED);
  if (now - task.begun > 100) task.turns += 1;
  return palette.count(SPINNER[task.turns % SPINNER.length] ?? '');
}

function statusPaint(status: StepEvent['status'], { success, warning, error }: Palette): Paint {
  const paints = { done: success, warning, error, working: (text: string) => text };
  return paints[status];
}

/** Columns without what colours them. */
const visible = (text: string): number => [...stripVTControlCharacters(text)].length;
