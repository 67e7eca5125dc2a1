/** What a container writes from now on, for those who stay in front of it. */
import { Writable } from 'node:stream';
import { WherryError } from '#base/error.ts';
import { splitLines } from '#base/lines.ts';
import { readLines } from '#compose/view/log.ts';
import { connectMonitor } from '#container/attach.ts';
import type { Store } from '#engine/open.ts';

export interface OutputOptions {
  /** Nanoseconds since 1970: nothing that was written before. */
  since: bigint;
  abort: AbortSignal;
}

type Say = (line: string, stream: 'stdout' | 'stderr') => void;

/**
 * Hands over each line until the container ends. Where it has no log that can be read, by its monitor: what it wrote before
 * that is missed.
 */
export async function followOutput(store: Store, id: string, { since, abort }: OutputOptions, say: Say): Promise<void> {
  try {
    await readLines(store, id, { follow: true, since: logTime(since), abort }, (line, stream) => {
      if (!abort.aborted) say(line, stream);
    });
  } catch (error) {
    if (!(error instanceof WherryError)) throw error;
    // It was removed meanwhile.
    if (error.kind === 'not-found') return;
    if (error.kind !== 'unavailable') throw error;
    await followStreams(store, id, abort, say);
  }
}

/** As the log has its times, so that they compare as text. */
function logTime(nano: bigint): string {
  const seconds = new Date(Number(nano / 1_000_000_000n) * 1000).toISOString().slice(0, 19);
  return `${seconds}.${String(nano % 1_000_000_000n).padStart(9, '0')}Z`;
}

async function followStreams(store: Store, id: string, abort: AbortSignal, say: Say): Promise<void> {
  const stdout = lineWriter((line) => say(line, 'stdout'));
  const stderr = lineWriter((line) => say(line, 'stderr'));
  const streams = { stdin: false, stdout: true, stderr: true };
  const attachment = await connectMonitor(store, id, { streams, stdout: stdout.stream, stderr: stderr.stream });
  if (attachment === undefined) return;
  const leave = () => attachment.leave();
  abort.addEventListener('abort', leave, { once: true });
  try {
    await attachment.ended;
  } finally {
    abort.removeEventListener('abort', leave);
    stdout.end();
    stderr.end();
  }
}

function lineWriter(say: (line: string) => void) {
  const decoder = new TextDecoder();
  const { add, end } = splitLines(say);
  const stream = new Writable({
    write: (chunk, _encoding, done) => {
      add(decoder.decode(chunk, { stream: true }));
      done();
    },
  });
  return { stream, end };
}
