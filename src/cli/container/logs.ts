import { type Context, command, given } from '#cli/command.ts';
import { readLogWish } from '#cli/log-wish.ts';
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
    const options = given({
      follow,
      ...readLogWish({ since, until, tail }),
      abort: follow ? context.abort : undefined,
    });
    for await (const entries of readLogs(context.store, name, options)) {
      write(context, entries, { details, timestamps });
    }
  },
});

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
