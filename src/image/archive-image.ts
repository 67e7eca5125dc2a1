/** An image as it is found in an archive, whatever the archive's format. */
import { WherryError } from '#base/error.ts';
import type { Archive } from '#image/parts.ts';
import { describe } from '#oci/digest.ts';
import { type Descriptor, type ImageConfig, type Manifest, MEDIA } from '#oci/manifest.ts';

/** An image as an archive has it. */
export interface Found {
  /** Canonical. */
  names: string[];
  descriptor: Descriptor;
  manifest: Manifest;
  manifestBytes: Buffer;
  config: ImageConfig;
  configBytes: Buffer;
  /** A layer's file in the archive. */
  files: string[];
}

/** What is wrong with an archive. */
export function damaged(archive: Archive, why: string): WherryError {
  return new WherryError('corrupt', `Cannot load "${archive.name}": ${why}`);
}

/** An image with the manifest that it has not been given: of the same parts always the same one. */
export function imageOf(
  image: Pick<Found, 'names' | 'config' | 'configBytes' | 'files'> & { layers: Descriptor[] },
): Found {
  const { layers, ...found } = image;
  const manifest: Manifest = { schemaVersion: 2, config: describe(MEDIA.config, found.configBytes), layers };
  const manifestBytes = Buffer.from(JSON.stringify({ ...manifest, mediaType: MEDIA.manifest }));
  return { ...found, manifest, manifestBytes, descriptor: describe(MEDIA.manifest, manifestBytes) };
}
