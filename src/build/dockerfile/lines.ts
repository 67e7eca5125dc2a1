/** A file's lines, one after the other, with their ends. */
import { wrong } from '#build/dockerfile/fault.ts';

export interface LineReader {
  /** The next line with its newline; undefined at the end, and before a line that is too long. */
  next(): string | undefined;
  /** How many lines were read. */
  line(): number;
  /** Throws where a line was too long to be read. */
  check(): void;
}

/** The buffer of Go's bufio.Scanner: bytes of a line with its newline; one without fits only when it is shorter. */
const LIMIT = 64 * 1024;

export function lineReader(text: string): LineReader {
  let at = 0;
  let count = 0;
  let isTooLong = false;
  return {
    next: () => {
      if (isTooLong || at >= text.length) return undefined;
      const newline = text.indexOf('\n', at);
      const line = text.slice(at, newline < 0 ? text.length : newline + 1);
      isTooLong = line.length * 3 >= LIMIT && Buffer.byteLength(line) + (newline < 0 ? 1 : 0) > LIMIT;
      if (isTooLong) return undefined;
      at += line.length;
      count += 1;
      return line;
    },
    line: () => count,
    check: () => {
      if (isTooLong) throw wrong(`dockerfile line greater than max allowed size of ${LIMIT - 1}`);
    },
  };
}
