/** How compose shows what its operations do: a table on a terminal, a line a step, JSON, or nothing. */
import { WherryError } from '#base/error.ts';
import type { Output } from '#cli/command.ts';
import { type Palette, paletteOf } from '#cli/compose/colors.ts';
import { DRY_RUN, openScreen } from '#cli/compose/screen.ts';
import { goJson } from '#cli/gofmt.ts';
import type { ComposeEvent, Report, StepEvent } from '#compose/apply/event.ts';

export type ProgressMode = 'auto' | 'tty' | 'plain' | 'json' | 'quiet';

/** The words of --progress, as the help lists them. */
export const PROGRESS_MODES: readonly ProgressMode[] = ['auto', 'tty', 'plain', 'json', 'quiet'];

/**
 * What --progress (COMPOSE_PROGRESS) and --ansi (COMPOSE_ANSI) ask for together. Throws kind `invalid` for a word that is
 * none, and for what contradicts itself.
 */
export function progressMode(progress: string, ansi: string): ProgressMode {
  if (progress === '' || progress === 'auto') {
    if (ansi === 'never') return 'plain';
    return ansi === 'always' ? 'tty' : 'auto';
  }
  if (progress === 'none') return 'quiet';
  if (progress === 'tty' && ansi === 'never') {
    throw new WherryError('invalid', "can't use --progress tty while ANSI support is disabled");
  }
  if (progress === 'plain' && ansi === 'always') {
    throw new WherryError('invalid', "can't use --progress plain while ANSI support is forced");
  }
  const mode = PROGRESS_MODES.find((word) => word === progress);
  if (mode === undefined) throw new WherryError('invalid', `unsupported --progress value ${JSON.stringify(progress)}`);
  return mode;
}

/** Do log prefixes have colours? (formatter.SetANSIMode) */
export function isColoured(out: Output, ansi: string, env: NodeJS.ProcessEnv = process.env): boolean {
  if (env.NO_COLOR) return false;
  return ansi === 'always' || (ansi === 'auto' && out.isTerminal);
}

export interface ProgressOptions {
  mode: ProgressMode;
  /** What is done: Running, Pulling, Building … */
  title: string;
  dryRun: boolean;
  palette?: Palette;
}

export interface ProgressShow {
  report: Report;
  /** Nothing more comes; the last state stands, and what follows stands below. */
  end(): void;
}

/** Shows the steps of one operation on this output: mostly standard error, standard output with COMPOSE_STATUS_STDOUT. */
export function openProgress(output: Output, options: ProgressOptions): ProgressShow {
  const { mode, dryRun } = options;
  if (mode === 'quiet') return { report: () => undefined, end: () => undefined };
  if (mode === 'json') return { report: (event) => output.line(asJson(event, dryRun)), end: () => undefined };
  // A terminal that can't move its cursor (TERM=dumb) is as good as a file.
  const canDraw = output.isTerminal && process.env.TERM !== 'dumb';
  if (mode === 'tty' || (mode === 'auto' && canDraw)) return drawTable(output, options);
  return { report: (event) => output.line(asLine(event, dryRun)), end: () => undefined };
}

/** Runs an operation whose steps are shown, and ends the showing with it. */
export async function withProgress<T>(
  output: Output,
  options: ProgressOptions,
  operation: (report: Report) => Promise<T>,
): Promise<T> {
  const show = openProgress(output, options);
  try {
    return await operation(show.report);
  } finally {
    show.end();
  }
}

/** ` Container web-1  Started`: fmt.Fprintln of a prefix, the thing, what stands behind it, and its state. */
function asLine(event: ComposeEvent, dryRun: boolean): string {
  const prefix = dryRun ? DRY_RUN : '';
  if ('message' in event) return `${prefix}${event.message}`;
  return `${prefix} ${event.id} ${event.text ?? ''} ${event.state}`;
}

function asJson(event: ComposeEvent, dryRun: boolean): string {
  const fields =
    'message' in event
      ? { 'dry-run': dryRun, tail: true, text: event.message }
      : { 'dry-run': dryRun, ...stepFields(event) };
  return goJson(Object.fromEntries(Object.entries(fields).filter(([, value]) => value)), { html: true });
}

const stepFields = ({ id, parent, text, state, current, total, percent }: StepEvent) => ({
  id,
  parent_id: parent,
  text,
  status: state,
  current,
  total,
  percent,
});

/** How often the table is drawn anew, in milliseconds. */
const PERIOD = 100;

function drawTable(output: Output, { title, dryRun, palette = paletteOf() }: ProgressOptions): ProgressShow {
  const screen = openScreen({ title, dryRun, palette });
  const below: string[] = [];
  const draw = () => {
    const text = screen.draw({ columns: output.columns, rows: rowsOf() }, Date.now());
    if (text !== '') output.write(text);
  };
  const timer = setInterval(draw, PERIOD);
  return {
    report: (event) => {
      if ('message' in event) below.push(dryRun ? `${DRY_RUN}${event.message}`.trim() : event.message);
      else screen.take(event, Date.now());
    },
    end: () => {
      clearInterval(timer);
      draw();
      for (const line of below) output.line(line);
    },
  };
}

/** Of the terminal, whichever stream is one. */
function rowsOf(): number {
  const stream = [process.stderr, process.stdout].find(({ isTTY }) => isTTY);
  return stream?.rows ?? 24;
}
