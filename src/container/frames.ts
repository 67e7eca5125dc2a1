/** The 8-byte frames in which Docker carries several streams over one: kind, three zeros, length (big-endian). Pure. */

/** A frame's first byte. */
export const FRAME = { stdin: 0, stdout: 1, stderr: 2, control: 3 } as const;

const HEADER = 8;

/** A frame's header. */
export function frameHeader(kind: number, length: number): Buffer {
  const header = Buffer.alloc(HEADER);
  header[0] = kind;
  header.writeUInt32BE(length, 4);
  return header;
}

/** A control frame: one line of text. */
export function controlFrame(text: string): Buffer {
  const body = Buffer.from(text);
  return Buffer.concat([frameHeader(FRAME.control, body.length), body]);
}

/** What comes out of a stream of frames; parts of a data frame come as they arrive, control texts whole. */
export interface FrameSink {
  data(kind: number, part: Buffer): void;
  control(text: string): void;
}

/** Takes chunks of any size and hands on what is in them. Data is never copied. */
export function frameReader(sink: FrameSink): (chunk: Buffer) => void {
  let header = Buffer.alloc(0);
  let kind = 0;
  let left = 0;
  let text: Buffer[] = [];
  const take = (part: Buffer) => {
    left -= part.length;
    if (kind !== FRAME.control) {
      if (part.length > 0) sink.data(kind, part);
      return;
    }
    text.push(part);
    if (left > 0) return;
    const whole = Buffer.concat(text).toString();
    text = [];
    sink.control(whole);
  };
  return (chunk) => {
    for (let at = 0; at < chunk.length; ) {
      if (left > 0) {
        const part = chunk.subarray(at, at + left);
        at += part.length;
        take(part);
        continue;
      }
      const part = chunk.subarray(at, at + HEADER - header.length);
      at += part.length;
      header = Buffer.concat([header, part]);
      if (header.length < HEADER) continue;
      kind = header[0] ?? 0;
      left = header.readUInt32BE(4);
      header = Buffer.alloc(0);
      if (left === 0) take(Buffer.alloc(0));
    }
  };
}
