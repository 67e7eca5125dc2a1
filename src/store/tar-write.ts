/**
 * Headers of tar archives that we make, as Go's archive/tar writes them, which Docker and podman write with: ustar where
 * its fields hold everything, else an extended header (pax(1)) before it. The same entry gives the same bytes.
 * What follows a file's header is its content and `padding(size)`; an archive ends with `END_OF_ARCHIVE`.
 */
import { WherryError } from '#base/error.ts';
import { type Pax, paxRecords } from '#store/pax.ts';
import type { Entry } from '#store/tar.ts';
import { printable } from '#store/tree.ts';

/** A member to be written: names and attributes are strings of one character a byte, as the reader gives them. */
export type NewEntry = Pick<Entry, 'kind' | 'name'> & Partial<Omit<Entry, 'accessed'>>;

const BLOCK = 512;

/** Two blocks of zeros. */
export const END_OF_ARCHIVE: Buffer = Buffer.alloc(2 * BLOCK);

/** What fills the last block after so many bytes of content. */
export function padding(size: number): Buffer {
  return END_OF_ARCHIVE.subarray(0, (BLOCK - (size % BLOCK)) % BLOCK);
}

const TYPES: Record<Entry['kind'], string> = {
  file: '0',
  link: '1',
  symlink: '2',
  'character-device': '3',
  'block-device': '4',
  directory: '5',
  fifo: '6',
};

/** ustar's fields: where they begin, and how many bytes they have (tar(5)). */
const NAME = [0, 100] as const;
const MODE = [100, 8] as const;
const UID = [108, 8] as const;
const GID = [116, 8] as const;
const SIZE = [124, 12] as const;
const MODIFIED = [136, 12] as const;
const LINK_NAME = [157, 100] as const;
const MAJOR = [329, 8] as const;
const MINOR = [337, 8] as const;
const PREFIX = [345, 155] as const;

type Field = readonly [at: number, length: number];

/**
 * The header blocks of one member, with its extended header before where one is needed. A directory's name gets its
 * slash. Absent: mode 0644 (0755 for a directory), root's, of 1970, empty. Nanoseconds are written where they are not 0.
 * Throws kind `unsupported` for what no archive can hold: a name with a NUL byte, an attribute's name with `=`.
 */
export function tarHeader(entry: NewEntry): Buffer {
  const whole = completed(entry);
  const { name, linkName } = whole;
  if (name.includes('\0') || linkName.includes('\0')) throw unwritable(name, 'it has a NUL byte in its name');
  const block = Buffer.alloc(BLOCK);
  const parts = splitName(name);
  writeText(block, NAME, parts?.name ?? name);
  writeText(block, PREFIX, parts?.prefix ?? '');
  writeText(block, LINK_NAME, linkName);
  writeOctal(block, MODE, whole.mode);
  writeOctal(block, UID, whole.uid);
  writeOctal(block, GID, whole.gid);
  writeOctal(block, SIZE, whole.size);
  writeOctal(block, MODIFIED, whole.modified.seconds);
  writeOctal(block, MAJOR, whole.major);
  writeOctal(block, MINOR, whole.minor);
  finish(block, TYPES[whole.kind]);
  const records = beyondUstar(whole);
  return Object.keys(records).length === 0 ? block : Buffer.concat([extendedHeader(name, records), block]);
}

type Whole = Omit<Entry, 'accessed'>;

function completed(entry: NewEntry): Whole {
  const isDirectory = entry.kind === 'directory';
  return {
    linkName: '',
    mode: isDirectory ? 0o755 : 0o644,
    uid: 0,
    gid: 0,
    modified: { seconds: 0, nanoseconds: 0 },
    major: 0,
    minor: 0,
    attributes: [],
    ...entry,
    name: isDirectory && !entry.name.endsWith('/') ? `${entry.name}/` : entry.name,
    size: entry.kind === 'file' ? (entry.size ?? 0) : 0,
  };
}

/** What the fields of ustar cannot hold, as records of an extended header. */
function beyondUstar({ name, linkName, uid, gid, size, modified, attributes }: Whole): Pax {
  const records: Pax = {};
  if (splitName(name) === undefined) records.path = name;
  if (linkName.length > LINK_NAME[1] || !isAscii(linkName)) records.linkpath = linkName;
  if (!isOctal(uid, UID)) records.uid = String(uid);
  if (!isOctal(gid, GID)) records.gid = String(gid);
  if (!isOctal(size, SIZE)) records.size = String(size);
  if (modified.nanoseconds !== 0 || !isOctal(modified.seconds, MODIFIED)) records.mtime = decimalTime(modified);
  for (const [key, value] of attributes) {
    if (key === '' || /[=\0]/.test(key)) throw unwritable(name, `it has an attribute named "${printable(key)}"`);
    records[`SCHILY.xattr.${key}`] = value;
  }
  return records;
}

function unwritable(name: string, why: string): WherryError {
  return new WherryError('unsupported', `"${printable(name)}" does not fit into an archive: ${why}`);
}

/** The records as a file of their own, named beside the member for readers that don't know extended headers. */
function extendedHeader(name: string, pax: Pax): Buffer {
  const records = paxRecords(pax);
  const block = Buffer.alloc(BLOCK);
  const slash = name.lastIndexOf('/', name.length - 2);
  const beside = `${name.slice(0, slash + 1)}PaxHeaders.0/${name.slice(slash + 1)}`;
  writeText(block, NAME, ascii(beside).slice(0, NAME[1]).replace(/\/+$/, ''));
  for (const field of [MODE, UID, GID, MODIFIED]) writeOctal(block, field, 0);
  writeOctal(block, SIZE, records.length);
  finish(block, 'x');
  return Buffer.concat([block, records, padding(records.length)]);
}

/** A long name may be divided at a slash; undefined: ustar's fields cannot hold it. */
function splitName(name: string): { prefix: string; name: string } | undefined {
  if (!isAscii(name)) return undefined;
  if (name.length <= NAME[1]) return { prefix: '', name };
  const slash = name.lastIndexOf('/', Math.min(PREFIX[1], name.length - 2));
  if (slash <= 0 || name.length - slash - 1 > NAME[1]) return undefined;
  return { prefix: name.slice(0, slash), name: name.slice(slash + 1) };
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: that is what ASCII is
const isAscii = (text: string) => /^[\x00-\x7f]*$/.test(text);

// biome-ignore lint/suspicious/noControlCharactersInRegex: that is what ASCII is
const ascii = (text: string) => text.replace(/[^\x00-\x7f]/g, '');

/** The last byte of a number is NUL. */
const isOctal = (value: number, [, length]: Field) => value >= 0 && value < 8 ** (length - 1);

/** Negative times: seconds are rounded down and the rest added, the text has the sign before all of it. */
function decimalTime({ seconds, nanoseconds }: Entry['modified']): string {
  const total = BigInt(seconds) * 1_000_000_000n + BigInt(nanoseconds);
  const size = total < 0n ? -total : total;
  const rest = String(size % 1_000_000_000n)
    .padStart(9, '0')
    .replace(/0+$/, '');
  return `${total < 0n ? '-' : ''}${size / 1_000_000_000n}${rest === '' ? '' : `.${rest}`}`;
}

/** Cut to the field; whatever is lost stands in the extended header. */
function writeText(block: Buffer, [at, length]: Field, text: string): void {
  block.write(ascii(text), at, length, 'latin1');
}

function writeOctal(block: Buffer, field: Field, value: number): void {
  const [at, length] = field;
  block.write((isOctal(value, field) ? value : 0).toString(8).padStart(length - 1, '0'), at, 'latin1');
}

/** Type, format mark and checksum: the sum of all bytes, its own field taken for spaces. */
function finish(block: Buffer, type: string): void {
  block.write(type, 156, 'latin1');
  block.write('ustar\x0000', 257, 'latin1');
  block.fill(' ', 148, 156);
  let sum = 0;
  for (let at = 0; at < BLOCK; at += 1) sum += block[at] ?? 0;
  block.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148, 'latin1');
}
