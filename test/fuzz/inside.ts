/** One layer, unpacked by this very process as the unpacking child does it: in a chroot, by the same pieces. */
import { openSync } from 'node:fs';
import { WherryError } from '#base/error.ts';
import { unpackStream } from '#store/unpack-stream.ts';
import { chroot, fchdir } from '#sys/ffi.ts';
import type { Namespace } from '#sys/host.ts';

export type Outcome = { digest: string; size: number } | { error: unknown };

const outside = openSync('/', 'r');

/** Fills an empty directory. The umask must be 0. */
export async function unpackInside(
  directory: string,
  namespace: Namespace,
  content: Iterable<Buffer>,
): Promise<Outcome> {
  chroot(directory);
  try {
    return await unpackStream({ namespace }, content);
  } catch (error) {
    return { error };
  } finally {
    fchdir(outside);
    chroot('.');
  }
}

const KINDS = ['invalid', 'not-found', 'conflict', 'denied', 'unsupported', 'unavailable', 'corrupt'];

/** What is wrong with a refusal; undefined for an honest one, which is a clear line of a known kind. */
export function wrongInError(error: unknown): string | undefined {
  if (!(error instanceof WherryError)) return `a defect: ${(error as Error).stack ?? error}`;
  const { kind, message } = error;
  if (!KINDS.includes(kind)) return `an unknown kind: ${kind}`;
  if (/\p{Cc}/u.test(message)) return `a message with control characters: ${JSON.stringify(message)}`;
  if (message.length < 5 || message.length > 1000) return `a message of ${message.length} characters: ${message}`;
  return undefined;
}
