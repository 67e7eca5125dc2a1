/** Files that a command writes where its user says. */
import { writeFileSync } from 'node:fs';
import { WherryError } from '#base/error.ts';
import { reason } from '#cli/run-files.ts';

/** Does WORK on the file at PATH; what the file system says against it is said as Go does: `open x: permission denied`. */
export function attempt(doing: string, path: string, work: () => void): void {
  try {
    work();
  } catch (cause) {
    throw new WherryError('invalid', `${doing} ${path}: ${reason(cause)}`, { cause });
  }
}

/** Secrets may be in it: a file that is new is its user's alone. */
export function writePrivate(path: string, text: string): void {
  attempt('open', path, () => writeFileSync(path, text, { mode: 0o600 }));
}
