/** Tar archives written byte by byte, so that tests can write what no honest tool writes. */

export interface Member {
  name: string;
  /** The type flag: '0' a file, '1' a hard link, '2' a symbolic link, '3' and '4' devices, '5' a directory, '6' a FIFO. */
  type?: string;
  content?: string | Buffer;
  /** What the header claims, where that is not the content's length. */
  size?: number;
  link?: string;
  mode?: number;
  uid?: number;
  gid?: number;
  /** Seconds. */
  modified?: number;
  major?: number;
  minor?: number;
  /** Records of an extended header that comes before. */
  pax?: Record<string, string | Buffer>;
  /** 'ustar' (the default), 'gnu', or 'v7' without a format mark. */
  format?: 'ustar' | 'gnu' | 'v7';
}

const BLOCK = 512;

/** One member: extended header, header, content, padding. Strings are one byte a character. */
export function member(one: Member): Buffer {
  const content = asBytes(one.content ?? '');
  const before = one.pax === undefined ? [] : [member({ name: 'pax', type: 'x', content: paxRecords(one.pax) })];
  return Buffer.concat([...before, header({ ...one, size: one.size ?? content.length }), padded(content)]);
}

const asBytes = (text: string | Buffer) => (typeof text === 'string' ? Buffer.from(text, 'latin1') : text);

export function paxRecords(records: Record<string, string | Buffer>): Buffer {
  return Buffer.concat(Object.entries(records).map(([key, value]) => record(key, asBytes(value))));
}

function record(key: string, value: Buffer): Buffer {
  const rest = Buffer.concat([Buffer.from(` ${key}=`), value, Buffer.from('\n')]);
  let length = rest.length + 1;
  while (String(length).length + rest.length !== length) length = String(length).length + rest.length;
  return Buffer.concat([Buffer.from(String(length)), rest]);
}

const MARKS = { ustar: 'ustar\x0000', gnu: 'ustar  \0', v7: '' };

function header(one: Member & { size: number }): Buffer {
  const block = Buffer.alloc(BLOCK);
  const octal = (value: number, at: number, length: number) =>
    block.write(value.toString(8).padStart(length - 1, '0'), at, 'latin1');
  const { mode = one.type === '5' ? 0o755 : 0o644, modified = 1_600_000_000 } = one;
  const { uid = 0, gid = 0, major = 0, minor = 0, type = '0', link = '', format = 'ustar' } = one;
  block.write(one.name, 0, 100, 'latin1');
  octal(mode, 100, 8);
  octal(uid, 108, 8);
  octal(gid, 116, 8);
  if (one.size < 8 ** 11) octal(one.size, 124, 12);
  else block.writeBigUInt64BE(BigInt(one.size), block.writeUInt8(0x80, 124) + 3);
  octal(modified, 136, 12);
  block.write(type, 156, 'latin1');
  block.write(link, 157, 100, 'latin1');
  block.write(MARKS[format], 257, 'latin1');
  octal(major, 329, 8);
  octal(minor, 337, 8);
  return signed(block);
}

/** The same header with the checksum that makes it believed. */
export function signed(block: Buffer): Buffer {
  block.fill(' ', 148, 156);
  const sum = block.subarray(0, BLOCK).reduce((total, byte) => total + byte, 0);
  block.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148, 'latin1');
  return block;
}

/** A member whose header has these bytes for its size. */
export function resized(one: Buffer, size: string): Buffer {
  const changed = Buffer.from(one);
  changed.write(size, 124, 'latin1');
  return signed(changed);
}

function padded(content: Buffer): Buffer {
  return Buffer.concat([content, Buffer.alloc((BLOCK - (content.length % BLOCK)) % BLOCK)]);
}

/** A name or link target that is longer than a header takes, as GNU tar writes it. */
export function gnuLong(type: 'L' | 'K', text: string): Buffer {
  return member({ name: '././@LongLink', type, content: `${text}\0`, format: 'gnu' });
}

export const END = Buffer.alloc(2 * BLOCK);

/** A whole archive of members and raw pieces. */
export function archive(...members: (Member | Buffer)[]): Buffer {
  return Buffer.concat([...members.map((one) => (Buffer.isBuffer(one) ? one : member(one))), END]);
}
