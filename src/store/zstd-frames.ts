/**
 * Where one zstd frame ends and the next begins (RFC 8878, section 3.1).
 *
 * Node's decompressor takes what follows a frame in the same write for the end of all, without an error, so half a
 * layer would be lost: `zstd:chunked` layers have a frame for each file. With one frame a write it goes on rightly.
 */

const MAGIC = 0xfd2fb528;
const SKIPPABLE = 0x184d2a5;

/** Cuts chunks of one stream so that no piece goes beyond the end of a frame. What is not zstd passes uncut. */
export function zstdFrames(): (chunk: Buffer) => Buffer[] {
  /** Bytes of the frame to let pass before the next header. */
  let pass = 0;
  /** Do they end the frame? */
  let last = false;
  let checksum = 0;
  /** A header that may come in parts, how long it will be, and what it says. */
  let header: number[] = [];
  let wanted = 4;
  let reader: (bytes: Buffer) => void = magic;

  function expect(length: number, next: (bytes: Buffer) => void) {
    wanted = length;
    reader = next;
  }
  function magic(bytes: Buffer) {
    const value = bytes.readUInt32LE();
    if (value === MAGIC) expect(5, descriptor);
    else if (value >>> 4 === SKIPPABLE) expect(8, skippable);
    // The decompressor will say what is wrong.
    else pass = Number.POSITIVE_INFINITY;
  }
  function skippable(bytes: Buffer) {
    pass = bytes.readUInt32LE(4);
    last = true;
  }
  function descriptor(bytes: Buffer) {
    const flags = bytes.readUInt8(4);
    const single = (flags & 0x20) !== 0;
    const contentSize = [single ? 1 : 0, 2, 4, 8][flags >>> 6] ?? 0;
    checksum = (flags & 4) === 0 ? 0 : 4;
    const rest = (single ? 0 : 1) + ([0, 1, 2, 4][flags & 3] ?? 0) + contentSize;
    if (rest === 0) frameHeader();
    else expect(5 + rest, frameHeader);
  }
  function frameHeader() {
    header = [];
    expect(3, block);
  }
  function block(bytes: Buffer) {
    const value = bytes.readUIntLE(0, 3);
    const isRunLength = ((value >>> 1) & 3) === 1;
    last = (value & 1) === 1;
    pass = (isRunLength ? 1 : value >>> 3) + (last ? checksum : 0);
    header = [];
  }
  function begin() {
    header = [];
    last = false;
    expect(4, magic);
  }

  return (chunk) => {
    const pieces: Buffer[] = [];
    let start = 0;
    for (let at = 0; at < chunk.length; ) {
      if (pass > 0) {
        const count = Math.min(pass, chunk.length - at);
        at += count;
        pass -= count;
      } else {
        header.push(chunk[at] ?? 0);
        at += 1;
        if (header.length === wanted) reader(Buffer.from(header));
      }
      if (pass === 0 && last) {
        pieces.push(chunk.subarray(start, at));
        start = at;
        begin();
      }
    }
    if (start < chunk.length) pieces.push(chunk.subarray(start));
    return pieces;
  };
}
