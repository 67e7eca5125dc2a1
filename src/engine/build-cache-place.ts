/** Where caches of builds are read from and written to: a repository of a registry, a directory of the OCI's layout. */
import { createReadStream, readFileSync, statSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { hasCode, WherryError } from '#base/error.ts';
import { parseBool } from '#base/units.ts';
import type { CacheOptions } from '#build/request.ts';
import { digestOf } from '#oci/digest.ts';
import { type Descriptor, MAX_DOCUMENT } from '#oci/manifest.ts';
import { familiar, parseReference, withDefaultTag } from '#oci/reference.ts';
import { isObject, parsedObject } from '#oci/shape.ts';
import { openTarget } from '#oci/sources.ts';
import { download, fetchSmall } from '#oci/transfer.ts';
import { hexOf } from '#store/digest.ts';

/** A place to read from. All throw kinds `not-found`, `denied`, `unavailable` and `corrupt`. */
export interface Place {
  /** What its name stands for. */
  top(): Promise<Buffer>;
  manifest(descriptor: Descriptor): Promise<Buffer>;
  /** A small blob, which is what its digest says. */
  document(descriptor: Descriptor): Promise<Buffer>;
  /** A blob's bytes; the digest is the receiver's to check. */
  open(descriptor: Descriptor): AsyncIterable<Buffer>;
  close(): Promise<void>;
}

export const registryOptions = (options: CacheOptions, abort: AbortSignal | undefined) => ({
  insecure: parseBool(options['registry.insecure'] ?? '') === true,
  abort,
});

export async function registryPlace(options: CacheOptions, abort: AbortSignal | undefined): Promise<Place> {
  const reference = withDefaultTag(parseReference(options.ref ?? ''));
  const registry = await openTarget(reference, registryOptions(options, abort));
  return {
    top: async () => {
      try {
        return (await registry.manifest(reference)).bytes;
      } catch (cause) {
        if (!(cause instanceof WherryError) || cause.kind !== 'not-found') throw cause;
        const why = `failed to configure registry cache importer: ${familiar(reference)}: not found`;
        throw new WherryError('not-found', why, { cause });
      }
    },
    manifest: async ({ digest }) => (await registry.manifest(reference, digest)).bytes,
    document: (descriptor) => fetchSmall(registry, reference, descriptor, { called: 'cache' }),
    open: (descriptor) => download(registry, reference, descriptor),
    close: () => registry.close(),
  };
}

export const blobIn = (directory: string, digest: string) => join(directory, 'blobs', 'sha256', hexOf(digest));

/** The annotation that tags stand in. */
export const REF_NAME = 'org.opencontainers.image.ref.name';

/** A directory as --cache-to type=local leaves it. */
export function layoutPlace({ src = '', tag = 'latest', digest }: CacheOptions): Place {
  const path = resolve(src);
  const verified = async (wanted: string) => {
    const bytes = readSmall(blobIn(path, wanted));
    if (digestOf(bytes) === wanted) return bytes;
    throw new WherryError('corrupt', `${blobIn(path, wanted)} has another content`);
  };
  return {
    top: () => verified(digest ?? taggedIn(path, tag)),
    manifest: (one) => verified(one.digest),
    document: (one) => verified(one.digest),
    open: (one) => reading(blobIn(path, one.digest)),
    close: async () => undefined,
  };
}

async function* reading(path: string): AsyncGenerator<Buffer> {
  try {
    yield* createReadStream(path) as AsyncIterable<Buffer>;
  } catch (cause) {
    throw unreadable(path, cause);
  }
}

function readSmall(path: string): Buffer {
  try {
    const { size } = statSync(path);
    if (size > MAX_DOCUMENT) {
      throw new WherryError('corrupt', `${path} has ${size} bytes, at most ${MAX_DOCUMENT} can be`);
    }
    return readFileSync(path);
  } catch (cause) {
    throw unreadable(path, cause);
  }
}

function unreadable(path: string, cause: unknown): unknown {
  if (cause instanceof WherryError || (cause as NodeJS.ErrnoException).code === undefined) return cause;
  const why = hasCode(cause, 'ENOENT') ? 'no such file or directory' : (cause as Error).message;
  return new WherryError('not-found', `could not read ${path}: ${why}`, { cause });
}

function taggedIn(path: string, tag: string): string {
  const { manifests } = parsedObject(readSmall(join(path, 'index.json')));
  const entries = (Array.isArray(manifests) ? manifests : []).filter(isObject) as unknown as Partial<Descriptor>[];
  const found = entries.find(({ annotations }) => annotations?.[REF_NAME] === tag);
  const only = found ?? (tag === 'latest' && entries.length === 1 ? entries[0] : undefined);
  if (only?.digest !== undefined) return only.digest;
  throw new WherryError('not-found', `${join(path, 'index.json')} has no cache "${tag}"`);
}
