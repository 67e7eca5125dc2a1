/** Digests and descriptors of bytes at hand (image-spec, descriptor.md). */
import type { Descriptor } from '#oci/manifest.ts';

/** sha256:<hex> */
export function digestOf(bytes: Uint8Array | string): string {
  const { hash } = process.getBuiltinModule('node:crypto');
  return `sha256:${hash('sha256', bytes)}`;
}

export function describe(mediaType: string, bytes: Uint8Array): Descriptor {
  return { mediaType, digest: digestOf(bytes), size: bytes.length };
}
