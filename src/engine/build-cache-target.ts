/** Where a build's cache is written: a repository of a registry, a directory of the OCI's layout. */
import {
  chmodSync,
  copyFileSync,
  createReadStream,
  existsSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { join, resolve } from 'node:path';
import { WherryError } from '#base/error.ts';
import type { CacheOptions } from '#build/request.ts';
import { blobIn, REF_NAME, registryOptions } from '#engine/build-cache-place.ts';
import { type Descriptor, MEDIA } from '#oci/manifest.ts';
import { type Document, hasRemoteBlob, putManifest } from '#oci/push.ts';
import { parseReference, withDefaultTag } from '#oci/reference.ts';
import { isObject } from '#oci/shape.ts';
import { openTarget } from '#oci/sources.ts';
import { uploadBlob } from '#oci/upload.ts';
import { asStorageError, lock } from '#sys/file.ts';
import { randomHex } from '#sys/random.ts';

/** A blob as a file. */
export interface Packed {
  path: string;
  digest: string;
  size: number;
}

/** All throw kinds `denied` and `unavailable`. */
export interface Target {
  has(digest: string): Promise<boolean>;
  write(packed: Packed): Promise<void>;
  writeDocument(bytes: Buffer, digest: string): Promise<void>;
  /** Puts the manifest under the name. */
  name(manifest: Document): Promise<void>;
  close(): Promise<void>;
}

export async function registryTarget(options: CacheOptions, abort: AbortSignal): Promise<Target> {
  const reference = withDefaultTag(parseReference(options.ref ?? ''));
  const registry = await openTarget(reference, registryOptions(options, abort));
  return {
    has: (digest) => hasRemoteBlob(registry, reference, digest),
    write: ({ path, digest, size }) => {
      const open = (start: number, end: number) => createReadStream(path, { start, end: end - 1 });
      return uploadBlob(registry, reference, { digest, size, open });
    },
    writeDocument: async (bytes, digest) => {
      if (await hasRemoteBlob(registry, reference, digest)) return;
      async function* open(start: number, end: number) {
        yield bytes.subarray(start, end);
      }
      await uploadBlob(registry, reference, { digest, size: bytes.length, open });
    },
    name: async (manifest) => {
      await putManifest(registry, reference, manifest);
    },
    close: () => registry.close(),
  };
}

/** A directory, made where it is not there. What it has of earlier caches stays, as BuildKit leaves it. */
export async function layoutTarget({ dest = '', tag = 'latest' }: CacheOptions): Promise<Target> {
  const path = resolve(dest);
  attempt(path, () => mkdirSync(join(path, 'blobs', 'sha256'), { recursive: true, mode: 0o755 }));
  const put = (to: string, write: (staged: string) => void) =>
    attempt(to, () => {
      const staged = `${to}.${randomHex(4)}.tmp`;
      try {
        write(staged);
        chmodSync(staged, 0o644);
        renameSync(staged, to);
      } catch (error) {
        rmSync(staged, { force: true });
        throw error;
      }
    });
  return {
    has: async (digest) => existsSync(blobIn(path, digest)),
    write: async (packed) => put(blobIn(path, packed.digest), (staged) => copyFileSync(packed.path, staged)),
    writeDocument: async (bytes, digest) => put(blobIn(path, digest), (staged) => writeFileSync(staged, bytes)),
    name: async ({ bytes, mediaType, digest }) => {
      put(blobIn(path, digest), (staged) => writeFileSync(staged, bytes));
      put(join(path, 'oci-layout'), (staged) => writeFileSync(staged, '{"imageLayoutVersion":"1.0.0"}'));
      using _mine = await lock(path);
      const entry = { mediaType, digest, size: bytes.length, annotations: { [REF_NAME]: tag } };
      const index = indexWith(join(path, 'index.json'), entry);
      put(join(path, 'index.json'), (staged) => writeFileSync(staged, JSON.stringify(index)));
    },
    close: async () => undefined,
  };
}

/** The index with a tag that means this; an index that is none is written anew. */
function indexWith(path: string, entry: Descriptor): object {
  let former: unknown;
  try {
    former = (JSON.parse(readFileSync(path, 'utf8')) as { manifests?: unknown } | null)?.manifests;
  } catch {
    former = undefined;
  }
  const tag = entry.annotations?.[REF_NAME];
  const others = (Array.isArray(former) ? former : []).filter(
    (one: unknown) => isObject(one) && (one as Partial<Descriptor>).annotations?.[REF_NAME] !== tag,
  );
  return { schemaVersion: 2, mediaType: MEDIA.index, manifests: [...others, entry] };
}

function attempt<T>(path: string, work: () => T): T {
  try {
    return work();
  } catch (cause) {
    const error = asStorageError(cause, path);
    if (error instanceof WherryError || (error as NodeJS.ErrnoException).code === undefined) throw error;
    throw new WherryError('unavailable', `Cannot write the cache "${path}": ${(error as Error).message}`, { cause });
  }
}
