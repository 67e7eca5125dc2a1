/** What is wrong with a Dockerfile, and the piece of the file it is in. */
import { type ErrorKind, type ErrorOptions, WherryError } from '#base/error.ts';
import { given } from '#base/given.ts';
import type { Place } from '#build/vertex.ts';

interface FaultOptions extends ErrorOptions {
  /** What else than `invalid` it is: a base image may be missing. */
  kind?: ErrorKind;
  /** The words in the file that are wrong, where they stand there as they are. */
  near?: string;
}

/** An error that a line has, in BuildKit's words. */
export class DockerfileError extends WherryError {
  /** Innermost first; each is shown by itself. A place in line 0 is known to be in no line. */
  readonly places: readonly Place[];
  readonly near: string | undefined;

  constructor(
    message: string,
    places: readonly Place[] = [],
    { kind = 'invalid', near, ...options }: FaultOptions = {},
  ) {
    super(kind, message, options);
    this.places = places;
    this.near = near;
  }
}

/** near: the words that are wrong. */
export const wrong = (message: string, near?: string): DockerfileError =>
  new DockerfileError(message, [], given({ near }));

export const wrongAt = (place: Place, message: string): DockerfileError => new DockerfileError(message, [place]);

/** Runs it; an error of it gets a place more, and what `wrap` makes of its message. */
export function placed<T>(place: Place, run: () => T, wrap: (message: string) => string = (message) => message): T {
  try {
    return run();
  } catch (error) {
    throw withPlace(error, place, wrap);
  }
}

/** The error with a place more; what is no expected error is left alone. */
export function withPlace(error: unknown, place: Place, wrap = (message: string) => message): unknown {
  if (!(error instanceof WherryError)) return error;
  const known = error instanceof DockerfileError ? error.places : [];
  return withPlaces(error, [...known, place], wrap);
}

/** The error with another message; places stay. */
export function reworded(error: unknown, wrap: (message: string) => string): unknown {
  return withPlaces(error, error instanceof DockerfileError ? error.places : [], wrap);
}

/** The error with these places alone. */
export function withPlaces(error: unknown, places: readonly Place[], wrap = (message: string) => message): unknown {
  if (!(error instanceof WherryError)) return error;
  const { kind, hint, exitCode, cause = error } = error;
  const near = error instanceof DockerfileError ? error.near : undefined;
  return new DockerfileError(wrap(error.message), places, { kind, cause, ...given({ hint, exitCode, near }) });
}

const RULE = '-'.repeat(20);

/**
 * The lines around a place as buildx shows them, with the marked ones pointed at, and the file's name and line above.
 * Below the line that has the words `near`, a further one says in which column they begin.
 * '' where the place is in no line of the text.
 */
export function showPlace(filename: string, text: string, place: Place, near?: string): string {
  const lines = text.split('\n');
  if (place.start < 1 || place.start > lines.length) return '';
  let [start, end] = [place.start, Math.min(Math.max(place.end, place.start), lines.length)];
  const wanted = start === end ? 4 : 2;
  for (let added = 0; added < wanted; added += 1) {
    if (start > 1) {
      start -= 1;
      added += 1;
    }
    if (end !== lines.length) {
      end += 1;
      added += 1;
    }
  }
  const last = Math.max(place.end, place.start);
  const isMarked = (number: number) => number >= place.start && number <= last;
  const found = near ? lines.findIndex((line, index) => isMarked(index + 1) && line.includes(near)) : -1;
  const shown = lines.slice(start - 1, end).map((line, index) => {
    const number = start + index;
    const row = ` ${String(number).padStart(3)} | ${isMarked(number) ? '>>>' : '   '} ${line}\n`;
    return found === number - 1 ? row + pointer(line, near ?? '') : row;
  });
  return `${filename}:${place.start}\n${RULE}\n${shown.join('')}${RULE}\n`;
}

/** Points at words: tabs before them are as wide as those above. */
function pointer(line: string, near: string): string {
  const before = line.slice(0, line.indexOf(near));
  return `     |     ${before.replace(/[^\t]/g, ' ')}^ column ${[...before].length + 1}\n`;
}
