/**
 * How a parent hands its unpacking child one layer after the other: lines of JSON through one pipe. A layer is a task and
 * then the sizes of its blob's file as it grows, the last of them marked as the whole. The bytes go by that file, which
 * the parent writes anyway: neither waits for the other, and nothing is copied through the pipe.
 */
import { readSync } from 'node:fs';
import type { Writable } from 'node:stream';
import type { Namespace } from '#sys/host.ts';

export interface Task {
  /** The staging directory, which becomes the layer. */
  directory: string;
  namespace: Namespace;
  /** The blob's file. */
  blob: string;
  /** Nobody reads it soon: its memory is for the files that are unpacked from it. */
  forget: boolean;
  /** The archive is no layer: names that mark deletions there are names like any other. */
  plain: boolean;
}

/** How many bytes of the blob are there by now; all of them when it is whole. */
export interface Growth {
  size: number;
  whole: boolean;
}

/** What the child answers, as one line of JSON. */
export type Answer =
  | { digest: string; size: number }
  | { kind: string; message: string; hint?: string | undefined }
  | { defect: string };

/** Sends one line. */
export function tell(pipe: Writable, message: Task | Growth): void {
  pipe.write(`${JSON.stringify(message)}\n`);
}

/** The other end has gone. */
export class Gone extends Error {}

export interface TaskReader {
  /** Waits for a task; undefined when no more will come. */
  task(): Task | undefined;
  /** Waits for more of the blob. Throws Gone when the pipe ends before. */
  growth(): Growth;
}

/** Reads from a blocking descriptor, `size` bytes at once: who unpacks has nothing else to do meanwhile. */
export function taskReader(fd: number, size = 4096): TaskReader {
  const buffer = Buffer.allocUnsafe(size);
  let rest = '';

  function line(): string {
    for (let end = rest.indexOf('\n'); ; end = rest.indexOf('\n')) {
      if (end >= 0) {
        const text = rest.slice(0, end);
        rest = rest.slice(end + 1);
        return text;
      }
      const count = readSync(fd, buffer, 0, size, null);
      if (count === 0) throw new Gone();
      // One character a byte, so that none is cut in two.
      rest += buffer.toString('latin1', 0, count);
    }
  }
  const message = () => JSON.parse(Buffer.from(line(), 'latin1').toString());

  return {
    task: () => {
      try {
        return message() as Task;
      } catch (error) {
        if (error instanceof Gone) return undefined;
        throw error;
      }
    },
    growth: () => message() as Growth,
  };
}
