import { WherryError } from '#base/error.ts';
import { parseTimestamp } from '#base/units.ts';
import { type Context, command, given } from '#cli/command.ts';
import { boolean, text } from '#cli/values.ts';
import { type LogEntry, readLogs } from '#container/logs.ts';
import { findContainer } from '#container/names.ts';

export default command({
  usage: 'CONTAINER',
  summary: 'Fetch the logs of a container',
  details: `
    What the container wrote to standard output goes to standard output, what it wrote to standard error to standard
    error; with a terminal (-t) there is one stream. --follow ends when the container ends.`,
  examples: [{ does: 'The last ten lines, and what comes', line: 'wherry logs --follow --tail 10 web' }],
  flags: {
    details: { as: boolean, summary: 'Show extra details provided to logs' },
    follow: { short: 'f', as: boolean, summary: 'Follow log output' },
    since: {
      as: text,
      summary: 'Show logs since timestamp (e.g. "2013-01-02T13:23:37Z") or relative (e.g. "42m" for 42 minutes)',
    },
    tail: { short: 'n', as: text, default: 'all', summary: 'Number of lines to show from the end of the logs' },
    timestamps: { short: 't', as: boolean, summary: 'Show timestamps' },
    until: {
      as: text,
      summary: 'Show logs before a timestamp (e.g. "2013-01-02T13:23:37Z") or relative (e.g. "42m" for 42 minutes)',
    },
  },
  run: async (context, [name = ''], { details, follow, since, tail, timestamps, until }) => {
    // Docker's client looks for it before it reads the times.
    findContainer(context.store, name);
    // Anything that is no number means all, as with Docker.
    const count = /^\+?\d+$/.test(tail) ? Number(tail) : undefined;
    const options = given({
      follow,
      since: moment('since', since),
      // Docker takes this for no bound.
      until: until === '0' ? undefined : moment('until', until),
      tail: count,
      abort: follow ? context.abort : undefined,
    });
    for await (const entries of readLogs(context.store, name, options)) {
      write(context, entries, { details, timestamps });
    }
  },
});

/** The first and last second that a log's text has digits for. */
const BOUNDS = [-62_135_596_800_000, Date.UTC(9999, 11, 31, 23, 59, 59)].map((time) => time / 1000);

/** As the log has its times, so that they compare as text. */
function moment(flag: string, value: string | undefined): string | undefined {
  if (value === undefined || value === '') return undefined;
  try {
    const { seconds, nanos } = parseTimestamp(value);
    const [first = 0, last = 0] = BOUNDS;
    const bounded = Math.min(Math.max(seconds, first), last);
    return `${new Date(bounded * 1000).toISOString().slice(0, 19)}.${String(nanos).padStart(9, '0')}Z`;
  } catch (error) {
    if (!(error instanceof WherryError)) throw error;
    throw new WherryError('invalid', `invalid value for "${flag}": ${error.message}`, { cause: error });
  }
}

/** One write for neighbours of the same stream. */
function write(context: Context, entries: readonly LogEntry[], show: { details: boolean; timestamps: boolean }): void {
  let stream = entries[0]?.stream;
  let text = '';
  const flush = () => (stream === 'stderr' ? context.err : context.out).write(text);
  for (const entry of entries) {
    if (entry.stream !== stream) {
      flush();
      stream = entry.stream;
      text = '';
    }
    if (show.timestamps) text += `${entry.time} `;
    if (show.details) text += `${detailsOf(entry)} `;
    text += entry.log;
  }
  flush();
}

/** `key=value,key=value`, escaped as in a URL's query. */
function detailsOf({ attrs }: LogEntry): string {
  const escaped = (part: string) => encodeURIComponent(part).replaceAll('%20', '+');
  return Object.keys(attrs)
    .sort()
    .map((key) => `${escaped(key)}=${escaped(attrs[key] ?? '')}`)
    .join(',');
}
