/** A client of a monitor's socket: the container's streams in Docker's frames (ear.ts is for words alone). */
import { once } from 'node:events';
import { createConnection, type Socket } from 'node:net';
import type { Readable, Writable } from 'node:stream';
import { hasCode } from '#base/error.ts';
import { controlFrame, FRAME, frameHeader, frameReader } from '#container/frames.ts';
import { keyFilter } from '#container/keys.ts';
import { type Ending, socketPath } from '#container/state.ts';
import type { Streams } from '#container/streams.ts';
import type { Store } from '#store/store.ts';

export interface AttachOptions {
  /** Which of the container's streams; none: only how it goes on. */
  streams: Streams;
  stdin?: Readable;
  stdout?: Writable;
  stderr?: Writable;
  /** The bytes by which the user leaves (keys.ts); for terminals. */
  detachKeys?: Buffer;
}

/** Why an attachment came to its end. lost: the monitor went without a word. */
type AttachEnd =
  | ({ reason: 'exited' } & Ending)
  | { reason: 'restarting' }
  | { reason: 'detached' }
  | { reason: 'lost' };

/** A client that is connected. */
export interface Attachment {
  /** Settles when the container has ended or starts anew, or the user left. All output is written by then. */
  readonly ended: Promise<AttachEnd>;
  /** From now on the input is sent: before the container has started it would be lost. */
  sendInput(): void;
  resize(rows: number, columns: number): void;
  /** Goes; the container does not notice. */
  leave(): void;
}

/**
 * Connects to the monitor of a container, or of an exec by its id, and attaches. When it resolves, no byte that the
 * container writes from now on is missed. Undefined: there is no monitor, so the container does not run.
 */
export async function connectMonitor(
  store: Store,
  id: string,
  options: AttachOptions,
): Promise<Attachment | undefined> {
  const socket = await connect(socketPath(store, id));
  if (socket === undefined) return undefined;
  const attached = Promise.withResolvers<boolean>();
  const ended = listen(socket, options, () => attached.resolve(true));
  void ended.then(() => attached.resolve(false));
  const { streams } = options;
  const mask = (streams.stdin ? 1 : 0) | (streams.stdout ? 2 : 0) | (streams.stderr ? 4 : 0);
  socket.write(controlFrame(`attach ${mask}`));
  await attached.promise;
  const detached = Promise.withResolvers<AttachEnd>();
  return {
    ended: Promise.race([ended, detached.promise]),
    sendInput: () => {
      if (streams.stdin && options.stdin)
        sendInput(socket, options.stdin, { keys: options.detachKeys, detached: detached.resolve });
    },
    resize: (rows, columns) => void (socket.writable && socket.write(controlFrame(`resize ${rows} ${columns}`))),
    leave: () => {
      options.stdin?.pause();
      socket.destroy();
    },
  };
}

/** Undefined where nobody listens. */
async function connect(path: string): Promise<Socket | undefined> {
  const socket = createConnection(path);
  try {
    await once(socket, 'connect');
    // What goes wrong later is told by `close`.
    socket.on('error', () => undefined);
    return socket;
  } catch (error) {
    if (hasCode(error, 'ENOENT', 'ECONNREFUSED')) return undefined;
    throw error;
  }
}

/** Writes what the container says, and waits for its end. */
function listen(socket: Socket, { stdout, stderr }: AttachOptions, attached: () => void): Promise<AttachEnd> {
  const writers = new Map<number, Writable | undefined>([
    [FRAME.stdout, stdout],
    [FRAME.stderr, stderr],
  ]);
  const end = Promise.withResolvers<AttachEnd>();
  const read = frameReader({
    data: (kind, part) => {
      const writer = writers.get(kind);
      if (writer === undefined || writer.write(part)) return;
      // The container waits as long as we can't write: nothing piles up here.
      socket.pause();
      writer.once('drain', () => socket.resume());
    },
    control: (text) => {
      const [word, status, oom] = text.split(' ');
      if (word === 'attached') attached();
      if (word === 'restarting') end.resolve({ reason: 'restarting' });
      if (word === 'exit') end.resolve({ reason: 'exited', status: Number(status), oom: oom === '1' });
    },
  });
  socket.on('data', read);
  socket.once('close', () => end.resolve({ reason: 'lost' }));
  return end.promise.then(async (reason) => {
    await Promise.all([stdout, stderr].map(flushed));
    return reason;
  });
}

/** Waits until what was written has left this process. */
async function flushed(writer: Writable | undefined): Promise<void> {
  if (writer === undefined || writer.writableLength === 0 || writer.destroyed) return;
  await new Promise<void>((resolve) => writer.write('', () => resolve()));
}

interface Leaving {
  keys: Buffer | undefined;
  /** The user has typed the keys. */
  detached: (end: AttachEnd) => void;
}

/** Sends what is typed, no faster than it is taken. */
function sendInput(socket: Socket, stdin: Readable, { keys, detached }: Leaving): void {
  const filter = keys === undefined ? undefined : keyFilter(keys);
  const close = () => void (socket.writable && socket.write(controlFrame('close-stdin')));
  const send = (chunk: Buffer) => {
    const { data, detached: leaves } = filter === undefined ? { data: chunk, detached: false } : filter(chunk);
    if (data.length > 0 && socket.writable) {
      socket.write(frameHeader(FRAME.stdin, data.length));
      if (!socket.write(data)) {
        stdin.pause();
        socket.once('drain', () => stdin.resume());
      }
    }
    if (leaves) detached({ reason: 'detached' });
  };
  // Whoever has asked something before has left it paused.
  stdin.on('data', send).resume();
  stdin.once('end', close);
  // A terminal that has gone (EIO) is the end of the input.
  stdin.once('error', close);
  socket.once('close', () => {
    stdin.off('data', send);
    stdin.pause();
  });
}
