/** What the engine throws, in the words in which docker compose hears it: from a daemon. */
import { type ErrorKind, restated, WherryError } from '#base/error.ts';

const PREFIX = 'Error response from daemon: ';

/** Kinds that the CLI gives the prefix itself. */
const PREFIXED: ReadonlySet<ErrorKind> = new Set(['not-found', 'conflict', 'denied', 'unavailable']);

/** An error's text with the prefix, as a screen shows it. */
export function spoken(error: unknown): string {
  if (!(error instanceof WherryError)) return error instanceof Error ? error.message : `${error}`;
  return PREFIXED.has(error.kind) && !error.message.startsWith(PREFIX) ? PREFIX + error.message : error.message;
}

/** An error of the engine's, which compose ends on with status 1, whatever it was. */
export function asDaemon(error: unknown): unknown {
  if (!(error instanceof WherryError)) return error;
  const { kind, message } = error;
  const isPrefixed = PREFIXED.has(kind) || message.startsWith(PREFIX);
  return restated(error, { message: isPrefixed ? message : PREFIX + message });
}
