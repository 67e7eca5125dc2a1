/**
 * How a parent hands its unpacking child one layer after the other through one pipe: frames of a length (32 bits,
 * little-endian) and as many bytes. A layer is a frame of JSON (the task), frames of its blob, and an empty frame.
 */
import type { Readable, Writable } from 'node:stream';
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

/** Writes one frame; false when the pipe is full. */
export function writeFrame(pipe: Writable, bytes: Uint8Array): boolean {
  const length = Buffer.alloc(4);
  length.writeUInt32LE(bytes.length);
  pipe.cork();
  pipe.write(length);
  const taken = pipe.write(bytes);
  pipe.uncork();
  return taken;
}

/** The other end has gone. */
export class Gone extends Error {}

export interface FrameReader {
  /** Waits for a task; undefined when no more will come. */
  task(): Promise<Task | undefined>;
  /** A layer's bytes in pieces as they arrive, to the empty frame. Throws Gone when the pipe ends before. */
  content(): AsyncGenerator<Buffer, void, void>;
}

export function frameReader(pipe: Readable): FrameReader {
  const chunks = pipe[Symbol.asyncIterator]() as AsyncIterator<Buffer>;
  let rest: Buffer = Buffer.alloc(0);

  async function more(): Promise<Buffer> {
    const { value, done } = await chunks.next();
    if (done === true) throw new Gone();
    return value;
  }
  async function exactly(length: number): Promise<Buffer> {
    while (rest.length < length) rest = Buffer.concat([rest, await more()]);
    const bytes = rest.subarray(0, length);
    rest = rest.subarray(length);
    return bytes;
  }
  const length = async () => (await exactly(4)).readUInt32LE();

  return {
    task: async () => {
      try {
        return JSON.parse((await exactly(await length())).toString()) as Task;
      } catch (error) {
        if (error instanceof Gone) return undefined;
        throw error;
      }
    },
    content: async function* () {
      for (let left = await length(); left > 0; left = await length()) {
        while (left > 0) {
          if (rest.length === 0) rest = await more();
          const piece = rest.subarray(0, left);
          rest = rest.subarray(piece.length);
          left -= piece.length;
          yield piece;
        }
      }
    },
  };
}
