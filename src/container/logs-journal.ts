/** logs of containers that log to the system's journal: read by journalctl(1), which knows what the user may see. */
import { WherryError } from '#base/error.ts';
import type { LogEntry } from '#container/logfile.ts';
import { needTool } from '#sys/host.ts';

export interface JournalOptions {
  tail?: number;
  /** Goes on while this says so, and a moment longer for what is on its way. */
  goesOn?: () => boolean;
  abort?: AbortSignal;
}

/** How often a follower looks whether the container still runs; so long it waits for the last lines. Milliseconds. */
const LOOK = 200;

/** The container's entries in batches, oldest first. Throws kind `unavailable` with what journalctl says. */
export async function* readJournal(id: string, options: JournalOptions): AsyncGenerator<LogEntry[], void> {
  const { spawn } = await import('node:child_process');
  const { tail, goesOn, abort } = options;
  const args = ['--output=json', '--all', '--quiet', '--no-pager', `CONTAINER_ID_FULL=${id}`];
  args.push(
    ...(tail === undefined ? ['--no-tail'] : [`--lines=${tail}`]),
    ...(goesOn === undefined ? [] : ['--follow']),
  );
  const child = spawn(needTool('journalctl', 'systemd'), args, { stdio: ['ignore', 'pipe', 'pipe'] });
  const end = () => child.kill();
  const timer = goesOn === undefined ? undefined : setInterval(() => endWhenOver(goesOn, end), LOOK);
  abort?.addEventListener('abort', end, { once: true });
  let complaint = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    complaint += text;
  });
  const over = new Promise<number | null>((resolve, reject) => child.once('error', reject).once('close', resolve));
  try {
    yield* entriesOf(child.stdout);
    const status = await over;
    abort?.throwIfAborted();
    if (status !== null && status !== 0) {
      throw new WherryError('unavailable', `Cannot read the journal: ${complaint.trim().split('\n')[0]}`);
    }
  } finally {
    clearInterval(timer);
    abort?.removeEventListener('abort', end);
    end();
  }
}

function endWhenOver(goesOn: () => boolean, end: () => void): void {
  if (!goesOn()) setTimeout(end, LOOK).unref();
}

async function* entriesOf(stream: NodeJS.ReadableStream): AsyncGenerator<LogEntry[], void> {
  let pending = '';
  stream.setEncoding('utf8');
  for await (const chunk of stream) {
    const lines = (pending + String(chunk)).split('\n');
    pending = lines.pop() ?? '';
    const entries = lines.map(parseJournalEntry).filter((entry) => entry !== undefined);
    if (entries.length > 0) yield entries;
  }
}

interface Exported {
  /** Bytes where it is no text. */
  MESSAGE?: string | number[] | null;
  PRIORITY?: string;
  /** Microseconds since 1970. */
  __REALTIME_TIMESTAMP?: string;
  CONTAINER_PARTIAL_MESSAGE?: string;
  [field: string]: unknown;
}

/** One line of `journalctl --output=json` (systemd.io, "Journal Export Formats"). */
export function parseJournalEntry(line: string): LogEntry | undefined {
  if (line === '') return undefined;
  const entry = JSON.parse(line) as Exported;
  const text = Array.isArray(entry.MESSAGE) ? Buffer.from(entry.MESSAGE).toString() : (entry.MESSAGE ?? '');
  const micros = BigInt(entry.__REALTIME_TIMESTAMP ?? 0);
  const seconds = new Date(Number(micros / 1000n)).toISOString().slice(0, 19);
  return {
    log: entry.CONTAINER_PARTIAL_MESSAGE === 'true' ? text : `${text}\n`,
    // Docker's driver and ours: 3 (err) is standard error, 6 (info) standard output.
    stream: entry.PRIORITY === '3' ? 'stderr' : 'stdout',
    time: `${seconds}.${String(micros % 1_000_000n).padStart(6, '0')}000Z`,
    attrs: {},
  };
}
