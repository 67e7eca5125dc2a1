/** logs of containers that log to the system's journal: read by journalctl(1), which knows what the user may see. */
import { WherryError } from '#base/error.ts';
import { splitLines } from '#base/lines.ts';
import type { LogEntry } from '#container/logfile.ts';
import { needTool } from '#sys/host.ts';

export interface JournalOptions {
  /** RFC 3339: only bounds of what has to be read; entries before and after may come all the same. */
  since?: string;
  until?: string;
  /** So many of the last before `until`. */
  tail?: number;
  /** Goes on while this says so. */
  goesOn?: () => boolean;
  abort?: AbortSignal;
}

/** How often a follower looks whether the container still runs. Milliseconds. */
const LOOK = 200;

/** An entry, and where in the journal it stands. */
interface Placed extends LogEntry {
  cursor: string;
}

/**
 * The container's entries in batches, oldest first. What is there is read first; a follower begins behind it, and reads
 * once more what is there when the container has ended, as it may be behind. Throws kind `unavailable` with what
 * journalctl says.
 */
export async function* readJournal(id: string, options: JournalOptions): AsyncGenerator<LogEntry[], void> {
  const { since, tail, goesOn } = options;
  const bounds = [...(since === undefined ? [] : [`--since=@${seconds(since)}`])];
  let last: string | undefined;
  const read = async function* (args: readonly string[], ends?: () => boolean): AsyncGenerator<LogEntry[], void> {
    const place = last === undefined ? bounds : [`--after-cursor=${last}`];
    for await (const batch of journalctl(id, [...args, ...place], options, ends)) {
      last = batch.at(-1)?.cursor ?? last;
      yield batch;
    }
  };
  if (tail === undefined) {
    yield* read(['--no-tail']);
  } else {
    const past = await lastOf(id, Math.max(tail, 1), bounds, options);
    // Of none the place is of interest all the same.
    last = past.at(-1)?.cursor;
    if (tail > 0 && past.length > 0) yield past;
  }
  if (goesOn === undefined) return;
  if (goesOn()) yield* read(['--no-tail', '--follow'], () => !goesOn());
  yield* read(['--no-tail']);
}

const seconds = (time: string) => Math.floor(Date.parse(time) / 1000);

/** Read backwards, as old ones of journalctl count `--lines` from `--since` on. */
async function lastOf(
  id: string,
  count: number,
  bounds: readonly string[],
  options: JournalOptions,
): Promise<Placed[]> {
  const { until } = options;
  const found: Placed[] = [];
  // The second after: it counts whole ones.
  const end = until === undefined ? [`--lines=${count}`] : [`--until=@${seconds(until) + 1}`];
  for await (const batch of journalctl(id, ['--reverse', ...bounds, ...end], options)) {
    found.push(...batch.filter(({ time }) => until === undefined || time <= until));
    if (found.length >= count) break;
  }
  return found.slice(0, count).reverse();
}

/** ends: asked from time to time; then journalctl is ended. */
async function* journalctl(
  id: string,
  args: readonly string[],
  { abort }: JournalOptions,
  ends?: () => boolean,
): AsyncGenerator<Placed[], void> {
  const { spawn } = await import('node:child_process');
  const words = ['--output=json', '--all', '--quiet', '--no-pager', ...args, `CONTAINER_ID_FULL=${id}`];
  const child = spawn(needTool('journalctl', 'systemd'), words, { stdio: ['ignore', 'pipe', 'pipe'] });
  const end = () => child.kill();
  const timer = ends === undefined ? undefined : setInterval(() => ends() && end(), LOOK);
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
    if (status !== null && status !== 0) throw refused(complaint);
  } finally {
    clearInterval(timer);
    abort?.removeEventListener('abort', end);
    end();
  }
}

function refused(complaint: string): WherryError {
  const [first = ''] = complaint.trim().split('\n');
  return new WherryError('unavailable', `Cannot read the journal: ${first || 'no part of it may be read'}`, {
    hint: 'Users read their own entries where the journal is kept on disk (mkdir /var/log/journal), else as members of the group systemd-journal',
  });
}

async function* entriesOf(stream: NodeJS.ReadableStream): AsyncGenerator<Placed[], void> {
  let entries: Placed[] = [];
  const { add } = splitLines((line) => {
    const entry = parseJournalEntry(line);
    if (entry !== undefined) entries.push(entry);
  });
  stream.setEncoding('utf8');
  for await (const chunk of stream) {
    add(String(chunk));
    if (entries.length > 0) yield entries;
    entries = [];
  }
}

/** What journalctl shows of a field: bytes where it is no text; several where the field is there several times. */
type Value = string | null | (number | string | number[])[];

interface Exported {
  MESSAGE?: Value;
  PRIORITY?: Value;
  /** Microseconds since 1970. */
  __REALTIME_TIMESTAMP?: string;
  __CURSOR?: string;
  CONTAINER_PARTIAL_MESSAGE?: Value;
  [field: string]: Value | undefined;
}

/** What Docker's driver and ours write by themselves; all else are a container's labels and variables. */
const OURS = new Set(
  `MESSAGE MESSAGE_ID PRIORITY CODE_FILE CODE_LINE CODE_FUNC ERRNO SYSLOG_FACILITY SYSLOG_IDENTIFIER SYSLOG_PID
  SYSLOG_TIMESTAMP CONTAINER_NAME CONTAINER_ID CONTAINER_ID_FULL CONTAINER_TAG IMAGE_NAME CONTAINER_PARTIAL_ID
  CONTAINER_PARTIAL_ORDINAL CONTAINER_PARTIAL_LAST CONTAINER_PARTIAL_MESSAGE CONTAINER_LOG_EPOCH CONTAINER_LOG_ORDINAL`
    .trim()
    .split(/\s+/),
);

/** One line of `journalctl --output=json` (systemd.io, "Journal Export Formats"). */
export function parseJournalEntry(line: string): Placed | undefined {
  if (line === '') return undefined;
  const entry = JSON.parse(line) as Exported;
  const text = textOf(entry.MESSAGE);
  const micros = BigInt(entry.__REALTIME_TIMESTAMP ?? 0);
  const seconds = new Date(Number(micros / 1000n)).toISOString().slice(0, 19);
  const attributes = Object.entries(entry).filter(([key]) => !key.startsWith('_') && !OURS.has(key));
  return {
    log: textOf(entry.CONTAINER_PARTIAL_MESSAGE) === 'true' ? text : `${text}\n`,
    // Docker's driver and ours: 3 (err) is standard error, 6 (info) standard output.
    stream: textOf(entry.PRIORITY) === '3' ? 'stderr' : 'stdout',
    time: `${seconds}.${String(micros % 1_000_000n).padStart(6, '0')}000Z`,
    attrs: Object.fromEntries(attributes.map(([key, value]) => [key, textOf(value)])),
    cursor: entry.__CURSOR ?? '',
  };
}

function textOf(value: Value | undefined): string {
  if (!Array.isArray(value)) return value ?? '';
  const [first] = value;
  return typeof first === 'number' ? Buffer.from(value as number[]).toString() : textOf(first);
}
