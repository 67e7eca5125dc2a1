/** The child processes that unpack: started, fed, heard, ended. */
import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { availableParallelism, setPriority } from 'node:os';
import type { Readable, Writable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { splitLines } from '#base/lines.ts';
import { type Answer, type Task, tell } from '#store/tasks.ts';

/** A blob as a file that perhaps still grows. */
export interface Source {
  path: string;
  /** How many bytes it has by now, in the end all. What this throws ends the unpacking. */
  sizes: AsyncIterable<number> | Iterable<number>;
  /** Nobody reads it soon: its memory is for others. */
  forget?: boolean;
  /** No layer, but an archive of files. */
  plain?: boolean;
}

type Place = Pick<Task, 'directory' | 'namespace'>;

interface Child {
  /** Has one layer unpacked; its death is an answer too. Throws what the source throws, or the abort's reason. */
  ask(place: Place, source: Source, abort?: AbortSignal): Promise<Answer>;
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
    ask: async (place, { path, sizes, forget = false, plain = false }, abort) => {
      abort?.throwIfAborted();
      if (!alive) return died('it was killed', lastWords());
      const answer = Promise.withResolvers<Answer>();
      hear = answer;
      const feed = feeding(child, { ...place, blob: path, forget, plain }, sizes);
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

/** What comes is told of at once in the beginning, then in such steps: a message for each packet would cost more than it gains. */
const TELL_EVERY = 256 * 1024;

/** Sends a task, and how its blob grows. */
function feeding({ stdin }: ChildProcessByStdio<Writable, Readable, Readable>, task: Task, sizes: Source['sizes']) {
  let stopped = false;
  const send = async () => {
    tell(stdin, task);
    let told = 0;
    let size = 0;
    for await (size of sizes) {
      if (stopped) return;
      if (told > 0 && size - told < TELL_EVERY) continue;
      tell(stdin, { size, whole: false });
      told = size;
    }
    if (!stopped) tell(stdin, { size, whole: true });
  };
  return {
    done: send(),
    stop: () => {
      stopped = true;
    },
  };
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
  const { add } = splitLines(take);
  stream.on('data', (chunk: Buffer) => add(chunk.toString()));
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
