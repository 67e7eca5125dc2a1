/** The push side of the distribution specification: what is there, what can be mounted, manifests. */
import { WherryError } from '#base/error.ts';
import { type Answer, readBody, shown } from '#oci/http.ts';
import { type Descriptor, MAX_DOCUMENT } from '#oci/manifest.ts';
import type { Reference } from '#oci/reference.ts';
import { type Registry, said } from '#oci/registry.ts';

/** What is needed to write into a repository. Its path is the registry's, not ours. */
export const pushScope = ({ path }: Reference): string => `repository:${path}:pull,push`;

/** Has the repository this blob? What is no clear yes is a no: the upload that follows hears the reason, with words. */
export async function hasRemoteBlob(registry: Registry, reference: Reference, digest: string): Promise<boolean> {
  const there = registry.at(reference);
  const answer = await registry.ask(`${there.path}/blobs/${digest}`, pushScope(there), { method: 'HEAD' });
  await answer.body.dump();
  const stated = answer.headers['docker-content-digest'];
  return answer.statusCode === 200 && (stated === undefined || stated === digest);
}

export interface Mounted {
  mounted: boolean;
  /** An upload that the registry has begun instead. */
  session?: URL;
}

/** Has the registry link a blob from another of its repositories. Where it can't or may not, nothing is lost. */
export async function mountBlob(
  registry: Registry,
  reference: Reference,
  { digest, from }: { digest: string; from: Reference },
): Promise<Mounted> {
  const there = registry.at(reference);
  const source = registry.at(from);
  const query = `mount=${encodeURIComponent(digest)}&from=${encodeURIComponent(source.path)}`;
  const scope = `${pushScope(there)} repository:${source.path}:pull`;
  let answer: Answer;
  try {
    answer = await registry.ask(`${there.path}/blobs/uploads/?${query}`, scope, emptyPost);
  } catch (error) {
    // No token for the other repository: then it is uploaded.
    if (error instanceof WherryError && error.kind === 'denied') return { mounted: false };
    throw error;
  }
  await answer.body.dump({ limit: 64 * 1024 });
  if (answer.statusCode === 202) return { mounted: false, session: nextAddress(registry, answer) };
  return { mounted: answer.statusCode === 201 };
}

export const emptyPost = { method: 'POST', headers: { 'content-length': '0' } } as const;

/** Gives an upload up that nobody will use. Registries that can't do that forget it by themselves. */
export async function cancelUpload(registry: Registry, reference: Reference, session: URL): Promise<void> {
  try {
    const scope = pushScope(registry.at(reference));
    const answer = await registry.ask(session, scope, { method: 'DELETE', once: true });
    await answer.body.dump({ limit: 64 * 1024 });
  } catch {
    registry.http.abort?.throwIfAborted();
  }
}

/** Where an upload goes on: relative or absolute. Throws kind `unavailable` when the answer doesn't say. */
export function nextAddress(registry: Registry, { headers, url }: Answer): URL {
  const { location } = headers;
  const next = typeof location === 'string' && URL.canParse(location, url.href) ? new URL(location, url) : undefined;
  if (next?.protocol === 'http:' && registry.url.protocol === 'https:') {
    // Registries behind a proxy that has the TLS often don't know of it.
    if (next.hostname === registry.url.hostname) return new URL(next.pathname + next.search, registry.url);
  } else if (next?.protocol === 'https:' || next?.protocol === 'http:') return next;
  throw new WherryError('unavailable', `Post "${shown(url)}": the registry names no address for the upload`, {
    hint: 'The registry, or a proxy before it, sends a wrong Location header',
  });
}

/** Bytes of a manifest or index, and what they are. */
export type Document = Pick<Descriptor, 'mediaType' | 'digest'> & { bytes: Buffer };

/**
 * Puts a manifest under a tag, or under its digest where the reference has none.
 * @returns the subject that the registry says to have listed it under (OCI-Subject)
 * Throws Docker's errors: `denied`, `unavailable`; `corrupt` when the registry has made something else of it.
 */
export async function putManifest(
  registry: Registry,
  reference: Reference,
  { bytes, mediaType, digest }: Document,
): Promise<string | undefined> {
  const there = registry.at(reference);
  const answer = await registry.ask(`${there.path}/manifests/${there.tag ?? digest}`, pushScope(there), {
    method: 'PUT',
    headers: { 'content-type': mediaType },
    body: bytes,
  });
  const body = await readBody(answer, MAX_DOCUMENT);
  if (answer.statusCode < 200 || answer.statusCode > 299) throw refusedPush(answer, body);
  checkDigest(answer, digest);
  const subject = answer.headers['oci-subject'];
  return typeof subject === 'string' ? subject : undefined;
}

/** Throws where a registry says that what it has taken is something else. */
export function checkDigest({ headers, url }: Answer, digest: string): void {
  const stated = headers['docker-content-digest'];
  if (stated === undefined || stated === digest) return;
  throw new WherryError('corrupt', `Put "${shown(url)}": the registry has stored ${stated}, not ${digest}`, {
    hint: 'Something on the way to the registry changes content: try again, or another way',
  });
}

/** A refused push in Docker's words, which are the registry's: `denied: requested access to the resource is denied`. */
export function refusedPush(answer: Answer, body: Buffer): WherryError {
  const { statusCode, url } = answer;
  const { code, message } = said(body, statusCode);
  if (code === '' || (code === 'MANIFEST_UNKNOWN' && body.length === 0)) {
    const text = message.startsWith('unexpected status') ? `received unexpected HTTP status: ${statusCode}` : message;
    return new WherryError('unavailable', text, { hint: `Try again later; it was asked at ${shown(url)}` });
  }
  const text = `${code.toLowerCase().replaceAll('_', ' ')}: ${message}`;
  if (code === 'DENIED' || code === 'UNAUTHORIZED') {
    return new WherryError('denied', text, { hint: `Log in as who may push there: wherry login ${url.host}` });
  }
  if (code === 'TOOMANYREQUESTS') return new WherryError('unavailable', text, { hint: 'Wait a while, and push again' });
  return new WherryError('unavailable', text);
}
