/** How an attached `up` is ended by its user: Ctrl-C and signals, and the steps that are then told of between the logs. */
import { WherryError } from '#base/error.ts';
import type { Context } from '#cli/command.ts';
import type { Attached } from '#cli/compose/attached.ts';
import { paletteOf } from '#cli/compose/colors.ts';
import { openProgress } from '#cli/compose/progress.ts';
import { INTERRUPTED } from '#cli/fail.ts';
import type { Report } from '#compose/apply/event.ts';

/** By shells' custom: a command whose terminal has gone. */
const HUNG_UP = 129;

/** What goes on beside the logs. The first error is thrown when all has ended. */
export interface Work {
  add(job: Promise<unknown>): void;
  /** Runs a step of the project's, whose progress stands between the logs. */
  run(operation: (report: Report) => Promise<void>): void;
  end(): Promise<void>;
}

export function openWork({ info, mode, lines }: Attached): Work {
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

export interface Endings {
  /** Has the user asked for the end? */
  isAsked(): boolean;
  /** What a signal makes the exit status; undefined: none came. */
  status(): number | undefined;
  /** As the first signal, but that the logs go on until the containers have ended. */
  ask(): void;
  close(): void;
}

/** SIGINT and SIGTERM: the first one stops the project, the second one kills it. SIGHUP leaves it as it is. */
export function takeSignals(
  context: Context,
  session: Pick<Attached, 'stop' | 'kill'>,
  { over, work }: { over: AbortController; work: Work },
): Endings {
  let asked = 0;
  let signals = 0;
  const ask = () => {
    asked += 1;
    if (asked === 1) {
      context.out.line('Gracefully Stopping... press Ctrl+C again to force');
      work.run(session.stop);
    } else if (asked === 2) {
      work.run((report) => session.kill(report).catch(ignoreGone));
    }
  };
  const take = () => {
    signals += 1;
    ask();
    over.abort();
  };
  const names = ['SIGINT', 'SIGTERM'] as const;
  for (const name of names) process.on(name, take);
  // The terminal has gone, and the containers stay.
  const leave = () => process.exit(HUNG_UP);
  process.on('SIGHUP', leave);
  return {
    isAsked: () => asked > 0,
    status: () => (signals > 0 ? INTERRUPTED : undefined),
    ask,
    close: () => {
      for (const name of names) process.off(name, take);
      process.off('SIGHUP', leave);
    },
  };
}

/** What has ended or gone by itself meanwhile need not be killed. */
function ignoreGone(error: unknown): void {
  if (error instanceof WherryError && (error.kind === 'not-found' || error.kind === 'conflict')) return;
  throw error;
}
