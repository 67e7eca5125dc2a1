/**
 * Reading tar archives that somebody else has made, by tar-stream, as Go's archive/tar reads them, which is what
 * Docker and podman unpack with. Names and attributes are bytes: they come as strings of one character a byte (latin1).
 *
 * Some steps of tar-stream are replaced, which its options don't reach: three for what is in archives, and its streams,
 * which take longer for a member than the kernel takes to make the file. Its version is pinned, and the tests hold it.
 */
import { type Extract, extract, type Header } from 'tar-stream';
import { WherryError } from '#base/error.ts';
import { type Pax, readPax } from '#store/pax.ts';
import { printable } from '#store/tree.ts';

/** Go's maxSpecialFileSize: no honest extended header or long name is larger. */
const MAX_EXTENSION = 1024 * 1024;

type Kind = 'file' | 'directory' | 'link' | 'symlink' | 'fifo' | 'character-device' | 'block-device';

/** Seconds since 1970, never before, and the rest. */
interface Time {
  seconds: number;
  nanoseconds: number;
}

/** One member of an archive. */
export interface Entry {
  kind: Kind;
  /** As it stands in the archive: not cleaned, perhaps absolute. */
  name: string;
  linkName: string;
  size: number;
  /** Permission bits with setuid, setgid and sticky. */
  mode: number;
  uid: number;
  gid: number;
  modified: Time;
  accessed: Time;
  major: number;
  minor: number;
  /** Extended attributes by name. */
  attributes: [name: string, value: string][];
}

/** A file's bytes; a member of size 0 need not be read. */
export interface Content {
  onData(take: (chunk: Buffer) => void): void;
  onEnd(done: () => void): void;
}

/** Called for each member; calls `next` when it has taken all of the content, and may throw. */
export type OnEntry = (entry: Entry, content: Content, next: (error?: unknown) => void) => void;

export interface TarReader {
  /**
   * Takes bytes, which stay the caller's once this has returned or its promise is kept; the next ones have to wait for
   * that. Throws, or rejects, with what was wrong.
   */
  write(chunk: Buffer): Promise<void> | undefined;
  /** Throws when the archive is cut off. */
  end(): void;
}

/** The parts of tar-stream 3.2's extractor that are called, replaced or read here. */
interface Internals {
  _header: { type: string | null; size: number } | null;
  _longHeader: boolean;
  _pax: Pax | null;
  _locked: boolean;
  _missing: number;
  _stream: ContentStream | null;
  _buffer: {
    buffered: number;
    shift(size: number): Buffer;
    shiftFirst(size: number): unknown;
    push(bytes: Buffer): void;
  };
  _unlockBound: (error?: unknown) => void;
  _write(chunk: Buffer, done: (error?: unknown) => void): void;
  _final(done: (error?: unknown) => void): void;
  _update(): void;
  _createStream(): ContentStream;
  _consumeHeader(): boolean;
  _decodeLongHeader(bytes: Buffer): void;
  _applyLongHeaders(): void;
}

/** What stands in for the stream of a member: hands on what comes at once, or keeps it until somebody wants it. */
interface ContentStream extends Content {
  /** Null at the end. False: come again when it is taken. */
  push(chunk: Buffer | null): boolean;
  _detach(): void;
}

/** Kinds without content, whatever size their header claims. */
const HEADER_ONLY = ['link', 'symlink', 'character-device', 'block-device', 'directory', 'fifo'];

/** Reads one archive. What follows its end (two blocks of zeros) is ignored. */
export function tarReader(onEntry: OnEntry): TarReader {
  // Its types leave these two options out. Archives from before POSIX have no format.
  const options = { filenameEncoding: 'latin1', allowUnknownFormat: true };
  const tar = extract(options as object);
  const inner = tar as unknown as Internals;
  const state = replaceSteps(tar);
  let failure: { error: unknown } | undefined;
  let waiting: PromiseWithResolvers<void> | undefined;
  let busy = false;
  const fail = (error: unknown) => {
    failure ??= { error };
    waiting?.reject(error);
  };
  /** Goes on with what is there; a step that is taken meanwhile goes on by itself. */
  const go = (step: () => void) => {
    if (busy || failure !== undefined) return;
    busy = true;
    try {
      step();
    } catch (error) {
      fail(error);
    } finally {
      busy = false;
    }
  };
  inner._createStream = () => contentStream(inner, () => go(() => inner._update()));
  inner._unlockBound = (error) => {
    if (error !== undefined) return fail(error);
    inner._locked = false;
    go(() => inner._update());
  };
  tar.on('entry', (headers, content, next) => {
    try {
      onEntry(toEntry(headers), content as unknown as Content, next as (error?: unknown) => void);
    } catch (error) {
      fail(error);
    }
  });
  return {
    write: (chunk) => {
      if (failure !== undefined) throw failure.error;
      if (state.ended) return undefined;
      let taken = false;
      go(() =>
        inner._write(chunk, (error) => {
          taken = true;
          ownRest(inner);
          if (error) fail(asTarError(error));
          else waiting?.resolve();
        }),
      );
      if (failure !== undefined) throw (failure as { error: unknown }).error;
      if (taken) return undefined;
      waiting = Promise.withResolvers();
      return waiting.promise;
    },
    end: () => {
      if (failure !== undefined) throw failure.error;
      inner._final((error) => {
        if (error) throw asTarError(error);
      });
    },
  };
}

/** Half a header, or a part of a long name, is kept for the next bytes: in a copy. */
function ownRest({ _buffer: buffer }: Internals): void {
  if (buffer.buffered > 0) buffer.push(Buffer.from(buffer.shift(buffer.buffered)));
}

function contentStream(inner: Internals, goOn: () => void): ContentStream {
  const size = inner._header?.size ?? 0;
  const held: Buffer[] = [];
  let take: ((chunk: Buffer) => void) | undefined;
  let done: (() => void) | undefined;
  let ended = false;
  const finish = () => {
    if (ended && take !== undefined) done?.();
  };
  const stream: ContentStream = {
    push: (chunk) => {
      if (chunk === null) ended = true;
      else if (take === undefined) held.push(chunk);
      else take(chunk);
      finish();
      return take !== undefined;
    },
    onData: (listener) => {
      take = listener;
      if (held.length === 0) return;
      for (const chunk of held.splice(0)) listener(chunk);
      finish();
      if (ended) stream._detach();
      goOn();
    },
    onEnd: (listener) => {
      done = listener;
      finish();
    },
    _detach: () => {
      if (inner._stream !== stream) return;
      inner._stream = null;
      // What fills the last block.
      inner._missing = (512 - (size % 512)) % 512;
    },
  };
  return stream;
}

function replaceSteps(tar: Extract): { ended: boolean } {
  const inner = tar as unknown as Internals;
  const { _consumeHeader: consumeHeader, _decodeLongHeader: decodeLongHeader, _applyLongHeaders: apply } = inner;
  const state = { ended: false };
  let zeros = 0;
  inner._consumeHeader = () => {
    const more = consumeHeader.call(tar);
    zeros = inner._header === null ? zeros + 1 : 0;
    // Where an extension ends before it begins, tar-stream would look for its content in what follows.
    if (inner._longHeader && !isSize(inner._header?.size)) throw damaged();
    // An extension without content would leave tar-stream waiting for it in the middle of the next member.
    if (inner._header?.size === 0) inner._longHeader = false;
    if (zeros < 2) return more;
    state.ended = true;
    while (inner._buffer.buffered > 0) inner._buffer.shiftFirst(inner._buffer.buffered);
    return true;
  };
  inner._decodeLongHeader = (bytes) => {
    if (bytes.length > MAX_EXTENSION) throw new Error('Header exceeds max size');
    // tar-stream takes values for UTF-8, which breaks binary ones (security.capability) and other names.
    if (inner._header?.type === 'pax-header') inner._pax = readPax(bytes);
    // Docker and podman ignore global headers (git archive writes its commit there).
    else if (inner._header?.type !== 'pax-global-header') decodeLongHeader.call(tar, bytes);
  };
  inner._applyLongHeaders = () => {
    const announced = inner._pax?.size ?? '0';
    apply.call(tar);
    const header = inner._header;
    // tar-stream waits for ever for what is no number, and takes 1 of 1e9.
    if (header !== null && !(isSize(header.size) && /^\d+$/.test(announced))) header.size = Number.NaN;
    if (header !== null && HEADER_ONLY.includes(header.type ?? '')) header.size = 0;
  };
  return state;
}

const isSize = (size: unknown) => Number.isSafeInteger(size) && (size as number) >= 0;

const KINDS: Partial<Record<string, Kind>> = {
  file: 'file',
  'contiguous-file': 'file',
  directory: 'directory',
  link: 'link',
  symlink: 'symlink',
  fifo: 'fifo',
  'character-device': 'character-device',
  'block-device': 'block-device',
};

function toEntry(headers: Header): Entry {
  const pax = (headers.pax ?? {}) as Pax;
  const name = headers.name;
  let kind = KINDS[headers.type];
  if (kind === undefined || Object.keys(pax).some((key) => key.startsWith('GNU.sparse.'))) {
    throw new WherryError(
      'unsupported',
      `"${printable(name)}" is a sparse file, or of another kind that images have not`,
      {
        hint: 'Have the image made without tar --sparse',
      },
    );
  }
  // Archives from before POSIX mark directories only so.
  if (kind === 'file' && name.endsWith('/') && headers.size === 0) kind = 'directory';
  const modified = pax.mtime === undefined ? headerTime(headers) : paxTime(pax.mtime, name);
  const accessed = pax.atime === undefined ? modified : paxTime(pax.atime, name);
  return {
    kind,
    name,
    linkName: headers.linkname ?? '',
    size: headers.size ?? 0,
    mode: checked(headers.mode, 'mode', name) & 0o7777,
    uid: checked(pax.uid === undefined ? headers.uid : Number(pax.uid), 'owner', name),
    gid: checked(pax.gid === undefined ? headers.gid : Number(pax.gid), 'group', name),
    modified,
    accessed: isBefore(accessed, modified) ? modified : accessed,
    major: headers.devmajor ?? 0,
    minor: headers.devminor ?? 0,
    attributes: attributesOf(pax),
  };
}

const XATTR = 'SCHILY.xattr.';

function attributesOf(pax: Pax): [string, string][] {
  return Object.entries(pax)
    .filter(([key]) => key.startsWith(XATTR))
    .map(([key, value]) => [key.slice(XATTR.length), value]);
}

/** The largest id that the kernel knows is one less than 32 bits hold: that one means "leave it" to chown(2). */
function checked(value: number | undefined, what: string, name: string): number {
  if (value !== undefined && Number.isInteger(value) && value >= 0 && value < 0xffffffff) return value;
  throw new WherryError('corrupt', `"${printable(name)}" has an impossible ${what}: ${value}`);
}

function headerTime({ mtime, name }: Header): Time {
  const seconds = Math.floor(mtime.getTime() / 1000);
  if (Number.isSafeInteger(seconds)) return bounded({ seconds, nanoseconds: 0 });
  throw new WherryError('corrupt', `"${printable(name)}" has an impossible time`);
}

/** Decimal seconds, perhaps negative, perhaps with a fraction (pax(1)); digits beyond nanoseconds are cut. */
function paxTime(text: string, name: string): Time {
  const match = /^(-?\d{1,15})(?:\.(\d*))?$/.exec(text);
  if (match === null)
    throw new WherryError('corrupt', `"${printable(name)}" has an impossible time: ${printable(text)}`);
  return bounded({ seconds: Number(match[1]), nanoseconds: Number((match[2] ?? '').slice(0, 9).padEnd(9, '0')) });
}

/** What nanoseconds in 64 bits can't say, and what lies before 1970, is 1970 with Docker and podman. */
function bounded(time: Time): Time {
  return time.seconds < 0 || Object.is(time.seconds, -0) || time.seconds > 9_223_372_035
    ? { seconds: 0, nanoseconds: 0 }
    : time;
}

const isBefore = (one: Time, other: Time) =>
  one.seconds < other.seconds || (one.seconds === other.seconds && one.nanoseconds < other.nanoseconds);

function asTarError(error: unknown): unknown {
  const text = (error as Error).message ?? '';
  if (error instanceof WherryError) return error;
  if (text.startsWith('Unexpected end')) return new WherryError('corrupt', 'the archive is cut off');
  if (text.startsWith('Header exceeds')) {
    return new WherryError('corrupt', `the archive has an extended header of more than ${MAX_EXTENSION} bytes`);
  }
  return /header/i.test(text) ? damaged() : error;
}

const damaged = () => new WherryError('corrupt', 'it is not a tar archive, or a damaged one');
