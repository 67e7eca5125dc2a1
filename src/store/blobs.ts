/**
 * Blobs: manifests, configurations and compressed layers under their digest, as they came. A blob that is visible is
 * whole, has the digest that it is named by, and is on the disk (fsync) before it gets the name.
 */
import { closeSync, fstatSync, fsync, openSync, readSync, renameSync, rmSync, statSync, writeSync } from 'node:fs';
import { dirname } from 'node:path';
import { promisify } from 'node:util';
import { hasCode, WherryError } from '#base/error.ts';
import { describe } from '#oci/digest.ts';
import { hexOf } from '#store/digest.ts';
import type { Store } from '#store/store.ts';
import { asStorageError } from '#sys/file.ts';

/** What a blob must be, as a manifest or index says it (image-spec, descriptor.md). */
interface Expected {
  digest: string;
  size: number;
}

/** The largest manifest, index or configuration that is read: Docker's and containerd's own bound is 4 MiB to 8 MiB. */
const MAX_DOCUMENT = 8 * 1024 * 1024;

/** Where a blob is, or would be. Throws for what is no sha256 digest, so that the path never leaves the store. */
export function blobPath(store: Store, digest: string): string {
  return store.path('blobs', 'sha256', hexOf(digest));
}

export function hasBlob(store: Store, digest: string): boolean {
  return statSync(blobPath(store, digest), { throwIfNoEntry: false }) !== undefined;
}

/**
 * A blob's bytes, at most `max` of them. They were verified when they were written and are not verified again.
 * Throws kind `corrupt` when the blob is gone or larger.
 */
export function readBlob(store: Store, digest: string, max = MAX_DOCUMENT): Buffer {
  const fd = openBlob(store, digest);
  try {
    const { size } = fstatSync(fd);
    if (size > max) {
      throw new WherryError('corrupt', `Cannot read the blob ${digest}: it has ${size} bytes, at most ${max} can be`);
    }
    const bytes = Buffer.allocUnsafe(size);
    let filled = 0;
    while (filled < size) {
      const count = readSync(fd, bytes, filled, size - filled, filled);
      if (count === 0) break;
      filled += count;
    }
    return bytes.subarray(0, filled);
  } finally {
    closeSync(fd);
  }
}

function openBlob(store: Store, digest: string): number {
  try {
    return openSync(blobPath(store, digest), 'r');
  } catch (cause) {
    if (!hasCode(cause, 'ENOENT')) throw cause;
    throw new WherryError('corrupt', `Cannot read the blob ${digest}: it is not in the store`, {
      hint: 'Pull the image again',
      cause,
    });
  }
}

/** A blob's JSON. Throws kind `corrupt` when it is gone, too large, or does not parse. */
export function readBlobJson<T>(store: Store, digest: string, max = MAX_DOCUMENT): T {
  const text = readBlob(store, digest, max).toString();
  try {
    return JSON.parse(text) as T;
  } catch (cause) {
    throw new WherryError('corrupt', `Cannot read the blob ${digest}: it is not valid JSON`, {
      hint: 'Pull the image again',
      cause,
    });
  }
}

/** Takes a blob out of the store; an absent one is fine. */
export function removeBlob(store: Store, digest: string): void {
  rmSync(blobPath(store, digest), { force: true });
}

/** A blob that grows in tmp/. */
export interface Stage {
  /** Its file, until it is committed. */
  readonly path: string;
  /** Appends, and hashes what it appends. Throws kind `corrupt` beyond the limit, `unavailable` on a full disk. */
  write(chunk: Uint8Array): void;
  /** How many bytes there are by now. */
  readonly size: number;
  /** The digest of what is there by now: `sha256:…`. */
  digest(): string;
  /** Verifies, syncs, and gives it its name. Throws kind `corrupt` on a wrong size or digest; it is discarded then. */
  commit(expected?: Expected): Promise<Expected>;
  /** Removes it; nothing to do after a commit. */
  discard(): void;
}

/** How much is written before the disk is asked to begin, so that the commit has little left to wait for. */
const FLUSH_EVERY = 2 * 1024 * 1024;

const sync = promisify(fsync);

export interface StageOptions {
  /** The size that was promised; one byte more is an error at once, so that an endless blob ends here. */
  limit?: number;
  /** Nobody will read it soon once it is there: its memory is for others. */
  forget?: boolean;
}

/** Opens a new blob. */
export async function stage(store: Store, options: StageOptions = {}): Promise<Stage> {
  const { limit = Number.POSITIVE_INFINITY, forget = false } = options;
  const { createHash } = await import('node:crypto');
  const { stageFile, stagingName, syncDirectory } = await import('#store/staging.ts');
  const { forgetPages, startWriteback } = await import('#sys/ffi.ts');
  const path = store.path('tmp', stagingName('blob'));
  const hash = createHash('sha256');
  let fd: number | undefined = stageFile(path);
  let size = 0;
  let flushed = 0;

  const write = (chunk: Uint8Array) => {
    if (fd === undefined) throw new Error('a blob was written to after its end');
    if (size + chunk.length > limit) {
      throw new WherryError('corrupt', `Cannot store a blob: it is larger than the ${limit} bytes that were announced`);
    }
    hash.update(chunk);
    try {
      for (let at = 0; at < chunk.length; ) at += writeSync(fd, chunk, at);
    } catch (error) {
      throw asStorageError(error, path);
    }
    size += chunk.length;
    if (size - flushed < FLUSH_EVERY) return;
    flushed = size;
    startWriteback(fd);
  };
  const digest = () => `sha256:${hash.copy().digest('hex')}`;
  const discard = () => {
    if (fd === undefined) return;
    rmSync(path, { force: true });
    release();
  };
  const release = () => {
    if (fd !== undefined) closeSync(fd);
    fd = undefined;
  };
  const commit = async (expected: Expected = { digest: digest(), size }) => {
    try {
      verify(expected, { digest: digest(), size });
      if (fd !== undefined) {
        await sync(fd);
        if (forget) forgetPages(fd, 0, size);
      }
      renameSync(path, blobPath(store, expected.digest));
      await syncDirectory(dirname(blobPath(store, expected.digest)));
      release();
      return { digest: expected.digest, size };
    } catch (error) {
      discard();
      throw asStorageError(error, path);
    }
  };
  return {
    path,
    write,
    digest,
    commit,
    discard,
    get size() {
      return size;
    },
  };
}

function verify(expected: Expected, is: Expected): void {
  if (is.size !== expected.size) {
    throw new WherryError(
      'corrupt',
      `Cannot store the blob ${expected.digest}: it has ${is.size} bytes, not ${expected.size}`,
      { hint: 'Try again; if it stays so, the registry has a damaged copy' },
    );
  }
  if (is.digest !== expected.digest) {
    throw new WherryError('corrupt', `Cannot store the blob ${expected.digest}: its content is ${is.digest}`, {
      hint: 'Try again; if it stays so, the registry has a damaged copy',
    });
  }
}

/** Stores bytes that are at hand: a manifest, a configuration. Gives their descriptor. */
export async function putBlob(
  store: Store,
  bytes: Uint8Array,
  mediaType: string,
): Promise<{ mediaType: string; digest: string; size: number }> {
  const known = describe(mediaType, bytes);
  if (!hasBlob(store, known.digest)) {
    const staged = await stage(store);
    staged.write(bytes);
    await staged.commit(known);
  }
  return known;
}
