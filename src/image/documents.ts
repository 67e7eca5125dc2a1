/** The two documents of an image in the store, believed only as far as they are what they must be. */
import { WherryError } from '#base/error.ts';
import { completeConfig, type Descriptor, type ImageConfig, type Manifest } from '#oci/manifest.ts';
import { isObject } from '#oci/shape.ts';
import { readBlobJson } from '#store/blobs.ts';
import type { Store } from '#store/store.ts';

const DIGEST = /^sha256:[0-9a-f]{64}$/;

export interface Documents {
  manifest: Manifest;
  config: ImageConfig;
}

/** The manifest and the configuration of an image. Throws kind `corrupt` where one is gone or makes no sense. */
export function readDocuments(store: Store, digest: string): Documents {
  const manifest = readManifest(store, digest);
  const json = readBlobJson<unknown>(store, manifest.config.digest);
  const config = isObject(json) ? completeConfig(json) : undefined;
  if (isConfig(config, manifest.layers.length)) return { manifest, config };
  throw senseless(manifest.config.digest, 'the configuration of an image with these layers');
}

/** Throws kind `corrupt`. */
export function readManifest(store: Store, digest: string): Manifest {
  const manifest = readBlobJson<unknown>(store, digest);
  if (isManifest(manifest)) return manifest;
  throw senseless(digest, 'a manifest');
}

function senseless(digest: string, what: string): WherryError {
  return new WherryError('corrupt', `Cannot read the blob ${digest}: it is not ${what}`, {
    hint: 'Run `wherry system check --repair`, and pull the image again',
  });
}

/** What `read` gives; undefined where something is damaged. */
export function readable<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    if (error instanceof WherryError || (error as NodeJS.ErrnoException).code !== undefined) return undefined;
    throw error;
  }
}

export function isDescriptor(value: unknown): value is Descriptor {
  const { digest, size } = (value ?? {}) as Partial<Descriptor>;
  return typeof digest === 'string' && DIGEST.test(digest) && typeof size === 'number';
}

function isManifest(value: unknown): value is Manifest {
  const { config, layers } = (value ?? {}) as Partial<Manifest>;
  return isDescriptor(config) && Array.isArray(layers) && layers.every(isDescriptor);
}

function isConfig(value: unknown, layers: number): value is ImageConfig {
  const diffIds: unknown = (value as Partial<ImageConfig> | null)?.rootfs?.diff_ids;
  return Array.isArray(diffIds) && diffIds.length === layers && diffIds.every((one) => DIGEST.test(String(one)));
}
