/** What goes wrong in a copy, in the words of Docker's client or of its daemon, whichever would have found it. */
import { reasonOf } from '#base/errno.ts';
import { hasCode, WherryError } from '#base/error.ts';
import { insidePath } from '#container/copy-paths.ts';

export type Pieces = Iterable<Buffer> | AsyncIterable<Buffer>;

/** The daemon's. */
export const refuse = (message: string): WherryError => new WherryError('unavailable', message);

/** What Go calls what these system calls do. */
const VERBS: Record<string, string> = { unlink: 'RemoveAll', fchown: 'lchown', lchown: 'lchown' };

const verbOf = (error: unknown) => {
  const { syscall = 'open' } = error as NodeJS.ErrnoException;
  return VERBS[syscall] ?? syscall;
};

/** What the system refuses on the host's side. */
export function asClient(error: unknown, path: string): unknown {
  const reason = reasonOf(error);
  if (reason === undefined) return error;
  return new WherryError('invalid', `${verbOf(error)} ${path}: ${reason}`, { cause: error });
}

/** What goes wrong in a container, as Docker's daemon tells it. path: that was asked for. at: below it, where it happened. */
export function asDaemon(error: unknown, container: string, path: string, at?: string): unknown {
  if (error instanceof WherryError) return ['invalid', 'corrupt'].includes(error.kind) ? refuse(error.message) : error;
  const reason = reasonOf(error);
  if (reason === undefined) return error;
  if (hasCode(error, 'ENOENT')) {
    return new WherryError('not-found', `Could not find the file ${path} in container ${container}`, { cause: error });
  }
  const what = at === undefined ? `lstat ${insidePath(path)}` : `${verbOf(error)} ${at}`;
  return new WherryError('unavailable', `${what}: ${reason}`, { cause: error });
}

/** Pieces whose making may fail. */
export async function* explained(pieces: Pieces, explain: (error: unknown) => unknown): AsyncGenerator<Buffer> {
  try {
    yield* pieces;
  } catch (error) {
    throw explain(error);
  }
}
