/** How the archives of layers are compressed (image-spec, layer.md, and for zstd its media types). */
import { MEDIA } from '#oci/manifest.ts';

export const COMPRESSIONS = ['gzip', 'zstd', 'uncompressed'] as const;
export type Compression = (typeof COMPRESSIONS)[number];

/** What somebody wants of layers that are made. */
export interface Packing {
  kind: Compression;
  /** Each kind has its own; without one it is a quick one. */
  level?: number;
  /** Also of those that are there in another compression. */
  forced: boolean;
}

/** The media type of such an archive. */
export const layerType = (kind: Compression): string =>
  kind === 'uncompressed' ? MEDIA.layer : `${MEDIA.layer}+${kind}`;
