/** Files with holes: an archive has none, but a disk image of gigabytes has. */
import { ftruncateSync, writeSync } from 'node:fs';

export interface HoleyWriter {
  write(chunk: Buffer): void;
  /** Gives the file its size where it ends in a hole. */
  end(): void;
}

/** Smaller files are written as they are. */
const SPARSE_FROM = 1024 * 1024;
const ZEROS = Buffer.alloc(64 * 1024);

/** Writes a new file's bytes in order, and leaves holes for long runs of zeros. size: what it will have in the end. */
export function holeyWriter(fd: number, size: number): HoleyWriter {
  let at = 0;
  let hole = false;
  const put = (bytes: Buffer) => {
    for (let done = 0; done < bytes.length; ) done += writeSync(fd, bytes, done, bytes.length - done, at + done);
  };
  return {
    write: (chunk: Buffer) => {
      for (let from = 0; from < chunk.length; ) {
        const start = from;
        if (size < SPARSE_FROM) from = chunk.length;
        while (from < chunk.length && !isZero(chunk, from)) from = Math.min(from + ZEROS.length, chunk.length);
        if (from > start) put(chunk.subarray(start, from));
        hole = from === start;
        if (hole) from = Math.min(from + ZEROS.length, chunk.length);
        at += from - start;
      }
    },
    end: () => {
      if (hole) ftruncateSync(fd, at);
    },
  };
}

function isZero(chunk: Buffer, from: number): boolean {
  const end = Math.min(from + ZEROS.length, chunk.length);
  return chunk[from] === 0 && ZEROS.compare(chunk, from, end, 0, end - from) === 0;
}
