/**
 * How a parent hands its unpacking child one layer after the other through one pipe: frames of a length (32 bits,
 * little-endian) and as many bytes. A layer is a frame of JSON (the task), frames of its blob, and an empty frame.
 */
import { readSync } from 'node:fs';
import type { Writable } from 'node:stream';
import type { Namespace } from '#sys/host.ts';

export interface Task {
  /** The staging directory, which becomes the layer. */
  directory: string;
  namespace: Namespace;
}

/** What the child answers, as one line of JSON. */
export type Answer =
  | { digest: string; size: number }
  | { kind: string; message: string; hint?: string | undefined }
  | { defect: string };

/** Writes one frame, and says when its bytes are sent; false when the pipe is full. */
export function writeFrame(pipe: Writable, bytes: Uint8Array, sent?: () => void): boolean {
  const length = Buffer.alloc(4);
  length.writeUInt32LE(bytes.length);
  pipe.cork();
  pipe.write(length);
  const taken = pipe.write(bytes, sent);
  pipe.uncork();
  return taken;
}

/** The other end has gone. */
export class Gone extends Error {}

export interface FrameReader {
  /** Waits for a task; undefined when no more will come. */
  task(): Task | undefined;
  /**
   * A layer's bytes in pieces as they arrive, each there until the next one is asked for, to the empty frame. Throws Gone
   * when the pipe ends before.
   */
  content(): Generator<Buffer, void, void>;
}

const READ = 128 * 1024;

/** Reads from a blocking descriptor, `size` bytes at once: who unpacks has nothing else to do meanwhile. */
export function frameReader(fd: number, size = READ): FrameReader {
  const buffer = Buffer.allocUnsafe(size);
  let rest: Buffer = Buffer.alloc(0);

  /** Only when the rest is used up, or is a copy. */
  function more(): Buffer {
    const count = readSync(fd, buffer, 0, size, null);
    if (count === 0) throw new Gone();
    return buffer.subarray(0, count);
  }
  function exactly(length: number): Buffer {
    while (rest.length < length) rest = rest.length === 0 ? more() : Buffer.concat([Buffer.from(rest), more()]);
    const bytes = rest.subarray(0, length);
    rest = rest.subarray(length);
    return bytes;
  }
  const length = () => exactly(4).readUInt32LE();

  return {
    task: () => {
      try {
        return JSON.parse(exactly(length()).toString()) as Task;
      } catch (error) {
        if (error instanceof Gone) return undefined;
        throw error;
      }
    },
    content: function* () {
      for (let left = length(); left > 0; left = length()) {
        while (left > 0) {
          if (rest.length === 0) rest = more();
          const piece = rest.subarray(0, left);
          rest = rest.subarray(piece.length);
          left -= piece.length;
          yield piece;
        }
      }
    },
  };
}
