/** Blobs on their way: resumed where the connection broke, bounded by the size that was promised. */
import { WherryError } from '#base/error.ts';
import { isTransient, pause } from '#oci/http.ts';
import { type Descriptor, MAX_DOCUMENT } from '#oci/manifest.ts';
import { networkError } from '#oci/network-error.ts';
import type { Reference } from '#oci/reference.ts';
import type { Registry } from '#oci/registry.ts';

/** So many broken connections in a row, without one new byte between them, end a download; and so many at all. */
const MAX_BREAKS = 4;
const MAX_BREAKS_AT_ALL = 100;

/**
 * A blob's bytes from an offset on as they come, exactly as many as its descriptor says; the digest is the receiver's to check.
 * A connection that breaks is taken up where it broke. Throws kind `corrupt` when the registry has another size,
 * kind `unavailable` when it can't be reached any more, the signal's reason when the download was called off.
 */
export async function* download(registry: Registry, reference: Reference, blob: Descriptor, from = 0): Chunks {
  const progress: Progress = { received: from, breaks: 0, all: 0 };
  while (progress.received < blob.size || progress.all === 0) {
    const before = progress.received;
    try {
      yield* attempt(registry, reference, { blob, progress });
      return;
    } catch (error) {
      registry.http.abort?.throwIfAborted();
      if (!isTransient(error)) throw error;
      progress.all += 1;
      progress.breaks = progress.received > before ? 1 : progress.breaks + 1;
      if (progress.breaks >= MAX_BREAKS || progress.all >= MAX_BREAKS_AT_ALL) {
        throw givenUp(error, registry, { blob, progress, reference });
      }
    }
    await pause(registry.http.retryDelay * 2 ** (progress.breaks - 1), registry.http.abort);
  }
}

export interface SmallOptions {
  /** Bytes. */
  limit?: number;
  /** What it is, for the error. */
  called?: string;
}

/** A whole blob with the digest that it was promised by. Throws kind `corrupt` for another one, and for one that is no small one. */
export async function fetchSmall(
  registry: Registry,
  reference: Reference,
  blob: Descriptor,
  { limit = MAX_DOCUMENT, called = 'image config' }: SmallOptions = {},
): Promise<Buffer> {
  const { digest, size } = blob;
  if (size > limit) throw new WherryError('corrupt', `${digest} has ${size} bytes, at most ${limit} can be`);
  const { createHash } = await import('node:crypto');
  const chunks: Buffer[] = [];
  for await (const chunk of download(registry, reference, blob)) chunks.push(chunk);
  const bytes = Buffer.concat(chunks);
  const [algorithm = 'sha256', hex] = digest.split(':');
  if (createHash(algorithm).update(bytes).digest('hex') === hex) return bytes;
  throw new WherryError('corrupt', `${called} verification failed for digest ${digest}`, {
    hint: 'The registry, or something on the way to it, sent another content: try again',
  });
}

type Chunks = AsyncGenerator<Buffer, void, undefined>;

interface Progress {
  /** Bytes that the receiver has, or does not want. */
  received: number;
  /** Broken connections since the last byte. */
  breaks: number;
  all: number;
}

/** One connection's share. Throws a transient error where it ends too early. */
async function* attempt(
  registry: Registry,
  reference: Reference,
  { blob, progress }: { blob: Descriptor; progress: Progress },
): Chunks {
  for await (const chunk of piece(registry, reference, { blob, offset: progress.received })) {
    progress.received += chunk.length;
    if (progress.received > blob.size)
      throw wrongSize(blob, `it has more than the ${blob.size} bytes that were announced`);
    yield chunk;
  }
  if (progress.received < blob.size) throw Object.assign(new Error('the body ended early'), { code: ENDED_EARLY });
}

const ENDED_EARLY = 'UND_ERR_RES_CONTENT_LENGTH_MISMATCH';

function givenUp(
  error: unknown,
  registry: Registry,
  { blob, progress, reference }: { blob: Descriptor; progress: Progress; reference: Reference },
): WherryError {
  const { code = '' } = error as NodeJS.ErrnoException;
  if ([ENDED_EARLY, 'UND_ERR_SOCKET'].includes(code)) {
    return wrongSize(blob, `it ends after ${progress.received} of ${blob.size} bytes`);
  }
  return networkError(error, 'GET', new URL(`${reference.path}/blobs/${blob.digest}`, registry.url));
}

function wrongSize({ digest }: Descriptor, why: string): WherryError {
  return new WherryError('corrupt', `Cannot download the blob ${digest}: ${why}`, {
    hint: 'Try again; if it stays so, the registry has a damaged copy',
  });
}

interface Wanted {
  blob: Descriptor;
  offset: number;
}

/** One answer's bytes, from the wanted offset on, whether the registry can do that or begins at the first again. */
async function* piece(registry: Registry, reference: Reference, { blob, offset }: Wanted): Chunks {
  const answer = await registry.blob(reference, blob.digest, offset);
  const { body, statusCode, headers } = answer;
  // Destroying what nobody reads is an error event; what a reader must know, the loop below throws.
  body.on('error', () => undefined);
  const start = statusCode === 206 ? rangeStart(headers['content-range']) : 0;
  try {
    if (start === undefined || start > offset) throw wrongSize(blob, 'it answers with another part than was asked for');
    const length = Number(headers['content-length'] ?? Number.NaN);
    if (!Number.isNaN(length) && start + length !== blob.size) {
      throw wrongSize(blob, `it has ${start + length} bytes, not ${blob.size}`);
    }
    let skip = offset - start;
    for await (const chunk of body as AsyncIterable<Buffer>) {
      const rest = skip === 0 ? chunk : chunk.subarray(Math.min(skip, chunk.length));
      skip -= chunk.length - rest.length;
      if (rest.length > 0) yield rest;
    }
  } finally {
    body.destroy();
  }
}

/** `bytes 1000-1999/2000` (RFC 9110, section 14.4). */
function rangeStart(header: string | string[] | undefined): number | undefined {
  const match = /^bytes ([0-9]+)-[0-9]+\/(?:[0-9]+|\*)$/.exec(typeof header === 'string' ? header : '');
  return match?.[1] === undefined ? undefined : Number(match[1]);
}
