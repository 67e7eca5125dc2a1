/** Names as pull and push say them back. */
import { canonical, parseReference, repositoryOf, withDefaultTag } from '#oci/reference.ts';

/** Does the name lack a tag, so that Docker says which one it takes? Throws kind `invalid` when it is no name. */
export function lacksTag(text: string): boolean {
  const { tag, digest } = parseReference(text);
  return tag === undefined && digest === undefined;
}

/** The name as `pull` prints it in the end, and `push -q`. */
export function fullName(text: string, { allTags = false } = {}): string {
  const reference = parseReference(text);
  return allTags ? repositoryOf(reference) : canonical(withDefaultTag(reference));
}
