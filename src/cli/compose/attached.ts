/** The attached `up`: the containers' output as it comes, until all have ended, one ends the others, or the user leaves. */
import { WherryError } from '#base/error.ts';
import type { Context, Output } from '#cli/command.ts';
import { type Palette, paletteOf } from '#cli/compose/colors.ts';
import { type LogLines, WATCH_LOGGER } from '#cli/compose/log-lines.ts';
import type { Menu } from '#cli/compose/menu.ts';
import type { ProgressMode } from '#cli/compose/progress.ts';
import { sayWordless } from '#cli/compose/settings.ts';
import { openWork, takeSignals, type Work } from '#cli/compose/teardown.ts';
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
  /** Keys do something, and stand at the bottom of the terminal. */
  menu: boolean;
  /** Watching begins with the project. */
  isWatching: boolean;
  /** Watches until it is aborted; absent: there is nothing to watch. */
  watch?: (abort: AbortSignal, lines: LogLines) => Promise<void>;
}

/** Starts the project and stays in front of it. @returns the exit status */
export async function attendProject(context: Context, asked: Attached): Promise<number> {
  const menu = asked.menu ? await shortcuts() : undefined;
  const session = { ...whole(context, asked), lines: menu?.decorate(asked.lines) ?? asked.lines };
  const over = new AbortController();
  const work = openWork(session);
  let broken: unknown;
  const logs = openFollowers(context, session, {
    abort: over.signal,
    fail: (error) => {
      broken ??= error;
      over.abort();
    },
  });
  const monitored = session.services.length > 0 ? session.services : session.attach;
  const happenings = monitorProject(context.store, session.project, {
    services: monitored,
    aside: session.attach,
    abort: over.signal,
  });
  const endings = takeSignals(context, session, { over, work });
  const verdict = judge(session, paletteOf(), work);
  const watching = openWatching(session, { over, work, ended: () => menu?.watchEnded() });
  try {
    logs.announce();
    const started = session.start().catch((error: unknown) => {
      if (endings.isAsked()) return;
      over.abort();
      throw error;
    });
    work.add(started.then(watching.begin));
    for await (const happening of happenings) {
      logs.take(happening);
      if (happening.kind === 'exited') verdict.take(happening);
    }
    // Nobody reads us any more, say: what runs goes on without us.
    if (broken !== undefined) throw broken;
    await logs.ended();
    over.abort();
    await work.end();
    const status = endings.status() ?? verdict.status();
    if (status !== 0) sayWordless(context);
    return status;
  } finally {
    over.abort();
    endings.close();
    menu?.close();
  }

  /** What the keys do exists by the time that one is pressed. */
  async function shortcuts(): Promise<Menu> {
    const { openMenu } = await import('#cli/compose/menu.ts');
    return openMenu({
      write: (text) => context.out.write(text),
      interrupt: () => endings.ask(),
      isWatching: asked.isWatching,
      ...(asked.watch === undefined ? {} : { toggleWatch: () => watching.toggle() }),
    });
  }
}

/** What was about to start when the others were stopped runs by then: it is stopped, too. */
function whole({ store }: Context, asked: Attached): Attached {
  let start: Promise<void> | undefined;
  return {
    ...asked,
    start: () => {
      start = asked.start();
      return start;
    },
    stop: async (report) => {
      await asked.stop(report);
      await start?.catch(() => undefined);
      const left = projectContainers(store, asked.project, { services: asked.services, all: false, oneOff: false });
      if (left.length > 0) await asked.stop(report);
    },
  };
}

/** Watching, begun and ended by the user: never two at once. ended: told when it has ended by itself. */
export function openWatching(
  { watch, lines, isWatching }: Pick<Attached, 'watch' | 'lines' | 'isWatching'>,
  { over, work, ended }: { over: AbortController; work: Pick<Work, 'add'>; ended: () => void },
) {
  let current: AbortController | undefined;
  /** It is told to be on, and begins with the project. */
  let isDue = isWatching;
  const run = async () => {
    isDue = false;
    if (watch === undefined) return;
    const own = new AbortController();
    current = own;
    try {
      await watch(AbortSignal.any([over.signal, own.signal]), lines);
      if (!over.signal.aborted) lines.log(WATCH_LOGGER, 'Watch disabled');
    } finally {
      if (current === own) {
        current = undefined;
        ended();
      }
    }
  };
  const tell = (error: unknown) => {
    if (!(error instanceof WherryError)) throw error;
    lines.log(WATCH_LOGGER, error.message, 'stderr');
  };
  return {
    /** The project has started. */
    begin: async () => {
      if (isDue && !over.signal.aborted) await run();
    },
    /** @returns whether it goes on now */
    toggle: () => {
      if (isDue) {
        isDue = false;
        return false;
      }
      const last = current;
      current = undefined;
      last?.abort();
      if (last === undefined) work.add(run().catch(tell));
      return last === undefined;
    },
  };
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
function openFollowers(
  { store, out }: Context,
  session: Attached,
  { abort, fail }: { abort: AbortSignal; fail: (error: unknown) => void },
) {
  const { lines, attach } = session;
  const begun = BigInt(Date.now()) * 1_000_000n;
  const endings = new Map<string, bigint>();
  const queues = new Map<string, Promise<void>>();
  const running = new Set<string>();
  const enqueue = (id: string, job: () => Promise<void> | void) => {
    const next = (queues.get(id) ?? Promise.resolve()).then(job);
    next.catch(fail);
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
