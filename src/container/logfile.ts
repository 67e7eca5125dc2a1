/** A json-file log on disk: its files in order, its lines, the place where the last so many begin. */
import { closeSync, fstatSync, openSync, readdirSync, readFileSync, readSync, statSync, writeSync } from 'node:fs';
import { basename, dirname } from 'node:path';
import { hasCode } from '#base/error.ts';
import { memoryFile } from '#sys/spawn.ts';

/** A line of the log. */
export interface LogEntry {
  /** With its line feed; a long line comes in several parts, of which only the last has one. */
  log: string;
  stream: 'stdout' | 'stderr';
  /** RFC 3339, UTC, nine digits. */
  time: string;
  attrs: Record<string, string>;
}

const CHUNK = 65536;
const LINE_FEED = 10;

/** One line of the file; undefined for what is none, such as a line that a power cut has torn. */
export function parseEntry(line: string): LogEntry | undefined {
  return usualEntry(line) ?? anyEntry(line);
}

const BEGINNING = '{"log":"';
const MIDDLE = '","stream":"std';
const END = '","time":"';

/**
 * A line as the monitor writes those without attributes, where the text has no escape but for its line feed: a seventh
 * of the time that JSON.parse() takes for it. Undefined for all others.
 */
function usualEntry(line: string): LogEntry | undefined {
  const end = line.indexOf('"', BEGINNING.length);
  const time = end + MIDDLE.length + 'out'.length + END.length;
  if (!line.startsWith(BEGINNING) || !line.startsWith(MIDDLE, end) || !line.endsWith('Z"}')) return undefined;
  if (!line.startsWith(END, time - END.length)) return undefined;
  const backslash = line.indexOf('\\', BEGINNING.length);
  const whole = backslash === end - 2 && line.charCodeAt(end - 1) === LETTER_N;
  if (!whole && backslash >= 0) return undefined;
  const text = line.slice(BEGINNING.length, whole ? backslash : end);
  return {
    log: whole ? `${text}\n` : text,
    stream: line.charCodeAt(end + MIDDLE.length) === LETTER_O ? 'stdout' : 'stderr',
    time: nineDigits(line.slice(time, -2)),
    attrs: NO_ATTRIBUTES,
  };
}

const LETTER_N = 110;
const LETTER_O = 111;
const NO_ATTRIBUTES: Record<string, string> = {};

function anyEntry(line: string): LogEntry | undefined {
  const entry = tryParse(line) ?? afterTear(line);
  if (typeof entry?.log !== 'string' || typeof entry.time !== 'string') return undefined;
  return {
    log: entry.log,
    stream: entry.stream === 'stderr' ? 'stderr' : 'stdout',
    time: nineDigits(entry.time),
    attrs: entry.attrs ?? {},
  };
}

/** What was written after a crash may stand behind a line without an end. */
function afterTear(line: string): Partial<LogEntry> | undefined {
  const at = line.lastIndexOf('{"log":');
  return at > 0 ? tryParse(line.slice(at)) : undefined;
}

function tryParse(line: string): Partial<LogEntry> | undefined {
  try {
    return (JSON.parse(line) as Partial<LogEntry> | null) ?? undefined;
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

/** Docker shows nine digits always; as text they compare in the order of time. */
function nineDigits(time: string): string {
  if (time.length === 30) return time;
  const match = /^(.{19})(?:\.(\d{1,9}))?Z$/.exec(time);
  return match === null ? time : `${match[1]}.${(match[2] ?? '').padEnd(9, '0')}Z`;
}

/** A line as Kubernetes and podman keep them: TIME stdout F text; P for a piece of a line that goes on. */
export function parsePlainEntry(line: string): LogEntry | undefined {
  const [, time, stream, tag, text = ''] = /^(\S+) (stdout|stderr) ([FP])\S* (.*)$/s.exec(line) ?? [];
  if (time === undefined) return undefined;
  return {
    log: tag === 'F' ? `${text}\n` : text,
    stream: stream === 'stderr' ? 'stderr' : 'stdout',
    time: inUtc(time),
    attrs: {},
  };
}

/** conmon writes the local time with its offset. */
function inUtc(time: string): string {
  const [, seconds = '', fraction = '', offset = 'Z'] = /^(.{19})(?:\.(\d{1,9}))?(Z|[+-]\d\d:\d\d)$/.exec(time) ?? [];
  const moved = seconds === '' ? time.slice(0, 19) : new Date(`${seconds}${offset}`).toISOString().slice(0, 19);
  return `${moved}.${fraction.padEnd(9, '0')}Z`;
}

/** An open log file that is read forward, whole lines at a time. */
export class LogFile {
  readonly inode: number;
  readonly isCompressed: boolean;
  readonly #fd: number;
  readonly #buffer = Buffer.alloc(CHUNK);
  #position = 0;
  #rest: Buffer[] = [];

  constructor(path: string) {
    const fd = openSync(path, 'r');
    this.inode = fstatSync(fd).ino;
    this.isCompressed = path.endsWith('.gz');
    this.#fd = this.isCompressed ? decompressed(fd) : fd;
  }

  /** Its first line, which has a time that no other file's has; '' where there is none yet. */
  firstLine(): string {
    const start = Buffer.alloc(LONGEST_LINE);
    const length = readSync(this.#fd, start, 0, LONGEST_LINE, 0);
    return start.toString('latin1', 0, start.subarray(0, length).indexOf(LINE_FEED) + 1);
  }

  /** The next lines, without their ends; none at the end of what is there now. */
  read(): string[] {
    for (;;) {
      const length = readSync(this.#fd, this.#buffer, 0, CHUNK, this.#position);
      if (length === 0) return [];
      this.#position += length;
      const end = this.#buffer.lastIndexOf(LINE_FEED, length - 1);
      if (end < 0) {
        this.#rest.push(Buffer.from(this.#buffer.subarray(0, length)));
        continue;
      }
      const text = Buffer.concat([...this.#rest, this.#buffer.subarray(0, end)]).toString();
      this.#rest = [Buffer.from(this.#buffer.subarray(end + 1, length))];
      return text.split('\n');
    }
  }

  /** What stands behind the last line feed. */
  remainder(): string {
    return Buffer.concat(this.#rest).toString();
  }

  /** Goes to where the last `count` lines begin. Gives how many lines the whole file was short of that. */
  seekTail(count: number): number {
    const size = fstatSync(this.#fd).size;
    let missing = count;
    if (count === 0) this.#position = size;
    for (let end = count === 0 ? 0 : size; end > 0; ) {
      const start = Math.max(0, end - CHUNK);
      readSync(this.#fd, this.#buffer, 0, end - start, start);
      for (let at = end - start - 1; at >= 0; at -= 1) {
        // The line feed at the very end closes the last line, and begins none.
        if (this.#buffer[at] !== LINE_FEED || start + at === size - 1) continue;
        missing -= 1;
        if (missing > 0) continue;
        this.#position = start + at + 1;
        return 0;
      }
      end = start;
    }
    return size > 0 && count > 0 ? missing - 1 : missing;
  }

  /** Begins anew where the file was emptied: a rotation that keeps one file does so. */
  followCut(): void {
    if (fstatSync(this.#fd).size >= this.#position) return;
    this.#position = 0;
    this.#rest = [];
  }

  close(): void {
    closeSync(this.#fd);
  }
}

/** The longest that the monitor writes (native/monitor/logfile.h), in bytes. */
const LONGEST_LINE = 192 * 1024;

/** The content of a compressed file, in memory; rotation keeps each below a size. */
function decompressed(fd: number): number {
  try {
    const memory = memoryFile();
    const { gunzipSync } = process.getBuiltinModule('node:zlib');
    writeSync(memory, gunzipSync(readFileSync(fd)), 0);
    return memory;
  } finally {
    closeSync(fd);
  }
}

/** Is this the same log file, under whichever name? What has been compressed has become another file. */
function isSame(one: LogFile, other: LogFile): boolean {
  if (one.inode === other.inode) return true;
  if (one.isCompressed === other.isCompressed) return false;
  const line = one.firstLine();
  return line !== '' && line === other.firstLine();
}

/** A log's file, or undefined where it is absent. */
export function openLog(path: string): LogFile | undefined {
  try {
    return new LogFile(path);
  } catch (error) {
    if (!hasCode(error, 'ENOENT')) throw error;
    // What is being compressed has both names until it is whole.
    return path.endsWith('.gz') ? undefined : openLog(`${path}.gz`);
  }
}

/** So often a look at the files is begun anew that a rotation came between. */
const LOOKS = 100;

/**
 * The file itself and what rotation has moved away from it, oldest first; no older than the file with the older than `known`,
 * where that is among them. One rotation meanwhile loses nothing: it renames the oldest file first, so what has been
 * opened comes by once more, and a number may be missing for a moment. A second one might put a newer file where an older
 * one is looked for, so we look again.
 */
export function openAll(path: string, known?: LogFile): LogFile[] {
  for (let look = 1; ; look += 1) {
    const inode = inodeOf(path);
    const files = openInOrder(path, known);
    if (look === LOOKS || inodeOf(path) === inode) return files;
    for (const file of files) file.close();
  }
}

const inodeOf = (path: string) => statSync(path, { throwIfNoEntry: false })?.ino;

function openInOrder(path: string, known?: LogFile): LogFile[] {
  const files: LogFile[] = [];
  let most: number | undefined;
  for (let number = 0; files[0] === undefined || known === undefined || !isSame(files[0], known); number += 1) {
    const file = openLog(number === 0 ? path : `${path}.${number}`);
    if (file === undefined) {
      most ??= highest(path);
      // One more: it may have moved on since.
      if (number > most + 1) break;
    } else if (files.some((one) => isSame(one, file))) {
      file.close();
    } else {
      files.unshift(file);
    }
  }
  return files;
}

/** The highest number that rotation has given to a file; 0: none. */
function highest(path: string): number {
  const beginning = `${basename(path)}.`;
  try {
    return readdirSync(dirname(path))
      .filter((name) => name.startsWith(beginning))
      .reduce((most, name) => Math.max(most, Number.parseInt(name.slice(beginning.length), 10) || 0), 0);
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return 0;
    throw error;
  }
}

/** What is newer than this file, oldest first; everything where that one is gone. */
export function openNewer(path: string, known: LogFile): LogFile[] {
  if (inodeOf(path) === known.inode) return [];
  const [oldest, ...newer] = openAll(path, known);
  if (oldest === undefined) return [];
  if (!isSame(oldest, known)) return [oldest, ...newer];
  oldest.close();
  return newer;
}
