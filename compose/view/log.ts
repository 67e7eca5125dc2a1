/** A container's log, line by line. */
import { given } from '#base/given.ts';
import { type LogEntry, type LogOptions, readLogs } from '#container/logs.ts';
import type { Store } from '#engine/open.ts';

export interface LineOptions extends LogOptions {
  /** Each line behind the time at which it was written. */
  timestamps?: boolean;
}

/**
 * Hands each whole line to `say`, without its line feed; what has none is a line when the log ends. Throws as readLogs(),
 * but ends quietly when it is aborted.
 */
export async function readLines(
  store: Store,
  id: string,
  { timestamps = false, ...options }: LineOptions,
  say: (line: string, stream: 'stdout' | 'stderr') => void,
): Promise<void> {
  const lines = joined(timestamps, say);
  try {
    for await (const entries of readLogs(store, id, given(options))) entries.forEach(lines.take);
  } catch (error) {
    if (!options.abort?.aborted) throw error;
  }
  lines.end();
}

/** Entries become lines: a long one comes in parts. */
function joined(timestamps: boolean, say: (line: string, stream: 'stdout' | 'stderr') => void) {
  const begun = { stdout: '', stderr: '' };
  return {
    take: ({ log, stream, time }: LogEntry) => {
      const text = begun[stream] === '' && timestamps ? `${time} ${log}` : begun[stream] + log;
      if (text.endsWith('\n')) say(text.slice(0, -1), stream);
      begun[stream] = text.endsWith('\n') ? '' : text;
    },
    end: () => {
      for (const stream of ['stdout', 'stderr'] as const) if (begun[stream] !== '') say(begun[stream], stream);
    },
  };
}
