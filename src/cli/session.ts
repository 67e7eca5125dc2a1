/**
 * What run, start -a, attach and exec share: a command that sits in front of a container, with its streams, its
 * terminal, its signals and its exit status.
 */
import { WherryError } from '#base/error.ts';
import type { Context } from '#cli/command.ts';
import { configuredText } from '#cli/config-file.ts';
import { forwardSignals, onResize, rawMode, windowSize } from '#cli/terminal.ts';
import type { Attachment } from '#container/attach.ts';
import { recordContainerEvent } from '#container/event.ts';
import { parseKeys } from '#container/keys.ts';
import { findContainer } from '#container/names.ts';
import type { ContainerRecord } from '#container/record.ts';
import { readState } from '#container/state.ts';
import { directStreams, NO_STREAMS, type Streams } from '#container/streams.ts';
import type { Session, StartOptions } from '#engine/start.ts';

export interface Attendance {
  /** The container: an id or a name. */
  container: string;
  /** The streams to take part in: all three for `run -i`, output and error for `run`, what -a says. */
  streams: Streams;
  /** --sig-proxy. */
  signals: boolean;
  /** --detach-keys; default: the client configuration's detachKeys, else ctrl-p,ctrl-q. For terminals. */
  detachKeys?: string | undefined;
  /**
   * Starts the container with what this module has worked out:
   * `(options) => startContainer(context.store, id, options)`. Absent: the container runs already (attach).
   */
  start?: (options: StartOptions) => Promise<Session | undefined>;
}

/** How it ended for the command in front. */
export interface Attended {
  /** The container's exit status; 0 when the user left. */
  status: number;
  /** The user left by the detach keys; the container goes on. */
  detached: boolean;
}

/**
 * Stays in front of a container until it ends or the user leaves by the detach keys. Byte-exact in both directions,
 * the terminal is raw meanwhile and as before afterwards. As with Docker it also ends where the container's restart
 * policy brings the container back. It must not be called after `context.abort` was read where signals are forwarded.
 *
 * Throws kind `invalid` for bad detach keys and for a terminal wanted on something that is none (checkTerminal()), both
 * before anything is started; and what kept the container from starting.
 *
 * `run`: return (await attend(context, {…})).status; a detached run is 0 and silent. attach and exec write Docker's
 * `read escape sequence` and exit with 1.
 */
export async function attend(context: Context, who: Attendance): Promise<Attended> {
  const record = findContainer(context.store, who.container);
  const terminal = record.config.Tty;
  checkTerminal(terminal, who.streams);
  checkKeys(who.detachKeys);
  const keys = terminal ? detachKeys(context, who.detachKeys) : undefined;
  const direct = who.start === undefined ? NO_STREAMS : directStreams(who.streams, { terminal });
  const { store } = context;
  const resized = (height: number, width: number) =>
    recordContainerEvent(store, record, 'resize', { height: String(height), width: String(width) });
  const stage = openStage({ terminal, keys, resized });
  const proxy = who.signals ? await signalProxy(context, record.id) : undefined;
  try {
    const connect = (streams: Streams) => stage.connect(context, record.id, streams);
    const onReady = () => connect(terminal ? who.streams : NO_STREAMS);
    recordContainerEvent(store, record, 'attach');
    const session = await begin(record, who, { direct, onReady, size: stage.size });
    if (session === undefined) await connect(who.streams);
    stage.begin(session?.resize);
    proxy?.open();
    const attended = await untilEnd(context, record, session, stage.attachment());
    if (attended.detached) recordContainerEvent(store, record, 'detach');
    return attended;
  } finally {
    proxy?.close();
    stage.close();
  }
}

/** Throws kind `invalid` (exit status 1) where a container's terminal is to read from what is none. */
export function checkTerminal(terminal: boolean, { stdin }: Streams): void {
  if (!terminal || !stdin || process.stdin.isTTY) return;
  throw new WherryError('invalid', 'the input device is not a TTY', {
    hint: 'Leave out -t (--tty), or run this in a terminal',
    exitCode: 1,
  });
}

/** --detach-keys is read where no terminal needs it, too: Docker's daemon does so. Throws kind `invalid`. */
export function checkKeys(flag: string | undefined): void {
  try {
    parseKeys(flag ?? '');
  } catch (error) {
    if (!(error instanceof WherryError)) throw error;
    const { kind, message, hint, cause } = error;
    throw new WherryError(kind, `Error response from daemon: ${message}`, {
      cause,
      ...(hint === undefined ? {} : { hint }),
    });
  }
}

/** The bytes of the flag's keys, of those in the client configuration, or of the default. Throws kind `invalid`. */
export const detachKeys = ({ err }: Context, flag: string | undefined): Buffer =>
  parseKeys(flag || configuredText(err, 'detachKeys') || '');

interface Beginning {
  direct: Streams;
  onReady: () => Promise<void>;
  size: [number, number] | undefined;
}

/** Starts the container where that is asked for. A client that is needed is connected before the first byte. */
async function begin(record: ContainerRecord, { start }: Attendance, { direct, onReady, size }: Beginning) {
  // Only a client is told of a restart.
  const restarts = !['', 'no'].includes(record.hostConfig.RestartPolicy.Name);
  const needed = record.config.Tty || restarts;
  return await start?.({
    attach: direct,
    ...(size === undefined ? {} : { size }),
    ...(needed ? { onReady } : {}),
  });
}

/** What a session has on our side: the terminal, and the streams that go through a client. */
export interface Stage {
  readonly size: [number, number] | undefined;
  /** Connects to the monitor with this id, for these streams. */
  connect(context: Context, id: string, streams: Streams): Promise<void>;
  attachment(): Attachment | undefined;
  /** The container runs: it gets the input, and its terminal has the size of ours from now on. */
  begin(resize: ((rows: number, columns: number) => void) | undefined): void;
  close(): void;
}

interface Setting {
  terminal: boolean;
  keys: Buffer | undefined;
  /** Called for each size that the container's terminal gets from ours. */
  resized?: (rows: number, columns: number) => void;
}

/** Gets our side ready. The terminal turns raw when the client is connected, so that a start that fails is readable. */
export function openStage({ terminal, keys, resized }: Setting): Stage {
  const interactive = terminal && process.stdout.isTTY;
  let attachment: Attachment | undefined;
  const undo: (() => void)[] = [];
  return {
    size: interactive ? windowSize() : undefined,
    connect: async (context, id, streams) => {
      const { connectMonitor } = await import('#container/attach.ts');
      attachment = await connectMonitor(context.store, id, {
        streams,
        ...(streams.stdin ? { stdin: process.stdin } : {}),
        ...(streams.stdout ? { stdout: process.stdout } : {}),
        ...(streams.stderr ? { stderr: process.stderr } : {}),
        ...(keys === undefined ? {} : { detachKeys: keys }),
      });
      if (terminal && streams.stdin && process.stdin.isTTY) {
        undo.push(rawMode());
        const { passOutput } = await import('#container/tty.ts');
        passOutput(0);
      }
    },
    attachment: () => attachment,
    begin: (resize) => {
      attachment?.sendInput();
      if (!interactive) return;
      const adapt = (rows: number, columns: number) => {
        (attachment?.resize ?? resize)?.(rows, columns);
        resized?.(rows, columns);
      };
      undo.push(onResize(() => adapt(...windowSize())));
      const [rows, columns] = windowSize();
      // Programs draw anew only when the size has changed, and whoever attaches wants to see what is there (docker attach).
      if (resize === undefined) adapt(rows + 1, columns + 1);
      adapt(rows, columns);
    },
    close: () => {
      attachment?.leave();
      for (const action of undo.reverse()) action();
    },
  };
}

/** Signals that come before there is a process are kept for it. */
async function signalProxy(context: Context, id: string): Promise<{ open(): void; close(): void }> {
  const { forwardSignal } = await import('#container/lifecycle.ts');
  let waiting: string[] | undefined = [];
  const send = (name: string) => {
    if (waiting === undefined) void forwardSignal(context.store, id, name);
    else waiting.push(name);
  };
  const close = forwardSignals(send);
  return {
    open: () => {
      const kept = waiting ?? [];
      waiting = undefined;
      kept.forEach(send);
    },
    close,
  };
}

async function untilEnd(
  context: Context,
  record: ContainerRecord,
  session: Session | undefined,
  attachment: Attachment | undefined,
): Promise<Attended> {
  const exited = session?.exited.then((status) => ({ reason: 'ended' as const, status }));
  const broken = session?.broken.then(() => ({ reason: 'broken' as const }));
  const first = await Promise.race([attachment?.ended, exited, broken].filter((event) => event !== undefined));
  if (first?.reason === 'broken') {
    // Nobody reads our output any more. As with Docker the container goes on, and we don't.
    session?.leave();
    context.err.line('write /dev/stdout: broken pipe');
    return { status: 1, detached: false };
  }
  if (first?.reason === 'detached') {
    session?.leave();
    return { status: 0, detached: true };
  }
  if (first?.reason === 'restarting') {
    session?.leave();
    return { status: readState(context.store, record.id)?.exitCode ?? 0, detached: false };
  }
  // Both: the last output is written, and what the container had mounted is gone.
  await attachment?.ended;
  if (exited !== undefined) return { status: (await exited).status, detached: false };
  if (first?.reason === 'exited') return { status: first.status, detached: false };
  return { status: readState(context.store, record.id)?.exitCode ?? 0, detached: false };
}
