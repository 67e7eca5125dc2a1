/** The logs of several containers on one screen: each line behind its container's name, in a colour of its own. */
import type { Output } from '#cli/command.ts';
import { type Paint, plain, rainbow, watchPaint } from '#cli/compose/colors.ts';

/** The name under which `watch` speaks: its lines have a mark instead of a name. */
export const WATCH_LOGGER = '#watch';

export interface LogLinesOptions {
  coloured: boolean;
  /** Each line behind its container's name. */
  prefixed: boolean;
  /** Each line behind the time at which it is shown. */
  timestamps?: boolean;
}

export interface LogLines {
  /** One or more lines of a container, without the last line feed. */
  log(name: string, text: string, stream?: 'stdout' | 'stderr'): void;
  /** Something about it: `web-1 exited with code 0`. */
  status(name: string, text: string): void;
}

interface Speaker {
  name: string;
  paint: Paint;
  prefix: string;
}

export function openLogLines(
  { out, err }: { out: Output; err: Output },
  { coloured, prefixed, timestamps = false }: LogLinesOptions,
): LogLines {
  const speakers = new Map<string, Speaker>();
  const nextPaint = rainbow(coloured);
  const paintOf = (name: string): Paint => {
    if (!coloured || name === '') return plain;
    return name === WATCH_LOGGER ? watchPaint : nextPaint();
  };
  const speakerOf = (name: string): Speaker => speakers.get(name) ?? register(name);
  const register = (name: string): Speaker => {
    // `web-1 ->` is a hook of web-1, and speaks with its voice.
    const [root = '', more] = name.split(' ', 2);
    const paint = more === undefined ? paintOf(name) : speakerOf(root).paint;
    const speaker = { name, paint, prefix: '' };
    speakers.set(name, speaker);
    if (prefixed) align(speakers.values());
    return speaker;
  };
  return {
    log: (name, text, stream = 'stdout') => {
      const { prefix } = speakerOf(name);
      const time = timestamps ? `${nanoTime(new Date())} ` : '';
      const lines = text.split('\n').map((line) => `${prefix}${time}${line}\n`);
      (stream === 'stderr' ? err : out).write(lines.join(''));
    },
    status: (name, text) => out.write(speakerOf(name).paint(`\r\x1b[K${name} ${text}\n`)),
  };
}

/** All names are as wide as the longest. */
function align(speakers: Iterable<Speaker>): void {
  const all = [...speakers];
  const width = Math.max(...all.map(({ name }) => Buffer.byteLength(name))) + 1;
  for (const speaker of all) {
    const label = speaker.name === WATCH_LOGGER ? `${' '.repeat(width)} ⦿ ` : `${speaker.name.padEnd(width)} | `;
    speaker.prefix = speaker.paint(label);
  }
}

/** jsonmessage.RFC3339NanoFixed, in the local zone. */
function nanoTime(date: Date): string {
  const offset = -date.getTimezoneOffset();
  const local = new Date(date.getTime() + offset * 60_000).toISOString().slice(0, -1);
  const two = (value: number) => String(Math.trunc(value)).padStart(2, '0');
  const zone =
    offset === 0 ? 'Z' : `${offset < 0 ? '-' : '+'}${two(Math.abs(offset) / 60)}:${two(Math.abs(offset) % 60)}`;
  return `${local}000000${zone}`;
}
