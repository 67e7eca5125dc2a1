/** The monitor as a process: it is spawned, and speaks with us over a socket pair in lines (native/monitor). */
import { closeSync } from 'node:fs';
import { Socket } from 'node:net';
import { join } from 'node:path';
import { WherryError } from '#base/error.ts';
import { splitLines } from '#base/lines.ts';
import type { Ending } from '#container/state.ts';
import { extraDescriptors, NO_STREAMS, type Streams, stdioOf } from '#container/streams.ts';
import { installation } from '#sys/host.ts';
import { missing } from '#sys/process.ts';
import { socketPair, spawn } from '#sys/spawn.ts';

/** The monitor of a started container. Its socket keeps this process alive until done() or stay(). */
export interface MonitorHandle {
  /** The container's first process. */
  readonly pid: number;
  /** Settles when the container has ended for good: restarts by its policy are over. */
  readonly exited: Promise<Ending>;
  /** Settles when a stream of ours that the container got can't be written to any more (`… | head`); else never. */
  readonly broken: Promise<void>;
  /** This command has cleaned up: the monitor may go. */
  done(): void;
  /** This command goes: the monitor stays, and cleans up by itself. */
  stay(): void;
  resize(rows: number, columns: number): void;
}

/** A process that speaks as a monitor does, and our end of its socket. */
export interface Speaker {
  pid: number;
  fd: number;
}

/**
 * Starts the monitor in a session of its own, so that neither the terminal's signals nor its end reach it, and in the
 * root directory, so that it keeps no mount busy. Its descriptor 3 is the other end of our socket.
 */
export function spawnMonitor(conf: string, attach: Streams | undefined, env: NodeJS.ProcessEnv, extra = 0): Speaker {
  const path = join(installation(), 'bin/wherry-monitor');
  const [fd, its] = socketPair();
  try {
    const stdio = [...stdioOf(attach ?? NO_STREAMS), its, ...extraDescriptors(extra)];
    return { pid: spawn(path, [conf], { cwd: '/', session: true, env, stdio }), fd };
  } catch (error) {
    closeSync(fd);
    throw missing('wherry-monitor', error);
  } finally {
    closeSync(its);
  }
}

interface Talk {
  /** Makes the error of a start that was refused. */
  explain: (text: string) => WherryError;
  onReady?: () => Promise<void>;
}

/** Speaks the monitor's lines. Resolves when the container's process runs, rejects with why it does not. */
export function converse({ pid, fd }: Speaker, { explain, onReady }: Talk): Promise<MonitorHandle> {
  // Node takes a while to load what it needs for this, and meanwhile the monitor is at work.
  const socket = new Socket({ fd });
  const ending = Promise.withResolvers<Ending>();
  const broken = Promise.withResolvers<void>();
  // Nobody may be interested in the end (run -d).
  ending.promise.catch(() => undefined);
  const send = (line: string) => void (socket.writable && socket.write(`${line}\n`));
  const leave = (line: string) => {
    send(line);
    socket.unref();
  };
  return new Promise((resolve, reject) => {
    const fail = (error: unknown) => {
      reject(error);
      ending.reject(error);
    };
    const hear: Record<string, (rest: string) => void> = {
      ready: () =>
        onReady?.().catch((error) => {
          // Silence would start it: to the monitor, we would just have gone.
          process.kill(pid, 'SIGKILL');
          fail(error);
        }),
      started: (rest) =>
        resolve({
          pid: Number(rest),
          exited: ending.promise,
          broken: broken.promise,
          done: () => leave('done'),
          stay: () => leave('stay'),
          resize: (rows, columns) => send(`resize ${rows} ${columns}`),
        }),
      error: (rest) => fail(refusal(rest, explain)),
      broken: () => broken.resolve(),
      exit: (rest) => ending.resolve(readEnding(rest)),
    };
    readLines(socket, (verb, rest) => hear[verb]?.(rest));
    socket.once('close', () => fail(died()));
    socket.on('error', () => undefined);
  });
}

/** `error CODE TEXT`: 125 with a text of the monitor's own, or what the runtime said. */
function refusal(rest: string, explain: (text: string) => WherryError): WherryError {
  return explain(rest.replace(/^\d+ /, ''));
}

function readEnding(rest: string): Ending {
  const [status = '', oom] = rest.split(' ');
  return { status: Number(status), oom: oom === '1' };
}

function died(): WherryError {
  return new WherryError('unavailable', 'The monitor of the container ended before the container', {
    hint: 'See `wherry ps -a` for what became of the container; the kernel log tells of processes killed for memory',
    exitCode: 125,
  });
}

function readLines(socket: Socket, take: (verb: string, rest: string) => void): void {
  const { add } = splitLines((line) => {
    const at = line.indexOf(' ');
    take(at < 0 ? line : line.slice(0, at), at < 0 ? '' : line.slice(at + 1));
  });
  socket.setEncoding('utf8').on('data', add);
}
