/** What is said beside a build's progress: where in the Dockerfile an error is, and what its checks found. */
import { restated, WherryError } from '#base/error.ts';
import { DockerfileError, showPlace } from '#build/dockerfile/fault.ts';
import type { LintWarning } from '#build/vertex.ts';
import type { Context } from '#cli/command.ts';
import { warningText } from '#cli/solve/trace.ts';

export interface Source {
  name: string;
  /** Undefined: it could not be read. */
  text: string | undefined;
}

/** The lines of the Dockerfile that an error is about, or ''. */
export function explain(error: unknown, { name, text }: Source): string {
  if (!(error instanceof DockerfileError) || text === undefined) return '';
  // As buildx has it: what is innermost comes last.
  return error.places
    .toReversed()
    .map((place) => showPlace(name, text, place, error.near))
    .join('');
}

/** Of several builds one that failed: its cause is what to throw, after its lines of the Dockerfile. */
export class Unbuilt extends Error {
  readonly lines: string;
  constructor(cause: unknown, lines: string) {
    super((cause as Error).message, { cause });
    this.lines = lines;
  }
}

/** As buildx at the end of a build; with --debug each is explained. */
export function sayWarnings(context: Context, warnings: readonly LintWarning[], { name, text = '' }: Source): void {
  if (warnings.length === 0) return;
  const { err, debug, program } = context;
  const count = warnings.length === 1 ? '1 warning' : `${warnings.length} warnings`;
  const title = `${count} found${debug ? '' : ` (use ${program} --debug to expand)`}:\n`;
  err.write(`\n ${process.env.NO_COLOR ? title : `\x1b[33m${title}\x1b[0m`}`);
  for (const warning of warnings) {
    err.line(` - ${warningText(warning)}`);
    if (!debug) continue;
    err.line(warning.description);
    if (warning.url !== '') err.line(`More info: ${warning.url}`);
    for (const place of warning.place.slice(0, 1)) err.write(showPlace(name, text, place));
    err.line('');
  }
}

/** Of a way to show progress. */
export const showsWarnings = (mode: string) => !['quiet', 'none', 'rawjson'].includes(mode);

const SOLVING = 'failed to solve: ';

/** Once the Dockerfile is there, what goes wrong went wrong in the builder, says buildx. */
export function solving(error: unknown): unknown {
  if (!(error instanceof WherryError) || error.message.startsWith(SOLVING)) return error;
  const { message, exitCode } = error;
  return restated(error, { message: SOLVING + message, exitCode });
}
