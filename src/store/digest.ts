/** Digests as file names: the one place that turns foreign text into a path of the store. */
import { WherryError } from '#base/error.ts';

/**
 * The 64 hexadecimal digits of `sha256:<hex>` (image-spec, descriptor.md), which are safe in a path.
 * Throws kind `unsupported` for another algorithm, kind `corrupt` for anything that is no digest: digests come from
 * manifests, never from what a user types.
 */
export function hexOf(digest: string): string {
  const match = /^sha256:([0-9a-f]{64})$/.exec(digest);
  if (match?.[1] !== undefined) return match[1];
  if (/^[a-z0-9]+(?:[+._-][a-z0-9]+)*:[0-9a-zA-Z=_-]+$/.test(digest) && !digest.startsWith('sha256:')) {
    throw new WherryError('unsupported', `Cannot use the digest "${digest}": only sha256 is supported`);
  }
  throw new WherryError('corrupt', `Cannot use the digest "${digest.slice(0, 80)}": it is not a sha256 digest`);
}
