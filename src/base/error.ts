import { given } from '#base/given.ts';

/**
 * What went wrong, as a closed set that each face maps to its own status (the CLI to exit codes).
 *
 * invalid: the request makes no sense; not-found: a named thing is absent; conflict: it is there, but in a state that
 * forbids the request; denied: not allowed to this user; unsupported: this kernel or program can't; unavailable: an
 * outside party (registry, network, full disk) failed; corrupt: stored or received bytes are not what they must be.
 */
export type ErrorKind = 'invalid' | 'not-found' | 'conflict' | 'denied' | 'unsupported' | 'unavailable' | 'corrupt';

export interface ErrorOptions {
  /** What to do about it, in the imperative, one line. */
  hint?: string;
  cause?: unknown;
  /** A container's start that failed has Docker's own status: 126 not executable, 127 not found. */
  exitCode?: number;
}

/** An expected failure. The message says what was wanted, with what (quoted), and why not; no period, no stack. */
export class WherryError extends Error {
  readonly kind: ErrorKind;
  readonly hint: string | undefined;
  readonly exitCode: number | undefined;

  constructor(kind: ErrorKind, message: string, options: ErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'WherryError';
    this.kind = kind;
    this.hint = options.hint;
    this.exitCode = options.exitCode;
  }
}

/** The same failure for who hears it elsewhere, in other words or of another kind. What to do about it stays, a status does not. */
export function restated(
  error: WherryError,
  { kind = error.kind, message = error.message, exitCode }: Restatement,
): WherryError {
  return new WherryError(kind, message, { cause: error, ...given({ hint: error.hint, exitCode }) });
}

/** A failure in the middle of an answer, or of a part of what is asked: whatever it was of, it has no daemon's prefix. */
export const asInvalid = (error: unknown): unknown =>
  error instanceof WherryError ? restated(error, { kind: 'invalid' }) : error;

interface Restatement {
  kind?: ErrorKind;
  message?: string;
  exitCode?: number | undefined;
}

/** Is it an error of the operating system with one of these codes (`ENOENT`)? */
export function hasCode(error: unknown, ...codes: string[]): boolean {
  const code = (error as NodeJS.ErrnoException | null)?.code;
  return code !== undefined && codes.includes(code);
}
