/** The child processes that unpack: started, fed, heard, ended. */
import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { availableParallelism, setPriority } from 'node:os';
import type { Readable, Writable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { type Answer, type Task, writeFrame } from '#store/frames.ts';

interface Source {
  bytes: AsyncIterable<Uint8Array>;
  /** Nobody else needs its pieces: each is freed as soon as it is sent. */
  spent: boolean;
}

interface Child {
  /** Has one layer unpacked; its death is an answer too. Throws what the source throws, or the abort's reason. */
  ask(task: Task, source: Source, abort?: AbortSignal): Promise<Answer>;
  /** Lets it end by itself: it has nothing to do. */
  dismiss(): void;
  /** Kills it, and resolves when it is gone. */
  end(): Promise<void>;
  alive(): boolean;
}

/** Starts a child: from the bundle, or from the sources where this runs from the sources. behind: others go first. */
function startChild(behind = false): Child {
  const name = import.meta.url.endsWith('.ts') ? 'unpack-child.ts' : 'unpack-child.js';
  const { NODE_OPTIONS: _users, ...env } = process.env;
  // A session of its own: a Ctrl-C at the terminal is for the command, which then ends its children.
  const child = spawn(process.execPath, [fileURLToPath(new URL(name, import.meta.url))], {
    stdio: ['pipe', 'pipe', 'pipe'],
    cwd: '/',
    env,
    detached: true,
  });
  if (behind) stepBack(child.pid);
  let alive = true;
  let hear: PromiseWithResolvers<Answer> | undefined;
  const gone = Promise.withResolvers<void>();
  const lastWords = tail(child.stderr);
  const finished = (why: string) => {
    alive = false;
    hear?.resolve(died(why, lastWords()));
    gone.resolve();
  };
  child.once('error', (error) => finished(error.message));
  child.once('close', (code, signal) => finished(signal === null ? `exit status ${code}` : signal));
  // A child that is gone is heard of by its end.
  child.stdin.on('error', () => undefined);
  lines(child.stdout, (line) => hear?.resolve(JSON.parse(line) as Answer));

  return {
    alive: () => alive,
    dismiss: () => {
      child.stdin.end();
      child.unref();
    },
    end: () => {
      child.kill('SIGKILL');
      return gone.promise;
    },
    ask: async (task, source, abort) => {
      abort?.throwIfAborted();
      if (!alive) return died('it was killed', lastWords());
      const answer = Promise.withResolvers<Answer>();
      hear = answer;
      const feed = feeding(child, task, source);
      const aborted = () => answer.reject(abort?.reason);
      abort?.addEventListener('abort', aborted, { once: true });
      // What the source throws ends the layer too.
      feed.done.catch((error: unknown) => answer.reject(error));
      try {
        return await answer.promise;
      } finally {
        abort?.removeEventListener('abort', aborted);
        feed.stop();
      }
    },
  };
}

/**
 * Lets a child have what the others leave of the processors. A session is a group of its own for Linux's scheduler, whose
 * weight counts, not that of the process in it; where groups are off, it is the other way round (sched(7), autogroup).
 */
function stepBack(pid: number | undefined): void {
  if (pid === undefined) return;
  try {
    setPriority(pid, BEHIND);
    writeFileSync(`/proc/${pid}/autogroup`, String(BEHIND));
  } catch {
    // It has ended already, or the kernel has no such groups.
  }
}

const BEHIND = 10;

function died(why: string, lastWords: string): Answer {
  const because = lastWords === '' ? why : `${why}, ${lastWords}`;
  const hint = why === 'SIGKILL' ? 'Look into the kernel log (dmesg) whether memory ran out' : undefined;
  return { kind: 'unavailable', message: `its process ended before it was done: ${because}`, hint };
}

/** Sends a task and its bytes, no faster than they are taken. */
function feeding({ stdin }: ChildProcessByStdio<Writable, Readable, Readable>, task: Task, { bytes, spent }: Source) {
  const iterator = bytes[Symbol.asyncIterator]();
  let stopped = false;
  const flowing = () =>
    new Promise<void>((resolve) => {
      const flows = () => {
        stdin.off('drain', flows).off('close', flows);
        resolve();
      };
      stdin.on('drain', flows).on('close', flows);
    });
  const send = async () => {
    writeFrame(stdin, Buffer.from(JSON.stringify(task)));
    for (let next = await iterator.next(); !stopped && next.done !== true; next = await iterator.next()) {
      const piece = next.value;
      // An empty frame would be the end.
      if (piece.length > 0 && !writeFrame(stdin, piece, spent ? () => free(piece) : undefined)) await flowing();
    }
    if (!stopped) writeFrame(stdin, Buffer.alloc(0));
  };
  return {
    done: send(),
    stop: () => {
      if (stopped) return;
      stopped = true;
      // A generator that waits for its next bytes ends when they come; nobody waits for that.
      void Promise.resolve(iterator.return?.()).catch(() => undefined);
    },
  };
}

/**
 * Pieces from a socket have memory of their own: left to the garbage collector, a layer of 70 MB has it look through all
 * of the heap six times. Smaller ones may be of the pool that Node cuts for everybody.
 */
function free({ buffer, byteLength }: Uint8Array): void {
  const own = byteLength === buffer.byteLength && byteLength > Buffer.poolSize;
  if (own && buffer instanceof ArrayBuffer) buffer.transfer(0);
}

/** The last line of what a stream says. */
function tail(stream: Readable): () => string {
  let text = '';
  stream.on('data', (chunk: Buffer) => {
    text = (text + chunk.toString()).slice(-2048);
  });
  return () =>
    text
      .trim()
      .split('\n')
      .find((line) => /error/i.test(line)) ?? '';
}

function lines(stream: Readable, take: (line: string) => void): void {
  let text = '';
  stream.on('data', (chunk: Buffer) => {
    const parts = (text + chunk.toString()).split('\n');
    text = parts.pop() ?? '';
    for (const line of parts) take(line);
  });
}

export interface Pool {
  take(abort?: AbortSignal): Promise<Child>;
  give(child: Child): void;
  close(): void;
}

/** Each child keeps two threads busy: one decompresses, one hashes and writes. */
const CHILDREN = Math.min(4, Math.max(2, availableParallelism()));

/**
 * Children for reuse; more than CHILDREN at once wait for one another. The first starts at once and goes before the others:
 * it gets the largest layer, which is what the whole pull waits for.
 */
export function childPool(): Pool {
  const all = new Set<Child>([startChild()]);
  const idle = [...all];
  const waiting: ((child: Child) => void)[] = [];
  const start = () => {
    const child = startChild(true);
    all.add(child);
    return child;
  };
  return {
    take: async (abort) => {
      abort?.throwIfAborted();
      const free = idle.pop();
      if (free?.alive()) return free;
      if (free !== undefined) all.delete(free);
      if (all.size < CHILDREN) return start();
      return new Promise((resolve, reject) => {
        waiting.push(resolve);
        abort?.addEventListener('abort', () => {
          const place = waiting.indexOf(resolve);
          if (place === -1) return;
          waiting.splice(place, 1);
          reject(abort.reason);
        });
      });
    },
    give: (child) => {
      if (!child.alive()) all.delete(child);
      const next = waiting.shift();
      if (next !== undefined) next(child.alive() ? child : start());
      else if (child.alive()) idle.push(child);
    },
    close: () => {
      for (const child of all) {
        if (idle.includes(child)) child.dismiss();
        else void child.end();
      }
    },
  };
}
