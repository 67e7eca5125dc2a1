/** A file from the web, for a build's context and for ADD. */
import { closeSync, openSync, rmSync, utimesSync, writeSync } from 'node:fs';
import { posix } from 'node:path';
import { reworded } from '#build/dockerfile/fault.ts';
import { download } from '#oci/download.ts';
import { asStorageError } from '#sys/file.ts';

export interface Downloaded {
  /** As the server calls it, else as the address ends; `download` where neither says anything. */
  name: string;
  /** `sha256:…` */
  digest: string;
  size: number;
  /** When it was changed last, as the server says, in seconds. */
  modified: number | undefined;
}

export interface DownloadTo {
  abort?: AbortSignal | undefined;
  /** Bytes by now, and in all where that is known, else 0. */
  progress?: (current: number, total: number) => void;
}

/**
 * Fetches an address into a new file, whose time is that of the server's or the first of 1970, as BuildKit has it.
 * Throws kind `unavailable` in Docker's words, also for a full disk, and `invalid` for what is no address; nothing is left then.
 */
export async function fetchFile(address: string, path: string, options: DownloadTo = {}): Promise<Downloaded> {
  const { createHash } = await import('node:crypto');
  const hash = createHash('sha256');
  let [size, total, name] = [0, 0, ''];
  let modified: number | undefined;
  const opened = (headers: Readonly<Record<string, string | string[] | undefined>>) => {
    name = nameOf(first(headers['content-disposition']), address);
    total = Number(first(headers['content-length']) ?? 0) || 0;
    modified = timeOf(first(headers['last-modified']));
  };
  const fd = openSync(path, 'wx', 0o600);
  try {
    for await (const piece of download(address, { opened, worded, abort: options.abort })) {
      hash.update(piece);
      for (let at = 0; at < piece.length; ) at += writeSync(fd, piece, at);
      size += piece.length;
      options.progress?.(size, total);
    }
    utimesSync(path, modified ?? 0, modified ?? 0);
    return { name, digest: `sha256:${hash.digest('hex')}`, size, modified };
  } catch (error) {
    rmSync(path, { force: true });
    throw asStorageError(
      reworded(error, (message) => `failed to load cache key: ${message}`),
      path,
    );
  } finally {
    closeSync(fd);
  }
}

const worded = (status: number) => `invalid response status ${status}`;

const first = (value: string | string[] | undefined) => (Array.isArray(value) ? value[0] : value);

function timeOf(header: string | undefined): number | undefined {
  const milliseconds = Date.parse(header ?? '');
  return Number.isNaN(milliseconds) ? undefined : Math.floor(milliseconds / 1000);
}

/** Never a path, whatever the server says. */
function nameOf(disposition: string | undefined, address: string): string {
  const stated = /filename="([^"]+)"|filename=([^;\s]+)/i.exec(disposition ?? '');
  for (const text of [stated?.[1] ?? stated?.[2], new URL(address).pathname]) {
    const name = posix.basename(text ?? '');
    if (name !== '' && name !== '.' && name !== '..' && !name.includes('\0')) return decoded(name);
  }
  return 'download';
}

function decoded(name: string): string {
  try {
    const plain = decodeURIComponent(name);
    return /[/\0]/.test(plain) || plain === '..' || plain === '.' ? name : plain;
  } catch {
    return name;
  }
}
