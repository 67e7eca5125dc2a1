/** A name with the digest of what a registry has under it now. */
import { canonical, parseReference, withDefaultTag } from '#oci/reference.ts';
import { openTarget } from '#oci/sources.ts';

/**
 * `nginx` becomes `docker.io/library/nginx:latest@sha256:…`; one that has a digest keeps it, and nobody is asked. Throws
 * kind `invalid` for what is no name, and as a pull does.
 */
export async function pinnedName(text: string, { abort }: { abort?: AbortSignal } = {}): Promise<string> {
  const reference = withDefaultTag(parseReference(text));
  const { tag, digest, ...rest } = reference;
  // As Docker: of a tag and a digest the digest alone counts.
  if (digest !== undefined) return canonical({ ...rest, digest });
  const registry = await openTarget(reference, { insecure: false, abort });
  try {
    const found = await registry.manifest(reference);
    return canonical({ ...reference, digest: found.digest });
  } finally {
    await registry.close();
  }
}
