/** Shows a build as --progress says. */

import { WherryError } from '#base/error.ts';
import type { Builder } from '#build/builders.ts';
import type { BuildEvent } from '#build/event.ts';
import type { Output } from '#cli/command.ts';
import { buildColors } from '#cli/solve/colors.ts';
import { plainPrinter } from '#cli/solve/plain.ts';
import { asStatus } from '#cli/solve/rawjson.ts';
import { screen } from '#cli/solve/screen.ts';
import { isCanceled, newTrace, type Trace, type Traced } from '#cli/solve/trace.ts';
import { windowSize } from '#cli/terminal.ts';

export interface BuildView {
  report(event: BuildEvent): void;
  /** Nothing more comes. What failed is shown once more, with its last lines. */
  end(): void;
}

/** Shows a build that has ended, as `mode` would have. Throws as showBuild(). */
export function replayBuild(out: Output, mode: string, events: readonly BuildEvent[]): void {
  const view = showBuild(out, mode);
  for (const event of events) view.report(event);
  view.end();
}

/** Milliseconds between two drawings. */
const PAUSE = 100;

interface ShowOptions {
  /** Which the build is of; absent: it is not said. */
  builder?: Pick<Builder, 'name' | 'driver'>;
}

/**
 * A way of showing a build on `out`, which is standard error; BUILDKIT_PROGRESS says which where `auto` is asked for. Throws kind
 * `invalid` for a mode that is none, and for `tty` where there is no terminal.
 */
export function showBuild(out: Output, asked: string, { builder }: ShowOptions = {}): BuildView {
  const mode = asked === 'auto' || asked === '' ? process.env.BUILDKIT_PROGRESS || 'auto' : asked;
  const lines = () =>
    showLines(
      out,
      builder === undefined ? '' : `building with "${builder.name}" instance using ${builder.driver} driver`,
    );
  const drawn = () => showScreen(out, builder === undefined ? '' : `${builder.driver}:${builder.name}`);
  switch (mode) {
    case 'quiet':
    case 'none':
      return { report: () => undefined, end: () => undefined };
    case 'rawjson':
      return { report: (event) => out.line(asStatus(event)), end: () => undefined };
    case 'plain':
      return lines();
    case 'tty':
      if (!out.isTerminal) throw new WherryError('invalid', 'failed to get console: provided file is not a console');
      return drawn();
    case 'auto':
      return out.isTerminal && process.env.TERM !== 'dumb' ? drawn() : lines();
    default:
      throw new WherryError('invalid', `invalid progress mode ${mode}`);
  }
}

function showLines(out: Output, description: string): BuildView {
  const trace = newTrace();
  const lines = plainPrinter(trace, (text) => out.write(text), description);
  return paced(trace, {
    draw: () => lines.print(),
    end: () => {
      lines.print();
      sayErrors(out, trace, lines.recent);
    },
  });
}

function showScreen(out: Output, description: string): BuildView {
  const trace = newTrace();
  const size = () => {
    const [rows, columns] = windowSize(2);
    return { rows: rows || 10, columns: columns || 80 };
  };
  const view = screen(trace, {
    write: (text) => out.write(text),
    size,
    colors: buildColors(),
    description,
  });
  return paced(trace, {
    draw: () => view.draw(),
    end: () => {
      view.end();
      sayErrors(out, trace, (vertex) => vertex.lines);
    },
  });
}

/** Draws not more often than every PAUSE, and while nothing happens too, as times go on. */
function paced(trace: Trace, { draw, end }: { draw(): void; end(): void }): BuildView {
  let last = 0;
  const timer = setInterval(draw, PAUSE + 50);
  timer.unref();
  return {
    report: (event) => {
      trace.take(event);
      const now = Date.now();
      if (now - last < PAUSE) return;
      last = now;
      draw();
    },
    end: () => {
      clearInterval(timer);
      end();
    },
  };
}

function sayErrors(out: Output, trace: Trace, recent: (vertex: Traced) => string[]): void {
  for (const vertex of trace.vertices) {
    if (vertex.error === undefined || isCanceled(vertex)) continue;
    out.line('------');
    out.line(` > ${vertex.name}:`);
    for (const line of recent(vertex)) out.line(line);
    out.line('------');
  }
}
