/** The attached `up`: the containers' output as it comes, until all have ended, one ends the others, or the user leaves. */
import { WherryError } from '#base/error.ts';
import type { Context, Output } from '#cli/command.ts';
import { type Palette, paletteOf } from '#cli/compose/colors.ts';
import type { LogLines } from '#cli/compose/log-lines.ts';
import { openProgress, type ProgressMode } from '#cli/compose/progress.ts';
import type { Report } from '#compose/apply/event.ts';
import { logName, projectContainers } from '#compose/view/containers.ts';
import { type Happening, monitorProject } from '#compose/view/monitor.ts';
import { followOutput } from '#compose/view/output.ts';

export interface Attached {
  project: string;
  /** Of these services the output is shown; empty: of all. */
  attach: readonly string[];
  /** It ends when these services' containers have ended; empty: those of `attach`. */
  services: readonly string[];
  /** What the end of a container means for the others. */
  onExit: 'ignore' | 'stop' | 'fail';
  /** The exit status is that of this service's first container that ends. */
  exitCodeFrom?: string;
  lines: LogLines;
  /** Where progress goes, and how it is shown. */
  info: Output;
  mode: ProgressMode;
  start(): Promise<void>;
  stop(report: Report): Promise<void>;
  kill(report: Report): Promise<void>;
  /** Runs beside it until it is aborted. */
  watch?: (abort: AbortSignal, lines: LogLines) => Promise<void>;
}

/** By shells' custom: a command that SIGINT has ended. */
const INTERRUPTED = 130;

/** Starts the project and stays in front of it. @returns the exit status */
export async function attendProject(context: Context, asked: Attached): Promise<number> {
  let start: Promise<void> | undefined;
  const session: Attached = {
    ...asked,
    start: () => {
      start = asked.start();
      return start;
    },
    stop: async (report) => {
      await asked.stop(report);
      // What was about to start when the others were stopped runs by now.
      await start?.catch(() => undefined);
      const left = projectContainers(context.store, asked.project, { all: false, oneOff: false });
      if (left.length > 0) await asked.stop(report);
    },
  };
  const over = new AbortController();
  const work = openWork(context, session);
  const palette = paletteOf();
  const logs = openFollowers(context, session, over.signal);
  const monitored = session.services.length > 0 ? session.services : session.attach;
  const happenings = monitorProject(context.store, session.project, { services: monitored, abort: over.signal });
  const signals = takeSignals(context, session, { over, work });
  const verdict = judge(session, palette, work);
  try {
    logs.announce();
    const started = session.start().catch((error: unknown) => {
      if (signals.count() > 0) return;
      over.abort();
      throw error;
    });
    work.add(started.then(() => (over.signal.aborted ? undefined : session.watch?.(over.signal, session.lines))));
    for await (const happening of happenings) {
      logs.take(happening);
      if (happening.kind === 'exited') verdict.take(happening);
    }
    await logs.ended();
    over.abort();
    await work.end();
    return signals.count() > 0 ? INTERRUPTED : verdict.status();
  } finally {
    over.abort();
    signals.close();
  }
}

/** What goes on beside the logs. The first error is thrown when all has ended. */
interface Work {
  add(job: Promise<unknown>): void;
  /** Runs a step of the project's, whose progress stands between the logs. */
  run(operation: (report: Report) => Promise<void>): void;
  end(): Promise<void>;
}

function openWork(_context: Context, { info, mode, lines }: Attached): Work {
  const jobs: Promise<unknown>[] = [];
  const errors: unknown[] = [];
  const palette = paletteOf();
  const add = (job: Promise<unknown>) => void jobs.push(job.catch((error: unknown) => void errors.push(error)));
  const report: Report =
    mode === 'auto' && info.isTerminal
      ? (event) => {
          if ('message' in event) lines.status('', palette.warning(event.message));
          else lines.status('', `${event.id} ${event.text ?? ''} ${palette.success(event.state)}`);
        }
      : openProgress(info, { mode: mode === 'quiet' ? 'quiet' : 'plain', title: '', dryRun: false }).report;
  return {
    add,
    run: (operation) => add(operation(report)),
    end: async () => {
      // A job may bring another one.
      for (let count = -1; count !== jobs.length; ) {
        count = jobs.length;
        await Promise.all(jobs);
      }
      if (errors.length > 0) throw errors[0];
    },
  };
}

/** SIGINT and SIGTERM: the first one stops the project, the second one kills it. */
function takeSignals(context: Context, session: Attached, { over, work }: { over: AbortController; work: Work }) {
  let count = 0;
  const take = () => {
    count += 1;
    if (count === 1) {
      context.out.line('Gracefully Stopping... press Ctrl+C again to force');
      over.abort();
      work.run(session.stop);
    } else if (count === 2) {
      work.run((report) => session.kill(report).catch(ignoreGone));
    }
  };
  const names = ['SIGINT', 'SIGTERM'] as const;
  for (const name of names) process.on(name, take);
  return {
    count: () => count,
    close: () => {
      for (const name of names) process.off(name, take);
    },
  };
}

/** What has ended or gone by itself meanwhile need not be killed. */
function ignoreGone(error: unknown): void {
  if (error instanceof WherryError && (error.kind === 'not-found' || error.kind === 'conflict')) return;
  throw error;
}

/** --abort-on-container-exit, --abort-on-container-failure, --exit-code-from. */
function judge({ onExit, exitCodeFrom, info, stop }: Attached, palette: Palette, work: Work) {
  let isStopping = false;
  let status = 0;
  let from: number | undefined;
  return {
    status: () => from ?? status,
    take: ({ exitCode, service }: Happening) => {
      if (service === exitCodeFrom) from ??= exitCode;
      if (isStopping || onExit === 'ignore' || (onExit === 'fail' && exitCode === 0)) return;
      isStopping = true;
      status = exitCode;
      info.line(palette.error('Aborting on container exit...'));
      work.run(stop);
    },
  };
}

/** The output of each container while it runs, and then what became of it. */
function openFollowers({ store, out }: Context, session: Attached, abort: AbortSignal) {
  const { lines, attach } = session;
  const begun = BigInt(Date.now()) * 1_000_000n;
  const endings = new Map<string, bigint>();
  const queues = new Map<string, Promise<void>>();
  const running = new Set<string>();
  const enqueue = (id: string, job: () => Promise<void> | void) => {
    const next = (queues.get(id) ?? Promise.resolve()).then(job);
    next.catch(() => undefined);
    queues.set(id, next);
  };
  const follow = (id: string, name: string) => {
    if (running.has(id)) return;
    running.add(id);
    const since = endings.get(id) ?? begun;
    enqueue(id, () =>
      followOutput(store, id, { since, abort }, (line, stream) => lines.log(name, line, stream)).finally(() =>
        running.delete(id),
      ),
    );
  };
  const isShown = (service: string) => attach.length === 0 || attach.includes(service);
  return {
    /** Says whose output comes, and begins with those that run. */
    announce: () => {
      const found = projectContainers(store, session.project, { services: attach, all: true, oneOff: false });
      if (found.length === 0) return;
      const sorted = found.sort((a, b) => (a.record.name < b.record.name ? -1 : 1));
      out.line(`Attaching to ${sorted.map(({ record }) => logName(record)).join(', ')}`);
      for (const { record, state } of sorted) if (state?.status === 'running') follow(record.id, logName(record));
    },
    take: ({ kind, id, name, service, exitCode, restarting, replaces, nano }: Happening) => {
      if (kind === 'started' && isShown(service)) follow(id, name);
      if (kind === 'recreated') lines.status(replaces, 'has been recreated');
      if (kind !== 'exited') return;
      endings.set(id, nano);
      const more = restarting ? ' (restarting)' : '';
      enqueue(id, () => lines.status(name, `exited with code ${exitCode}${more}`));
    },
    /** All that the containers wrote that have ended is shown. */
    ended: () => Promise.all(endings.keys().map((id) => queues.get(id))),
  };
}
